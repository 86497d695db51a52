import '../texts';

import { ReactFlowProvider } from '@xyflow/react';
import { useMemo } from 'react';

import type { PathStep } from '../api';
import { emptyDrawing, placed } from '../model/index';
import type { Drawing, Flow } from '../model/index';
import { Canvas } from './Canvas';
import { lightsOf } from './graph';

interface Props {
  flow: Flow;
  drawing?: Drawing | undefined;
  /** The way of a call, past or going on: its nodes are lit with their times. */
  path?: readonly PathStep[] | undefined;
  /** Calls that are at each node now. */
  counts?: Record<string, number> | undefined;
}

const NOTHING: never[] = [];
const NO_MARKS = new Map<string, { errors: number; warnings: number }>();
const NO_COUNTS = {};

/** A flow to look at. It fills its parent, which needs a height. */
export function FlowView({ flow, drawing, path, counts = NO_COUNTS }: Props) {
  const document = useMemo(() => placed({ flow, drawing: drawing ?? emptyDrawing() }), [flow, drawing]);
  const lights = useMemo(() => (path === undefined ? null : lightsOf(path)), [path]);
  return (
    <ReactFlowProvider>
      <div className="ed-canvas ed-view">
        <Canvas document={document} selection={NOTHING} marks={NO_MARKS} lights={lights} counts={counts} readOnly
          flow={{ fitView: true, fitViewOptions: { maxZoom: 1 } }} />
      </div>
    </ReactFlowProvider>
  );
}
