import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';

export type Difference = { label: string; mine: string; theirs: string };
type Props = { differences: Difference[]; onMine: () => void; onTheirs: () => void };

/** Somebody else saved meanwhile: their values beside mine, and the choice between both. */
export function Conflict({ differences, onMine, onTheirs }: Props) {
  const { t } = useTranslation();
  return (
    <Alert color="yellow" title={t('conflict.title')} role="alert">
      <Stack gap="xs">
        {differences.filter(({ mine, theirs }) => mine !== theirs).map(({ label, mine, theirs }) => (
          <Text key={label} size="sm">
            {t('conflict.difference', { label, mine: mine || '–', theirs: theirs || '–' })}
          </Text>
        ))}
        <Group gap="xs">
          <Button size="xs" variant="default" onClick={onMine}>{t('conflict.mine')}</Button>
          <Button size="xs" variant="default" onClick={onTheirs}>{t('conflict.theirs')}</Button>
        </Group>
      </Stack>
    </Alert>
  );
}
