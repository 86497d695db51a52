import { Graph, layout as arrange } from '@dagrejs/dagre';
import { edgesOf } from './ports';
import { heightOf, NODE_WIDTH } from './size';
import type { Drawing, Flow, NodeId, Point } from './types';

/** A place for every node, from the start at the left to the ends at the right. */
export function layout(flow: Flow, drawing: Pick<Drawing, 'nodes'>): Record<NodeId, Point> {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: 'LR', nodesep: 36, ranksep: 96, ranker: 'network-simplex', marginx: 0, marginy: 0 });
  graph.setDefaultEdgeLabel(() => ({}));
  const first = flow.nodes.filter((node) => node.id === flow.start);
  const others = flow.nodes.filter((node) => node.id !== flow.start);
  for (const node of [...first, ...others]) {
    graph.setNode(node.id, { width: NODE_WIDTH, height: heightOf(node, drawing.nodes[node.id]?.open === true) });
  }
  for (const edge of edgesOf(flow.nodes)) {
    if (graph.hasNode(edge.to) && edge.from !== edge.to) graph.setEdge(edge.from, edge.to, {}, edge.port.id);
  }
  arrange(graph);
  return Object.fromEntries(
    graph.nodes().map((id: NodeId) => {
      const { x = 0, y = 0, height = 0 } = graph.node(id) as { x?: number; y?: number; height?: number };
      return [id, { x: Math.round(x - NODE_WIDTH / 2), y: Math.round(y - height / 2) }];
    }),
  );
}
