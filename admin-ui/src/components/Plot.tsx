import { Button, Group, Text } from '@mantine/core';
import { type KeyboardEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { linesOf, placeOf } from '../lib/plot';
import { WideTable } from './WideTable';

export type PlotPoint = { label: string; value: number | null };
type Props = { title: string; points: PlotPoint[]; format: (value: number) => string };

const HEIGHT = 120;
const WIDTH = 600;

/** An amount over time as a line from zero. Arrow keys go from point to point; the same is a table on demand. */
export function Plot({ title, points, format }: Props) {
  const { t } = useTranslation();
  const [place, setPlace] = useState<number | null>(null);
  const [asTable, setAsTable] = useState(false);
  const values = points.map(({ value }) => value);
  const most = Math.max(...values.map((value) => value ?? 0), 0);
  const last = points.length - 1;
  const pointed = place === null ? undefined : points[place];
  const words = ({ label, value }: PlotPoint) => `${label}: ${value === null ? '–' : format(value)}`;
  const onKey = (event: KeyboardEvent) => {
    const next = { ArrowLeft: (place ?? last + 1) - 1, ArrowRight: (place ?? -1) + 1, Home: 0, End: last }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    setPlace(Math.min(last, Math.max(0, next)));
  };
  const newest = values.filter((value) => value !== null).at(-1);
  const summary = t('plot.summary', { title, most: format(most), last: newest === undefined ? '–' : format(newest) });
  const x = place === null || last < 1 ? 0 : (place / last) * WIDTH;
  return (
    <figure className="plot">
      <Group justify="space-between" gap="xs" wrap="nowrap">
        <Text size="xs" c="dimmed">{t('bars.most', { value: format(most) })}</Text>
        <Text size="xs" fw={600} aria-live="polite">{pointed ? words(pointed) : ' '}</Text>
      </Group>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={summary} tabIndex={0}
        onKeyDown={onKey} onBlur={() => setPlace(null)} onMouseLeave={() => setPlace(null)}
        onMouseMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          setPlace(placeOf(event.clientX - box.left, box.width, points.length));
        }}>
        {linesOf(values, most, WIDTH, HEIGHT).map(({ line, area }) => (
          <g key={line}><path d={area} className="plot-area" /><path d={line} className="plot-line" vectorEffect="non-scaling-stroke" /></g>
        ))}
        {pointed && <line x1={x} x2={x} y1={0} y2={HEIGHT} className="plot-cursor" vectorEffect="non-scaling-stroke" />}
      </svg>
      <Group justify="space-between" gap="xs">
        <Text size="xs" c="dimmed">{points[0]?.label}</Text>
        <Button size="compact-xs" variant="subtle" aria-expanded={asTable} aria-label={`${t('plot.table')}: ${title}`}
          onClick={() => setAsTable(!asTable)}>{t('plot.table')}</Button>
        <Text size="xs" c="dimmed">{points.at(-1)?.label}</Text>
      </Group>
      {asTable && (
        <div className="plot-table">
          <WideTable label={title} minWidth={200}>
            <tbody>
              {points.map(({ label, value }) => <tr key={label}><th scope="row">{label}</th><td>{value === null ? '–' : format(value)}</td></tr>)}
            </tbody>
          </WideTable>
        </div>
      )}
    </figure>
  );
}
