import { Badge, Box, Code, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';
import { Dialog } from '../../components/Dialog';
import { LoadError, Loading } from '../../components/Loading';
import { When } from '../../components/When';
import { WideTable } from '../../components/WideTable';

type Props = { domain: string; name: string };

/** The phones of a user as they are registered, asked for again while they are looked at. */
export function PhonesDialog({ domain, name, onClose }: Props & { onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog opened onClose={onClose} title={t('users.phonesOf', { name })} size="xl">
      <Phones domain={domain} name={name} />
    </Dialog>
  );
}

export function Phones({ domain, name }: Props) {
  const { t } = useTranslation();
  const phones = useQuery({
    queryKey: ['registrations', domain, name],
    queryFn: async () => {
      const params = { path: { domain, name } };
      return (await taken(api.GET('/domains/{domain}/users/{name}/registrations', { params }))).data.items;
    },
    refetchInterval: 10_000,
  });
  if (phones.isPending) return <Loading h={80} />;
  if (phones.isError) return <LoadError error={phones.error} onRetry={phones.refetch} />;
  if (phones.data.length === 0) return <Text size="sm" c="dimmed">{t('users.noPhones')}</Text>;
  return (
    <WideTable label={t('users.phonesOf', { name })} minWidth={520}>
      <Table.Thead>
        <Table.Tr>
          {['device', 'address', 'transport', 'registeredUntil'].map((column) => <Table.Th key={column} scope="col">{t(`users.${column}`)}</Table.Th>)}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>{phones.data.map((phone) => <Phone key={`${phone.contact} ${phone.received_from}`} phone={phone} />)}</Table.Tbody>
    </WideTable>
  );
}

function Phone({ phone }: { phone: Schemas['Registration'] }) {
  const { t } = useTranslation();
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="sm">{phone.user_agent ?? t('users.unnamedDevice')}</Text>
        <Code>{phone.contact}</Code>
        {!phone.reachable && <Badge color="red" variant="light" mt={4}>{t('users.unreachable')}</Badge>}
      </Table.Td>
      <Table.Td>{phone.received_from}</Table.Td>
      <Table.Td>{phone.transport}</Table.Td>
      <Table.Td><When at={phone.expires_at} /></Table.Td>
    </Table.Tr>
  );
}

/** A dot that says whether any phone is registered; the number beside it says so too. */
export function OnlineDot({ on }: { on: boolean }) {
  return <Box component="span" display="inline-block" w={9} h={9} bg={on ? 'teal.6' : 'gray.4'} style={{ borderRadius: '50%' }} aria-hidden />;
}
