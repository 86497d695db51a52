import { bodyAs, bodyOf, kindOf } from './kinds';
import { edgesOf } from './ports';
import type { Edge } from './ports';
import { promptListsOf, variablesIn, wordsOf } from './texts';
import { GIVEN } from './types';
import type { Condition, Flow, FlowNode, NodeId, Value, VariableName } from './types';

export interface Scope {
  /** Set on every way to the node. */
  always: ReadonlySet<VariableName>;
  /** Set on some way to the node. */
  sometimes: ReadonlySet<VariableName>;
}

/** The variables that a node sets when it is left by this port. */
export function setBy(node: FlowNode, port: string): VariableName[] {
  if (port !== 'next') return [];
  const kind = kindOf(node);
  if (kind === 'collect') return [bodyAs(node, 'collect').into];
  if (kind === 'set') return [bodyAs(node, 'set').variable];
  return kind === 'http' ? Object.keys(bodyAs(node, 'http').into ?? {}) : [];
}

/** Every variable that some node sets, and those given. */
export function allVariables(flow: Flow): Set<VariableName> {
  return new Set([...GIVEN, ...flow.nodes.flatMap((node) => setBy(node, 'next'))].filter(Boolean));
}

/**
 * Which variables are set when a node is entered. A forward data flow to its fixed point: what is always set only
 * shrinks, what is sometimes set only grows, so it ends. Nodes that nothing leads to know what is given.
 */
export function scopesOf(flow: Flow): Map<NodeId, Scope> {
  const all = allVariables(flow);
  const edges = [...edgesOf(flow.nodes), ...returnsOf(flow)];
  const outOf = groupBy(edges, (edge) => edge.from);
  const nodes = new Map(flow.nodes.map((node) => [node.id, node]));
  const scopes = new Map<NodeId, { always: Set<string>; sometimes: Set<string> }>();
  const given = () => new Set<string>(GIVEN);
  if (nodes.has(flow.start)) scopes.set(flow.start, { always: given(), sometimes: given() });
  const queue = [flow.start];
  while (queue.length > 0) {
    const id = queue.pop() as NodeId;
    const node = nodes.get(id);
    const scope = scopes.get(id);
    if (node === undefined || scope === undefined) continue;
    for (const edge of outOf.get(id) ?? []) {
      if (!nodes.has(edge.to)) continue;
      const fresh = setBy(node, edge.port.id);
      const seen = scopes.has(edge.to);
      const target = scopes.get(edge.to) ?? { always: new Set(all), sometimes: new Set<string>() };
      scopes.set(edge.to, target);
      // A return adds nothing to what is always set: the menu was passed before, and variables are never unset.
      const narrowed = edge.port.id !== RETURN && narrow(target.always, [...scope.always, ...fresh]);
      const widened = widen(target.sometimes, [...scope.sometimes, ...fresh]);
      if (narrowed || widened || !seen) queue.push(edge.to);
    }
  }
  for (const id of nodes.keys()) if (!scopes.has(id)) scopes.set(id, { always: given(), sometimes: given() });
  return scopes;
}

/** The port of a return, which no node has. */
const RETURN = 'return';

function narrow(set: Set<string>, to: readonly string[]): boolean {
  const before = set.size;
  const kept = new Set(to);
  for (const name of set) if (!kept.has(name)) set.delete(name);
  return set.size !== before;
}

function widen(set: Set<string>, by: readonly string[]): boolean {
  const before = set.size;
  for (const name of by) if (name !== '') set.add(name);
  return set.size !== before;
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}

/** `go_back` and `repeat` return to menus that were passed: any menu from which they are reached. */
function returnsOf(flow: Flow): Edge[] {
  const back = flow.nodes.filter((node) => kindOf(node) === 'go_back' || kindOf(node) === 'repeat');
  if (back.length === 0) return [];
  const into = groupBy(edgesOf(flow.nodes), (edge) => edge.to);
  const menus = new Set(flow.nodes.filter((node) => kindOf(node) === 'menu').map((node) => node.id));
  return back.flatMap(({ id }) => {
    const before = ancestors(id, into);
    const port = { id: RETURN, role: 'next', digit: '', required: false, seldom: false } as const;
    return [...before].filter((menu) => menus.has(menu)).map((to) => ({ from: id, to, port: { ...port, target: to } }));
  });
}

function ancestors(id: NodeId, into: ReadonlyMap<NodeId, Edge[]>): Set<NodeId> {
  const found = new Set<NodeId>();
  const queue = [id];
  while (queue.length > 0) {
    for (const edge of into.get(queue.pop() as NodeId) ?? []) {
      if (!found.has(edge.from)) {
        found.add(edge.from);
        queue.push(edge.from);
      }
    }
  }
  return found;
}

/** What a name in a header begins with that is a secret of the domain. */
const SECRET = 'secret.';

export interface Use {
  variable: VariableName;
  path: string;
}

/** Where a node reads variables. */
export function usesOf(node: FlowNode): Use[] {
  const kind = kindOf(node);
  const body = bodyOf(node);
  const uses: Use[] = promptListsOf(node).flatMap(({ key, prompts }) =>
    prompts.flatMap((prompt, index) =>
      'say' in prompt ? inText(wordsOf(prompt), `${kind}.${key}.${index}.say`) : [],
    ),
  );
  if (kind === 'dial_number' || kind === 'transfer' || kind === 'scenario') {
    uses.push(...inValue(body.number as Value, `${kind}.number`));
  }
  if (kind === 'voicemail') uses.push(...inValue(body.box as Value, 'voicemail.box'));
  if (kind === 'if') uses.push(...inCondition(bodyAs(node, 'if').when, 'if.when'));
  if (kind === 'set') {
    const value = bodyAs(node, 'set').value;
    uses.push(...('text' in value ? inText(value.text, 'set.value.text') : inValue(value, 'set.value')));
  }
  if (kind === 'http') {
    const http = bodyAs(node, 'http');
    uses.push(...inText(http.url, 'http.url'), ...inText(http.body ?? '', 'http.body'));
    for (const [name, text] of Object.entries(http.headers ?? {})) {
      uses.push(...inText(text, `http.headers.${name}`).filter(({ variable }) => !variable.startsWith(SECRET)));
    }
  }
  return uses;
}

function inText(text: string, path: string): Use[] {
  return variablesIn(text).map((variable) => ({ variable, path }));
}

function inValue(value: Value, path: string): Use[] {
  return 'variable' in value ? [{ variable: value.variable, path: `${path}.variable` }] : [];
}

function inCondition(condition: Condition, path: string): Use[] {
  if ('equals' in condition || 'less' in condition) {
    const key = 'equals' in condition ? 'equals' : 'less';
    const pair = 'equals' in condition ? condition.equals : condition.less;
    return pair.flatMap((value, index) => inValue(value, `${path}.${key}.${index}`));
  }
  if ('matches' in condition) return inValue(condition.matches[0], `${path}.matches.0`);
  if ('all' in condition) return condition.all.flatMap((inner, index) => inCondition(inner, `${path}.all.${index}`));
  if ('any' in condition) return condition.any.flatMap((inner, index) => inCondition(inner, `${path}.any.${index}`));
  return 'not' in condition ? inCondition(condition.not, `${path}.not`) : [];
}
