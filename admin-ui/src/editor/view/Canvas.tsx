import '@xyflow/react/dist/style.css';
import './editor.css';

import { useComputedColorScheme } from '@mantine/core';
import { applyNodeChanges, Background, BackgroundVariant, Controls, MiniMap, ReactFlow } from '@xyflow/react';
import type { Edge, EdgeChange, NodeChange, ReactFlowProps } from '@xyflow/react';
import { useCallback, useEffect, useMemo, useState } from 'react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import { categoryOf, kindOf } from '../model/index';
import type { FlowDocument, Point } from '../model/index';
import { CommentNode } from './CommentNode';
import { canvasEdges, canvasNodes } from './graph';
import type { CanvasNode, Extras } from './graph';
import { StepNode } from './StepNode';

const NODE_TYPES = { step: StepNode, comment: CommentNode };
const COLOURS = { speak: '#4263eb', connect: '#2b8a3e', decide: '#b35c00', end: '#868e96' } as const;
const NO_EDGES: ReadonlySet<string> = new Set();

interface Props extends Extras {
  document: FlowDocument;
  selectedEdges?: ReadonlySet<string>;
  onSelect?: (ids: string[]) => void;
  onMove?: (to: Record<string, Point>) => void;
  flow?: Partial<ReactFlowProps<CanvasNode, Edge>>;
  children?: ReactNode;
}

/** The drawing. It holds only what a drag is about to change; the rest comes from the document. */
export function Canvas({ document, selectedEdges = NO_EDGES, onSelect, onMove, flow, children, ...extras }: Props) {
  const { t } = useTranslation('editor');
  const colorMode = useComputedColorScheme('light');
  const { selection, marks, lights, counts, readOnly } = extras;
  const [nodes, setNodes] = useState<CanvasNode[]>(() => canvasNodes(document, extras, []));
  useEffect(() => {
    setNodes((before) => canvasNodes(document, { selection, marks, lights, counts, readOnly }, before));
  }, [document, selection, marks, lights, counts, readOnly]);
  const edges = useMemo(() => canvasEdges(document, lights, selectedEdges), [document, lights, selectedEdges]);
  const changed = useCallback(
    (changes: NodeChange<CanvasNode>[]) => {
      const shown = changes.filter(({ type }) => type === 'position' || type === 'dimensions');
      if (shown.length > 0) setNodes((before) => applyNodeChanges(shown, before));
      const selected = selectedAfter(selection, changes);
      if (selected !== null) onSelect?.([...selected]);
      const moved = movedBy(changes);
      if (moved !== null) onMove?.(moved);
    },
    [selection, onSelect, onMove],
  );
  return (
    <ReactFlow<CanvasNode, Edge>
      nodes={nodes}
      edges={edges}
      nodeTypes={NODE_TYPES}
      onNodesChange={changed}
      colorMode={colorMode}
      minZoom={0.1}
      maxZoom={2}
      onlyRenderVisibleElements={nodes.length > 60}
      nodesDraggable={!readOnly}
      nodesConnectable={!readOnly}
      edgesReconnectable={!readOnly}
      elementsSelectable={!readOnly}
      deleteKeyCode={null}
      connectionRadius={28}
      attributionPosition="bottom-center"
      ariaLabelConfig={labels(t)}
      {...flow}
    >
      <Background variant={BackgroundVariant.Dots} gap={20} />
      <Controls showInteractive={false} />
      {nodes.length > 8 && <MiniMap pannable zoomable nodeColor={colourOf} ariaLabel={t('canvas.map')} />}
      {children}
    </ReactFlow>
  );
}

function colourOf(node: CanvasNode): string {
  return node.type === 'step' ? COLOURS[categoryOf(kindOf(node.data.node))] : '#ffe066';
}

/** The nodes or edges that are selected after the changes; `null`: they do not concern it. */
export function selectedAfter(selected: Iterable<string>, changes: readonly (NodeChange<CanvasNode> | EdgeChange)[]): Set<string> | null {
  const ids = new Set(selected);
  let concerned = false;
  for (const change of changes) {
    if (change.type !== 'select') continue;
    concerned = true;
    if (change.selected) ids.add(change.id);
    else ids.delete(change.id);
  }
  return concerned ? ids : null;
}

/** Where nodes came to when a drag ended or an arrow key moved them. */
function movedBy(changes: readonly NodeChange<CanvasNode>[]): Record<string, Point> | null {
  const moved: Record<string, Point> = {};
  for (const change of changes) {
    if (change.type === 'position' && change.dragging === false && change.position) moved[change.id] = change.position;
  }
  return Object.keys(moved).length > 0 ? moved : null;
}

function labels(t: (key: string) => string) {
  return {
    'controls.ariaLabel': t('canvas.controls'),
    'controls.zoomIn.ariaLabel': t('canvas.zoomIn'),
    'controls.zoomOut.ariaLabel': t('canvas.zoomOut'),
    'controls.fitView.ariaLabel': t('canvas.fit'),
    'minimap.ariaLabel': t('canvas.map'),
    'handle.ariaLabel': t('canvas.handle'),
    'node.a11yDescription.default': t('canvas.nodeHelp'),
    'node.a11yDescription.keyboardDisabled': t('canvas.nodeHelp'),
    'edge.a11yDescription.default': t('canvas.edgeHelp'),
  };
}
