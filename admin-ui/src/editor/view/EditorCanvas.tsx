import { useReactFlow } from '@xyflow/react';
import type { Connection, Edge, EdgeChange, FinalConnectionState } from '@xyflow/react';
import { useCallback, useMemo, useRef, useState } from 'react';
import type { DragEvent } from 'react';
import { useTranslation } from 'react-i18next';

import { addComment, addNode, connect, disconnect, KINDS, move, NODE_WIDTH, refusal, setComment } from '../model/index';
import type { Comment, Kind, Point } from '../model/index';
import type { Editor } from '../state/useEditor';
import { Canvas, selectedAfter } from './Canvas';
import { CommentEdit } from './CommentNode';
import type { CanvasNode, Lights } from './graph';
import { COMMENT, DRAGGED, Palette } from './Palette';

interface Props {
  editor: Editor;
  marks: ReadonlyMap<string, { errors: number; warnings: number }>;
  lights: Lights | null;
  /** Calls that are at each step now. */
  counts: Record<string, number>;
  edges: ReadonlySet<string>;
  onEdges: (edges: ReadonlySet<string>) => void;
}

/** Where a way was let go over nothing: what shall stand there is chosen next. */
interface Loose {
  from: string;
  port: string;
  at: Point;
  left: number;
  top: number;
}

/** The drawing with all that changes it by mouse. */
export function EditorCanvas({ editor, marks, lights, counts, edges, onEdges }: Props) {
  const { t } = useTranslation('editor');
  const { screenToFlowPosition } = useReactFlow<CanvasNode, Edge>();
  const frame = useRef<HTMLDivElement>(null);
  const [filled] = useState(editor.document.flow.nodes.length > 0);
  const [connecting, setConnecting] = useState(false);
  const [loose, setLoose] = useState<Loose | null>(null);
  const { edit, select, document } = editor;
  const comment = useCallback(
    (id: string, change: Partial<Omit<Comment, 'id'>>) =>
      edit('comment', (now) => setComment(now, id, change), `comment:${id}:${Object.keys(change).join()}`),
    [edit],
  );
  const moved = useCallback(
    (to: Record<string, Point>) => edit('move', (now) => move(now, to), `move:${Object.keys(to).join()}`),
    [edit],
  );
  const dropped = (event: DragEvent) => {
    const kind = event.dataTransfer.getData(DRAGGED);
    if (kind === '') return;
    event.preventDefault();
    const { x, y } = screenToFlowPosition({ x: event.clientX, y: event.clientY });
    const at = { x: Math.round(x - NODE_WIDTH / 2), y: Math.round(y - 20) };
    if (kind === COMMENT) edit('addComment', (now) => withSelected(addComment(now, at)));
    else if (KINDS.includes(kind as Kind)) edit('add', (now) => withSelected(addNode(now, kind as Kind, t(`kind.${kind}`), at)));
  };
  const ended = (event: MouseEvent | TouchEvent, state: FinalConnectionState) => {
    setConnecting(false);
    const { fromHandle, fromNode, toNode } = state;
    if (toNode !== null || !fromHandle?.id || !fromNode || fromHandle.type !== 'source' || !('clientX' in event)) return;
    // Nodes lie within the pane: what was refused there is no way to nothing.
    if (!(event.target instanceof Element) || !event.target.closest('.react-flow__pane') || event.target.closest('.react-flow__node')) return;
    const at = screenToFlowPosition({ x: event.clientX, y: event.clientY });
    const box = frame.current?.getBoundingClientRect();
    if (!box) return;
    setLoose({
      from: fromNode.id,
      port: fromHandle.id,
      at: { x: Math.round(at.x), y: Math.round(at.y - 20) },
      left: Math.max(0, Math.min(event.clientX - box.left, box.width - 220)),
      top: Math.max(0, Math.min(event.clientY - box.top, box.height - 330)),
    });
  };
  const choose = (kind: Kind) => {
    if (loose === null) return;
    edit('add', (now) => {
      const added = addNode(now, kind, t(`kind.${kind}`), loose.at);
      return { document: connect(added.document, loose.from, loose.port, added.id), select: [added.id] };
    });
    setLoose(null);
  };
  const flow = useMemo(
    () => ({
      // An empty drawing must not jump when its first step comes.
      fitView: filled,
      fitViewOptions: { maxZoom: 1, padding: 0.15 },
      isValidConnection: ({ source, sourceHandle, target }: Connection | Edge) =>
        refusal(document, source, sourceHandle ?? '', target) === null,
      onConnect: ({ source, sourceHandle, target }: Connection) =>
        edit('connect', (now) => connect(now, source, sourceHandle ?? '', target)),
      onReconnect: (old: Edge, { source, sourceHandle, target }: Connection) =>
        edit('connect', (now) => connect(disconnect(now, old.source, old.sourceHandle ?? ''), source, sourceHandle ?? '', target)),
      onEdgesChange: (changes: EdgeChange[]) => {
        const next = selectedAfter(edges, changes);
        if (next !== null) onEdges(next);
      },
      onConnectStart: () => {
        setConnecting(true);
        setLoose(null);
      },
      onReconnectStart: () => setConnecting(true),
      onReconnectEnd: () => setConnecting(false),
      onPaneClick: () => {
        select([]);
        setLoose(null);
      },
      onMoveStart: () => setLoose(null),
      selectionKeyCode: 'Shift',
      multiSelectionKeyCode: ['Control', 'Meta', 'Shift'],
      snapToGrid: true,
      snapGrid: [10, 10] as [number, number],
    }),
    [filled, document, edit, select, edges, onEdges],
  );
  return (
    <CommentEdit value={comment}>
      <div ref={frame} className={connecting ? 'ed-canvas ed-connecting' : 'ed-canvas'} onDrop={dropped}
        onDragOver={(event) => event.dataTransfer.types.includes(DRAGGED) && event.preventDefault()}>
        <Canvas document={document} selection={editor.selection} marks={marks} lights={lights} counts={counts} readOnly={false}
          selectedEdges={edges} onSelect={select} onMove={moved} flow={{ ...flow, onConnectEnd: ended }} />
        {document.flow.nodes.length === 0 && <div className="ed-empty">{t('canvas.empty')}</div>}
        {loose && (
          <div className="ed-drop" style={{ left: loose.left, top: loose.top }} role="dialog" aria-label={t('canvas.addHere')}
            onKeyDown={(event) => event.key === 'Escape' && setLoose(null)}>
            <Palette onAdd={choose} />
          </div>
        )}
      </div>
    </CommentEdit>
  );
}

export function withSelected({ document, id }: { document: Editor['document']; id: string }) {
  return { document, select: [id] };
}
