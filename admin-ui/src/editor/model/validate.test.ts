import { describe, expect, it } from 'vitest';
import { layout } from './layout';
import { documentOf, OFFICE, office } from './samples';
import { search } from './search';
import { heightOf, NODE_WIDTH } from './size';
import { GIVEN } from './types';
import type { Action, FlowNode } from './types';
import { validate } from './validate';
import { scopesOf } from './variables';

const node = (id: string, action: Action): FlowNode => ({ id, name: id, do: action });
const say = (id: string, next?: string, text = 'x') => node(id, { say: { prompts: [{ say: text }], ...(next ? { next } : {}) } });
const end = (id = 'end') => node(id, { hang_up: {} });
const said = (nodes: FlowNode[], known = {}) =>
  validate(documentOf(nodes).flow, known).map((p) => `${p.severity} ${p.node ?? '-'} ${p.path} ${p.code}`);

describe('validate', () => {
  it('finds nothing in a good flow', () => {
    const known = { users: new Set(['302']), numbers: new Set<string>() };
    expect(said(OFFICE, known)).toEqual([]);
  });

  it('names what the server names, by the same codes and paths', () => {
    const flow = documentOf([
      node('m', { menu: { prompts: [{ say: '' }], choices: { x: 'nowhere', '2': '' }, timeout_ms: 0, retries: 11, default: 'm' } }),
      node('c', { collect: { into: '', min: 5, max: 4, terminators: 'x', default: 'm' } }),
      end('e'),
      end('e'),
    ]).flow;
    const found = validate(flow).map(({ node: id, path, code }) => `${id} ${path} ${code}`);
    expect(found).toEqual(expect.arrayContaining([
      'm menu.choices.x bad_digit', 'm menu.choices.x unknown_node', 'm menu.choices.2 leads_nowhere', 'm menu.prompts.0.say count',
      'm menu.timeout_ms range', 'm menu.retries range', 'c  unreachable', 'c collect.into count', 'c collect.max range',
      'c collect.terminators bad_digit', 'e id duplicate_id',
    ]));
  });

  it('an empty flow needs a step, a flow without start a start', () => {
    expect(said([])).toEqual(['error - nodes count']);
    expect(validate({ ...documentOf([end()]).flow, start: '' }).map(({ code }) => code)).toEqual(['no_start', 'unreachable']);
  });

  it('warns of names that the domain does not have, if it knows them', () => {
    const nodes = [
      node('a', { say: { prompts: [{ file: 'hello' }], next: 'h' } }),
      node('h', { if: { when: { open: 'hours' }, then: 'd', else: 'f' } }),
      node('d', { dial_user: { user: '999', default: 'f' } }),
      node('f', { flow: { name: 'night', next: 'end' } }),
      end(),
    ];
    const none = new Set<string>();
    expect(said(nodes)).toEqual([]);
    expect(said(nodes, { users: none, prompts: none, schedules: none, flows: none })).toEqual([
      'warning a say.prompts.0.file unknown_prompt',
      'warning h if.when.open unknown_schedule',
      'warning d dial_user.user unknown_user',
      'warning f flow.name unknown_flow',
    ]);
  });

  it('knows the time, and not what the flows set that it runs', () => {
    expect(said([say('a', 'end', 'It is {time} on {weekday}.'), end()])).toEqual([]);
    expect(said([say('a', 'end', '{who}'), end()])).toEqual(['error a say.prompts.0.say unknown_variable']);
    const runs = node('f', { flow: { name: 'night', next: 'a' } });
    expect(said([runs, say('a', 'end', '{who}'), end()])).toEqual(['warning a say.prompts.0.say unknown_variable']);
  });

  it('finds circles in which nobody presses anything', () => {
    expect(said([say('a', 'b'), say('b', 'a')])).toEqual(['error a  loop', 'error b  loop']);
    const redial = [node('d', { dial_user: { user: '1', default: 's' } }), say('s', 'd')];
    expect(said(redial)).toEqual(['warning d  maybe_loop', 'warning s  maybe_loop']);
    const menu = node('m', { menu: { prompts: [{ say: 'x' }], choices: { '1': 'm' }, default: 's' } });
    expect(said([menu, say('s', 'm')])).toEqual([]);
    const waits = node('w', { if: { when: { open: 'x' }, then: 'end', else: 's2' } });
    expect(said([waits, say('s2', 'w'), end()])).toEqual(['warning w  maybe_loop', 'warning s2  maybe_loop']);
  });

  it('checks http steps', () => {
    const http = (change: object) => said([node('h', { http: { method: 'POST', url: 'https://a.example/{caller}', next: 'end', default: 'end', ...change } }), end()]);
    expect(http({ body: '{"from": "{caller}", "n": {dialled}}', into: { who: '/name' } })).toEqual([]);
    expect(http({ url: 'ftp://x' })).toEqual(['error h http.url bad_url']);
    expect(http({ body: '{' })).toEqual(['warning h http.body bad_json']);
    expect(http({ into: { who: 'name' } })).toEqual(['error h http.into.who bad_pointer']);
    expect(http({ headers: { 'a b': 'x' } })).toEqual(['error h http.headers.a b bad_header']);
    expect(http({ headers: { authorization: 'Bearer {secret.crm}' } })).toEqual([]);
    expect(http({ body: '{"at": "{secret.crm}"}' })).toEqual(['error h http.body unknown_variable']);
  });
});

