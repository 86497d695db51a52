import { Badge, Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';

import { api, type Schemas, taken } from '../../api/client';
import { Listing } from '../../components/Listing';
import { When } from '../../components/When';

const EVERY_MS = 15_000;

/** The devices that are registered for a user at present. */
export function Devices({ domain, user }: { domain: string; user: string }) {
  const { t } = useTranslation();
  const devices = useQuery({
    queryKey: ['devices', domain, user],
    queryFn: async () => {
      const params = { path: { domain, name: user } };
      return (await taken(api.GET('/domains/{domain}/users/{name}/devices', { params }))).data.items;
    },
    refetchInterval: EVERY_MS,
  });
  return (
    <Listing label={t('devices.title')} query={devices} items={devices.data ?? []} empty={t('devices.none')}
      columns={[t('devices.device'), t('devices.address'), t('devices.until'), t('devices.state')]}
      row={(device) => <Row key={`${device.contact} ${device.address}`} device={device} />} />
  );
}

function Row({ device }: { device: Schemas['Device'] }) {
  const { t } = useTranslation();
  return (
    <Table.Tr>
      <Table.Td title={device.contact}>{device.user_agent ?? device.contact}</Table.Td>
      <Table.Td>{device.transport} {device.address}</Table.Td>
      <Table.Td><When at={device.expires_at} /></Table.Td>
      <Table.Td><Badge color={device.reachable ? 'green' : 'gray'} variant="dot">{t(device.reachable ? 'devices.reachable' : 'devices.away')}</Badge></Table.Td>
    </Table.Tr>
  );
}
