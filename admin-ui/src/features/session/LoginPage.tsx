import { Center, Paper, Title } from '@mantine/core';

import type { Schemas } from '../../api/client';
import { LoginForm } from './LoginForm';

export function LoginPage({ onSession }: { onSession: (session: Schemas['Session']) => void }) {
  return (
    <Center component="main" mih="100vh" p="md">
      <Paper withBorder shadow="sm" p="xl" w={380}>
        <Title order={1} size="h2" mb="lg">Tandem</Title>
        <LoginForm onSession={onSession} />
      </Paper>
    </Center>
  );
}
