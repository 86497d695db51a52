import './calls.css';

import { Alert, Anchor, Badge, Button, CopyButton, Paper, SimpleGrid, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { Schemas } from '../../api/client';
import { When } from '../../components/When';
import { causeWords, length, resultOf } from './callWords';

/** What became of a call, at a glance. */
export function CallFacts({ domain, call }: { domain: string; call: Schemas['Call'] }) {
  const { t } = useTranslation();
  const { words, colour } = resultOf(call, t);
  const base = `/domains/${encodeURIComponent(domain)}`;
  const status = call.sip_status === null ? '' : ` (${call.sip_status})`;
  return (
    <Paper withBorder p="md">
      <SimpleGrid cols={{ base: 2, sm: 3, lg: 4 }} spacing="md" component="dl" m={0}>
        <Fact label={t('calls.result')}><Badge color={colour} variant="dot">{words}</Badge></Fact>
        <Fact label={t('calls.started')}><When at={call.started_at} /></Fact>
        <Fact label={t('calls.duration')}>{length(call.duration_ms)}</Fact>
        <Fact label={t('call.ended')}>{t(`call.by.${call.ended_by}`, { defaultValue: call.ended_by })}: {causeWords(call.cause, t)}{status}</Fact>
        <Fact label={t('calls.direction')}>{t(`calls.direction_is.${call.direction}`)}</Fact>
        {call.entry_point && (
          <Fact label={t('call.number')}>
            <Anchor component={Link} size="sm" to={`${base}/numbers/${encodeURIComponent(call.entry_point)}`}>{call.entry_point}</Anchor>
          </Fact>
        )}
        {call.scenario && (
          <Fact label={t('calls.scenario')}>
            <Anchor component={Link} size="sm" underline="always" to={`${base}/scenarios/${encodeURIComponent(call.scenario)}`}>{call.scenario}</Anchor>
            {call.scenario_hash && <Text span size="xs" c="dimmed" ff="monospace"> {call.scenario_hash.slice(0, 8)}</Text>}
          </Fact>
        )}
        <Fact label={t('call.id')}><CallId id={call.id} /></Fact>
        {call.recoveries > 0 && <Fact label={t('call.recoveries')}>{call.recoveries}</Fact>}
      </SimpleGrid>
      {call.scenario_error && <Alert color="red" mt="md" title={t('calls.scenarioFailed')}><span className="call-text">{call.scenario_error}</span></Alert>}
      {call.fallback && (
        <Alert color="yellow" mt="md">
          {t('call.fallback', { scenario: call.fallback.scenario })}{call.fallback.error && ` ${call.fallback.error}`}
        </Alert>
      )}
    </Paper>
  );
}

function CallId({ id }: { id: string }) {
  const { t } = useTranslation();
  return (
    <CopyButton value={id}>
      {({ copied, copy }) => (
        <Button size="compact-xs" variant="default" ff="monospace" onClick={copy} title={id} aria-label={t('common.copyWhat', { what: id })}>
          {copied ? t('common.copied') : `${id.slice(0, 4)}…${id.slice(-8)}`}
        </Button>
      )}
    </CopyButton>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <Text component="dt" size="xs" c="dimmed">{label}</Text>
      <Text component="dd" size="sm" m={0}>{children}</Text>
    </div>
  );
}
