import { Group, Text, VisuallyHidden } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { useFormat } from '../lib/useFormat';

export type Bar = { label: string; value: number };
type Props = { title: string; bars: Bar[]; colour?: string };

/** Amounts over time as bars from zero; a table for who does not see them. */
export function Bars({ title, bars, colour = 'var(--mantine-primary-color-filled)' }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const [pointed, setPointed] = useState<Bar | null>(null);
  const most = Math.max(1, ...bars.map(({ value }) => value));
  return (
    <figure className="bars" aria-label={title}>
      <Group justify="space-between" gap="xs" aria-hidden>
        <Text size="xs" c="dimmed">{t('bars.most', { value: format.number(most) })}</Text>
        <Text size="xs" fw={600}>{pointed ? `${pointed.label}: ${format.number(pointed.value)}` : ' '}</Text>
      </Group>
      <div className="bars-plot" aria-hidden onMouseLeave={() => setPointed(null)}>
        {bars.map((bar) => (
          <div key={bar.label} className="bars-slot" onMouseEnter={() => setPointed(bar)}>
            <i style={{ height: `${(100 * bar.value) / most}%`, background: colour, minHeight: bar.value > 0 ? 2 : 0 }} />
          </div>
        ))}
      </div>
      <Group justify="space-between" aria-hidden>
        <Text size="xs" c="dimmed">{bars[0]?.label}</Text>
        <Text size="xs" c="dimmed">{bars.at(-1)?.label}</Text>
      </Group>
      <VisuallyHidden>
        <table>
          <caption>{title}</caption>
          <tbody>{bars.map(({ label, value }) => <tr key={label}><th scope="row">{label}</th><td>{value}</td></tr>)}</tbody>
        </table>
      </VisuallyHidden>
    </figure>
  );
}
