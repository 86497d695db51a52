import { useReactFlow } from '@xyflow/react';
import { useCallback, useMemo } from 'react';
import { useTranslation } from 'react-i18next';

import {
  addBehind, addComment, addNode, copy, disconnect, duplicate, heightOf, layout, move, nodeOf, NODE_WIDTH, paste, readClip, removeComments, removeNodes,
} from '../model/index';
import type { FlowDocument, Kind, Point } from '../model/index';
import { EDGE_SEPARATOR } from '../view/graph';
import { neighbour } from './neighbour';
import type { Editor } from './useEditor';

const GAP = 100;

/** What keys, palette and toolbar do with the drawing. */
export function useCommands(editor: Editor, edges: ReadonlySet<string>, onEdges: (edges: ReadonlySet<string>) => void) {
  const { t } = useTranslation('editor');
  const { setCenter, getZoom, fitView, screenToFlowPosition } = useReactFlow();
  const { edit, select, document, selection } = editor;

  /** The middle of what is seen. */
  const middle = useCallback((): Point => {
    const box = window.document.querySelector('.ed-canvas')?.getBoundingClientRect();
    const { x, y } = screenToFlowPosition(box ? { x: box.x + box.width / 2, y: box.y + box.height / 2 } : { x: 0, y: 0 });
    return { x: Math.round(x), y: Math.round(y) };
  }, [screenToFlowPosition]);

  const centre = useCallback(
    (id: string, within: FlowDocument = document) => {
      const place = within.drawing.nodes[id];
      const node = nodeOf(within, id);
      if (place === undefined || node === undefined) return;
      const zoom = Math.max(getZoom(), 0.7);
      const height = heightOf(node, place.open === true);
      void setCenter(place.x + NODE_WIDTH / 2, place.y + height / 2, { zoom, duration: motion() });
    },
    [document, getZoom, setCenter],
  );

  return useMemo(() => {
    const show = (id: string | null) => {
      select(id === null ? [] : [id]);
      if (id !== null) centre(id);
    };
    return {
      show,
      centre,
      fit: () => void fitView({ padding: 0.15, maxZoom: 1, duration: motion() }),
      add(kind: Kind) {
        const behind = selection.find((id) => nodeOf(document, id) !== undefined);
        const name = t(`kind.${kind}`);
        edit('add', (now) => {
          const added = behind === undefined ? addNode(now, kind, name, free(now, middle())) : addBehind(now, kind, name, behind, free(now, besides(now, behind)));
          requestAnimationFrame(() => centre(added.id, added.document));
          return { document: added.document, select: [added.id] };
        });
      },
      comment: () =>
        edit('addComment', (now) => {
          const { document: next, id } = addComment(now, middle());
          return { document: next, select: [id] };
        }),
      remove() {
        if (edges.size > 0) {
          edit('disconnect', (now) => [...edges].reduce((left, edge) => {
            const at = edge.indexOf(EDGE_SEPARATOR);
            return disconnect(left, edge.slice(0, at), edge.slice(at + 1));
          }, now));
          onEdges(new Set());
        }
        if (selection.length > 0) edit('remove', (now) => ({ document: removeComments(removeNodes(now, selection), selection), select: [] }));
      },
      duplicate() {
        if (selection.length === 0) return;
        edit('duplicate', (now) => {
          const pasted = duplicate(now, selection, selection);
          return { document: pasted.document, select: [...pasted.ids, ...pasted.comments] };
        });
      },
      selectAll: () => select([...document.flow.nodes, ...document.drawing.comments].map(({ id }) => id)),
      copy: () => (selection.length === 0 ? null : JSON.stringify(copy(document, selection, selection))),
      paste(text: string) {
        const clip = readClip(text);
        if (clip === null) return;
        edit('paste', (now) => {
          const pasted = paste(now, clip, free(now, middle()));
          return { document: pasted.document, select: [...pasted.ids, ...pasted.comments] };
        });
      },
      arrange() {
        edit('arrange', (now) => move(now, layout(now.flow, now.drawing)));
        requestAnimationFrame(() => void fitView({ padding: 0.15, maxZoom: 1, duration: motion() }));
      },
      go(x: -1 | 0 | 1, y: -1 | 0 | 1) {
        const next = neighbour(document, selection[0], x, y);
        if (next === undefined) return;
        show(next);
        window.document.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(next)}"]`)?.focus({ preventScroll: true });
      },
    };
  }, [t, document, selection, edges, edit, select, onEdges, centre, middle, fitView]);
}

function besides(document: FlowDocument, id: string): Point {
  const { x, y } = document.drawing.nodes[id] ?? { x: 0, y: 0 };
  return { x: x + NODE_WIDTH + GAP, y };
}

/** The place or the next one below where no node lies. */
function free(document: FlowDocument, at: Point): Point {
  const places = document.flow.nodes.map((node) => {
    const place = document.drawing.nodes[node.id] ?? { x: 0, y: 0 };
    return { ...place, height: heightOf(node, place.open === true) };
  });
  const point = { ...at };
  for (;;) {
    const under = places.find(({ x, y, height }) => Math.abs(x - point.x) < NODE_WIDTH + 20 && point.y < y + height + 20 && y < point.y + 140);
    if (under === undefined) return point;
    point.y = under.y + under.height + 40;
  }
}

/** How long the picture glides, in milliseconds: not at all for those who want no motion. */
function motion(): number {
  return window.matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 250;
}