describe('variables', () => {
  const branch = [
    node('if', { if: { when: { open: 'x' }, then: 'set', else: 'greet' } }),
    node('set', { set: { variable: 'who', value: { text: 'Mr {caller}' }, next: 'greet' } }),
    say('greet', 'end', 'Hello {who}'),
    end(),
  ];

  it('knows what is set on every way and on some', () => {
    const scope = scopesOf(documentOf(branch).flow).get('greet');
    expect([...(scope?.always ?? [])]).toEqual([...GIVEN]);
    expect([...(scope?.sometimes ?? [])]).toEqual([...GIVEN, 'who']);
    expect(said(branch)).toEqual(['warning greet say.prompts.0.say maybe_unset']);
  });

  it('an entry is set only where there was one', () => {
    const scopes = scopesOf(office().flow);
    expect(scopes.get('call')?.always.has('extension')).toBe(true);
    expect(scopes.get('main')?.always.has('extension')).toBe(false);
    // By way of `go_back` the caller may come to the menu with it.
    expect(scopes.get('main')?.sometimes.has('extension')).toBe(true);
  });

  it('complains about names that nothing sets', () => {
    expect(said([say('a', 'end', 'Hello {nobody}'), end()])).toEqual(['error a say.prompts.0.say unknown_variable']);
  });

  it('ends on a thousand nodes with circles', () => {
    const nodes = Array.from({ length: 1000 }, (_, i) =>
      node(`n${i}`, { collect: { into: `v${i % 40}`, max: 1, next: `n${(i * 7 + 1) % 1000}`, default: `n${(i + 1) % 1000}` } }));
    const began = performance.now();
    validate({ ...documentOf([end()]).flow, nodes, start: 'n0' });
    expect(performance.now() - began).toBeLessThan(3000);
  });
});

describe('layout', () => {
  it('puts no node upon another, and the start at the left', () => {
    const { flow, drawing } = office();
    const places = layout(flow, drawing);
    const boxes = flow.nodes.map((n) => ({ ...(places[n.id] ?? { x: 0, y: 0 }), h: heightOf(n, false) }));
    boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => {
      const apart = Math.abs(a.x - b.x) >= NODE_WIDTH || a.y + a.h <= b.y || b.y + b.h <= a.y;
      expect(apart).toBe(true);
    }));
    expect(Math.min(...boxes.map(({ x }) => x))).toBe(places.main?.x);
  });
});

describe('search', () => {
  it('looks in names, prompts and settings, names first', () => {
    expect(search(OFFICE, 'busy').map(({ node: { id } }) => id)).toEqual(['busy', 'anna']);
    expect(search(OFFICE, 'good DAY')[0]?.node.id).toBe('main');
    expect(search(OFFICE, '302').map(({ node: { id } }) => id)).toEqual(['anna']);
    expect(search(OFFICE, '  ')).toEqual([]);
  });
});
