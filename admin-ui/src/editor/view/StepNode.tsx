import { Handle, Position } from '@xyflow/react';
import type { NodeProps } from '@xyflow/react';
import { memo } from 'react';
import type { CSSProperties } from 'react';
import { useTranslation } from 'react-i18next';

import { categoryOf, kindOf } from '../model/index';
import type { Port } from '../model/index';
import type { StepNodeType, Visit } from './graph';
import { KIND_ICONS } from './kindIcons';
import { nodeWords, portWords, timeWords } from './words';

/** What moves it changes none of what is drawn in it: the box is not drawn again while it is dragged. */
export function StepNode({ data, selected, height }: NodeProps<StepNodeType>) {
  return <Step data={data} selected={selected} height={height} />;
}

type StepProps = Pick<NodeProps<StepNodeType>, 'data' | 'selected' | 'height'>;

/** A node of the flow as a box: its name, what it does in words, and a row for each way on. */
const Step = memo(function Step({ data, selected, height }: StepProps) {
  const { t } = useTranslation('editor');
  const { node, ports, targets, visit, readOnly } = data;
  const kind = kindOf(node);
  const Icon = KIND_ICONS[kind];
  const classes = ['ed-step', `ed-${categoryOf(kind)}`];
  if (selected) classes.push('ed-selected');
  if (data.aside) classes.push('ed-aside');
  if (visit) classes.push(visit.now ? 'ed-now' : 'ed-visited');
  if (data.errors > 0) classes.push('ed-has-errors');
  return (
    <div className={classes.join(' ')} style={{ '--ed-height': `${height ?? 0}px` } as CSSProperties}>
      <Handle type="target" id="in" position={Position.Left} className="ed-in" isConnectable={!readOnly} isConnectableStart={false} />
      <div className="ed-head">
        <Icon size={18} aria-hidden className="ed-icon" />
        <span className="ed-name" title={node.name}>{node.name}</span>
        {data.isStart && <span className="ed-start">{t('node.start')}</span>}
        {data.count > 0 && <span className="ed-count" title={t('node.calls', { count: data.count })}>{data.count}</span>}
        {data.errors > 0 && <span className="ed-mark ed-error" title={t('node.errors', { count: data.errors })}>{data.errors}</span>}
        {data.errors === 0 && data.warnings > 0 && (
          <span className="ed-mark ed-warning" title={t('node.warnings', { count: data.warnings })}>{data.warnings}</span>
        )}
      </div>
      <div className="ed-words">
        <span className="ed-kind">{t(`kind.${kind}`)}</span>
        <span className="ed-does" title={nodeWords(node, t)}>{nodeWords(node, t)}</span>
      </div>
      {ports.map((port, index) => (
        <PortRow key={port.id} port={port} target={targets[index] ?? ''} readOnly={readOnly} />
      ))}
      {visit && <Badge visit={visit} />}
    </div>
  );
});

function PortRow({ port, target, readOnly }: { port: Port; target: string; readOnly: boolean }) {
  const { t } = useTranslation('editor');
  const words = portWords(port, t);
  return (
    <div className={`ed-port ed-port-${port.role} ${port.required && port.target === null ? 'ed-port-open' : ''}`}>
      {target !== '' && <span className="ed-target" title={target}>{target}</span>}
      <span className="ed-label" title={words}>{words}</span>
      <Handle type="source" id={port.id} position={Position.Right} className="ed-out" isConnectable={!readOnly} isConnectableEnd={false} />
    </div>
  );
}

function Badge({ visit }: { visit: Visit }) {
  const times = visit.to_ms === null ? timeWords(visit.from_ms) : `${timeWords(visit.from_ms)}–${timeWords(visit.to_ms)}`;
  return (
    <div className="ed-visit">
      <b>{visit.orders.join(', ')}</b> {times}
    </div>
  );
}
