import { type KeyboardEvent, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';

import { clock } from '../callWords';
import { type Arrow, GAP, kindOf, nameOf, ROW } from './layout';

type Props = { arrows: Arrow[]; x: number[]; width: number; chosen: number; onChoose: (index: number) => void };

const STEPS: Record<string, (chosen: number, last: number) => number> = {
  ArrowDown: (chosen, last) => Math.min(last, chosen + 1),
  ArrowUp: (chosen) => Math.max(0, chosen - 1),
  Home: () => 0,
  End: (_, last) => last,
};

/** The messages as arrows. One is chosen by a click, or by the arrow keys. */
export function Arrows({ arrows, x, width, chosen, onChoose }: Props) {
  const { t } = useTranslation();
  const drawing = useRef<SVGSVGElement>(null);
  const height = (arrows.at(-1)?.y ?? 0) + 18;
  const moved = useRef(false);
  useEffect(() => {
    if (moved.current) drawing.current?.querySelector(`#sip-${chosen}`)?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);
  const press = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    moved.current = true;
    onChoose(step(chosen, arrows.length - 1));
  };
  return (
    <svg ref={drawing} width={width} height={height} role="listbox" tabIndex={0} aria-label={t('sip.title')}
      aria-activedescendant={`sip-${chosen}`} onKeyDown={press}>
      {x.map((at) => <line key={at} className="sip-lane" x1={at} x2={at} y1={0} y2={height} />)}
      {arrows.map((arrow, index) => (
        <OneArrow key={index} arrow={arrow} index={index} x={x} width={width} chosen={index === chosen} onChoose={onChoose} />
      ))}
    </svg>
  );
}

type OneProps = { arrow: Arrow; index: number; x: number[]; width: number; chosen: boolean; onChoose: (index: number) => void };

function OneArrow({ arrow: { message, from, to, y, pause_ms }, index, x, width, chosen, onChoose }: OneProps) {
  const { t } = useTranslation();
  const [start, end] = [x[from] ?? 0, x[to] ?? 0];
  const name = nameOf(message);
  const time = clock(message.from_start_us / 1000);
  return (
    <>
      {pause_ms !== null && <text x={10} y={y - ROW - GAP / 2 + 16} className="sip-dim">+{clock(pause_ms)}</text>}
      <g id={`sip-${index}`} className={`sip-arrow sip-${kindOf(message)}`} role="option" aria-selected={chosen}
        aria-label={t('sip.message', { time, name, from: from === to ? '' : message.direction === 'in' ? message.remote : message.local })}
        onClick={() => onChoose(index)}>
        <rect className="sip-back" x={0} y={y - 21} width={width} height={ROW} />
        <text x={10} y={y} className="sip-dim">{time}</text>
        <text x={start === end ? start + 34 : (start + end) / 2} y={y - 7} textAnchor={start === end ? 'start' : 'middle'} className="sip-name">{name}</text>
        <Shaft start={start} end={end} y={y} />
      </g>
    </>
  );
}

/** From lane to lane; a message to the same address turns back to its own. */
function Shaft({ start, end, y }: { start: number; end: number; y: number }) {
  if (start === end) return <path d={`M${start} ${y - 10} h26 v10 h-22`} fill="none" />;
  const way = Math.sign(end - start);
  return (
    <>
      <line x1={start} x2={end - way * 6} y1={y} y2={y} />
      <polygon points={`${end},${y} ${end - way * 9},${y - 4.5} ${end - way * 9},${y + 4.5}`} />
    </>
  );
}
