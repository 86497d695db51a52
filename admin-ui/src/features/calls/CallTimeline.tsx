import './calls.css';

import { Text, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { causeWords, clock, length } from './callWords';

type Props = { call: Schemas['Call']; steps: Schemas['CallStep'][] };

/** Marks on the time axis. */
const MARKS = 5;

/** The call from its begin to its end: a bar for each leg, light while it rang, and one for the steps of the scenario. */
export function CallTimeline({ call, steps }: Props) {
  const { t } = useTranslation();
  const whole = Math.max(1, call.duration_ms);
  const since = (at: string | null) => (at ? Date.parse(at) - Date.parse(call.started_at) : null);
  return (
    <section>
      <Title order={2} size="h5" mb="xs">{t('call.timeline')}</Title>
      <div className="call-times">
        <div className="call-axis" aria-hidden>
          {Array.from({ length: MARKS }, (_, mark) => <span key={mark}>{length((whole * mark) / (MARKS - 1))}</span>)}
        </div>
        {call.legs.map((leg) => {
          const [from, answered, to] = [since(leg.started_at) ?? 0, since(leg.answered_at), since(leg.ended_at) ?? whole];
          const told = [clock(from), answered === null ? causeWords(leg.cause, t) : t('calls.answered'), length(leg.talk_ms)];
          return (
            <Row key={leg.index} label={leg.user ?? shortUri(leg.peer_uri)} title={`${leg.peer_uri}: ${told.join(', ')}`}>
              <Bar kind="ringing" from={from} to={answered ?? to} whole={whole} />
              {answered !== null && <Bar kind="talking" from={answered} to={to} whole={whole} />}
            </Row>
          );
        })}
        {steps.length > 0 && (
          <Row label={t('call.tab.steps')} title={t('call.steps', { count: steps.length })}>
            {steps.map((step) => (
              <Bar key={step.index} kind="step" from={step.at_ms} to={step.ended_ms ?? whole} whole={whole} title={`${step.node_name ?? step.op} ${clock(step.at_ms)}`} />
            ))}
          </Row>
        )}
      </div>
      <Text size="xs" c="dimmed" mt={4}>
        <span className="call-key call-ringing" /> {t('calls.ringing')} <span className="call-key call-talking" /> {t('calls.talking')}
      </Text>
    </section>
  );
}

/** `sip:301@demo.local;transport=tcp` is too long for the margin. */
function shortUri(uri: string): string {
  return uri.replace(/^.*?sips?:/, '').replace(/[;>].*$/, '');
}

function Row({ label, title, children }: { label: string; title: string; children: React.ReactNode }) {
  return (
    <div className="call-row" role="img" aria-label={`${label}: ${title}`}>
      <span className="call-label" title={title}>{label}</span>
      <div className="call-track">{children}</div>
    </div>
  );
}

function Bar({ kind, from, to, whole, title }: { kind: string; from: number; to: number; whole: number; title?: string }) {
  const left = Math.min(100, (from / whole) * 100);
  const width = Math.max(0, Math.min(100 - left, ((to - from) / whole) * 100));
  return <span className={`call-bar call-${kind}`} style={{ left: `${left}%`, width: `${width}%` }} title={title} />;
}
