import { Alert, Button, Group, Paper, Skeleton, Stack, Text, TextInput, Title } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { Failure, fieldsOf } from '../../components/Failure';
import { inPlace } from '../../lib/inPlace';
import { sampleOf, type Table, type To } from './table';
import { ruleName, wayWords } from './words';

export type Asked = { number: string; caller: string; at?: string };
type Props = {
  number: string; table: Table; dirty: boolean; asked: Asked | null; tested: UseQueryResult<Schemas['LineTested']>;
  onAsk: (asked: Asked) => void; onClear: () => void;
};

/** Asks what becomes of a call at a time, by the rules as they are on the page. */
export function Tester({ number, table, dirty, asked, tested, onAsk, onClear }: Props) {
  const { t } = useTranslation();
  const [called, setCalled] = useState(() => sampleOf(number));
  const [caller, setCaller] = useState('');
  const [at, setAt] = useState('');
  const submit = () => {
    onAsk({ number: called.trim(), caller: caller.trim(), ...(at ? { at } : {}) });
  };
  const fields = asked ? fieldsOf(tested.error) : {};
  return (
    <Paper withBorder p="md" component="section" className="line-tester" aria-labelledby="line-tester">
      <form onSubmit={inPlace(submit)}>
        <Stack gap="sm">
          <Title order={2} size="h5" id="line-tester">{t('lines.tester')}</Title>
          <Text size="sm" c="dimmed">{t('lines.testerHint')}</Text>
          <TextInput label={t('lines.testNumber')} value={called} required error={fields['number']} onChange={(event) => setCalled(event.currentTarget.value)} />
          <TextInput label={t('lines.testCaller')} description={t('lines.testCallerHint')} value={caller} error={fields['caller']}
            onChange={(event) => setCaller(event.currentTarget.value)} />
          <TextInput type="datetime-local" label={t('lines.testAt')} description={t('lines.testAtHint')} value={at} error={fields['at']}
            onChange={(event) => setAt(event.currentTarget.value)} />
          <Group>
            <Button type="submit" loading={tested.isFetching}>{t('lines.test')}</Button>
            {asked && <Button variant="default" onClick={onClear}>{t('common.clear')}</Button>}
          </Group>
          <div aria-live="polite">
            {asked && tested.isPending && <Skeleton h={80} aria-label={t('common.loading')} />}
            {asked && tested.error && <Failure error={tested.error} shown={['number', 'at']} />}
            {asked && tested.data && !tested.error && <Outcome tested={tested.data} number={number} table={table} dirty={dirty} />}
          </div>
        </Stack>
      </form>
    </Paper>
  );
}

type OutcomeProps = { tested: Schemas['LineTested']; number: string; table: Table; dirty: boolean };

function Outcome({ tested, number, table, dirty }: OutcomeProps) {
  const { t, i18n } = useTranslation();
  const { decision, number: taker } = tested;
  const rule = decision?.rule ?? null;
  const name = rule === null ? t('lines.otherwise') : ruleName(table.rows[rule]?.rule ?? {}, rule, t);
  // The server gives the domain's own time: it is shown as it is, whatever zone the browser is in.
  const moment = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'full', timeStyle: 'short', timeZone: 'UTC' });
  return (
    <Stack gap="xs">
      {taker?.number !== number && (
        <Alert color="yellow" p="xs">
          {taker ? t('lines.elsewhereTaken', { number: taker.number, scenario: taker.scenario }) : t('lines.nowhere')}
          {tested.user && ` ${t('lines.rings', { user: tested.user })}`}
        </Alert>
      )}
      {decision && (
        <Alert color="green" p="xs" title={name}>
          {wayWords(decision.to as To, t).map((text, at) => <Text key={at} size="sm">{at > 0 ? t('lines.then2', { text }) : text}</Text>)}
        </Alert>
      )}
      <Text size="xs" c="dimmed">
        {t('lines.testedAt', { at: moment.format(new Date(`${tested.local.slice(0, 19)}Z`)), zone: tested.time_zone })}
        {tested.withheld && ` ${t('lines.testedHidden')}`}
        {dirty && ` ${t('lines.testedDraft')}`}
      </Text>
    </Stack>
  );
}
