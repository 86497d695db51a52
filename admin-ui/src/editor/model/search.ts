import { promptsOf } from './texts';
import { bodyOf } from './kinds';
import type { FlowNode } from './types';

export interface Found {
  node: FlowNode;
  /** The text in which the words were found. */
  where: string;
}

/** Nodes in whose name, id, prompts or settings every word of the query stands, best first. */
export function search(nodes: readonly FlowNode[], query: string): Found[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const ranked = nodes.flatMap((node) => {
    const texts = [node.name, node.id, ...promptsOf(node), settingsOf(node)];
    const all = texts.join('\n').toLowerCase();
    if (!words.every((word) => all.includes(word))) return [];
    const rank = texts.findIndex((text) => words.some((word) => text.toLowerCase().includes(word)));
    return [{ node, where: texts[rank] ?? node.name, rank }];
  });
  return ranked.sort((a, b) => a.rank - b.rank).map(({ node, where }) => ({ node, where }));
}

function settingsOf(node: FlowNode): string {
  return JSON.stringify(bodyOf(node)).replaceAll(/[{}"[\]]/g, ' ');
}
