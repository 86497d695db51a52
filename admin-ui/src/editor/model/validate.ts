import { checkBody } from './check';
import type { Known } from './check';
import { kindOf } from './kinds';
import { loopsOf } from './loops';
import { edgesOf, portsOf } from './ports';
import type { Code, Problem, Severity } from './problem';
import { FLOW_VERSION, LIMITS } from './types';
import type { Flow, FlowNode, NodeId } from './types';
import { allVariables, scopesOf, usesOf } from './variables';

/** Everything that is wrong with a flow or looks wrong, in the order of the nodes. */
export function validate(flow: Flow, known: Known = {}): Problem[] {
  const report = new Report();
  const ids = new Set(flow.nodes.map((node) => node.id));
  if (flow.version !== FLOW_VERSION) report.add('version', 'error', 'version', { is: flow.version, known: FLOW_VERSION });
  report.bytes('name', flow.name, 0, LIMITS.name);
  report.count('nodes', flow.nodes.length, 1, LIMITS.nodes, 'nodes');
  if (flow.start === '' && flow.nodes.length > 0) report.add('start', 'error', 'no_start');
  else if (flow.nodes.length > 0 && !ids.has(flow.start)) report.add('start', 'error', 'unknown_node', { id: flow.start });

  const reached = reachedFrom(flow);
  const seen = new Set<NodeId>();
  const variables = allVariables(flow);
  // What a flow sets that this one runs is there afterwards; it is not known here.
  const missing = flow.nodes.some((node) => kindOf(node) === 'flow') ? 'warning' : 'error';
  const scopes = scopesOf(flow);
  const loops = loopsOf(flow);
  for (const node of flow.nodes) {
    report.node = node.id;
    report.bytes('id', node.id, 1, LIMITS.id);
    report.bytes('name', node.name, 1, LIMITS.name);
    if (seen.has(node.id)) report.add('id', 'error', 'duplicate_id');
    seen.add(node.id);
    if (!reached.has(node.id)) report.add('', 'error', 'unreachable');
    checkTargets(report, node, ids);
    checkBody(report, node, known);
    checkVariables(report, node, variables, scopes.get(node.id), missing);
    const loop = loops.get(node.id);
    if (loop !== undefined) report.add('', loop === 'loop' ? 'error' : 'warning', loop);
  }
  return report.problems;
}

/** Collects the problems of the node at hand. */
export class Report {
  node: NodeId | null = null;
  readonly problems: Problem[] = [];

  add(path: string, severity: Severity, code: Code, args: Problem['args'] = {}): void {
    this.problems.push({ node: this.node, path, severity, code, args });
  }

  range(path: string, is: number | undefined, least: number, most: number): void {
    if (is !== undefined && !(is >= least && is <= most)) this.add(path, 'error', 'range', { is, least, most });
  }

  /** `of` is a word that the view translates: nodes, prompts, characters, bytes, choices. */
  count(path: string, is: number, least: number, most: number, of: string): void {
    if (is < least || is > most) this.add(path, 'error', 'count', { is, least, most, of });
  }

  bytes(path: string, text: string, least: number, most: number): void {
    this.count(path, new TextEncoder().encode(text).length, least, most, 'bytes');
  }
}

function checkTargets(report: Report, node: FlowNode, ids: ReadonlySet<NodeId>): void {
  const ports = portsOf(node);
  for (const port of ports) {
    const path = `${kindOf(node)}.${port.id}`;
    if (port.target !== null && !ids.has(port.target)) report.add(path, 'error', 'unknown_node', { id: port.target });
    if (port.target === null && port.required) report.add(path, 'error', 'leads_nowhere', { port: port.id });
  }
  const fallback = ports.find((port) => port.id === 'default');
  if (fallback?.target !== null || kindOf(node) === 'transfer') return;
  const others = ports.filter((port) => port.role === 'failure' || port.id === 'on_timeout' || port.id === 'on_invalid');
  const covered = others.length > 0 && others.every((port) => port.target !== null);
  if (!covered) report.add(`${kindOf(node)}.default`, 'warning', 'call_ends', { port: 'default' });
}

function checkVariables(
  report: Report,
  node: FlowNode,
  variables: ReadonlySet<string>,
  scope: { always: ReadonlySet<string>; sometimes: ReadonlySet<string> } | undefined,
  missing: 'error' | 'warning',
): void {
  for (const { variable, path } of usesOf(node)) {
    const args = { name: variable };
    if (!variables.has(variable)) report.add(path, missing, 'unknown_variable', args);
    else if (scope && !scope.sometimes.has(variable)) report.add(path, 'warning', 'unset', args);
    else if (scope && !scope.always.has(variable)) report.add(path, 'warning', 'maybe_unset', args);
  }
}

function reachedFrom(flow: Flow): Set<NodeId> {
  const out = new Map<NodeId, NodeId[]>();
  for (const edge of edgesOf(flow.nodes)) {
    const targets = out.get(edge.from);
    if (targets) targets.push(edge.to);
    else out.set(edge.from, [edge.to]);
  }
  const ids = new Set(flow.nodes.map((node) => node.id));
  const reached = new Set<NodeId>();
  const queue = [flow.start];
  while (queue.length > 0) {
    const id = queue.pop() as NodeId;
    if (!ids.has(id) || reached.has(id)) continue;
    reached.add(id);
    queue.push(...(out.get(id) ?? []));
  }
  return reached;
}
