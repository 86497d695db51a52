import { describe, expect, it } from 'vitest';
import demoMenu from '../../../../scenarios/flow/demo-menu.json';
import { readDocument, readJson, toJson } from './document';
import { migrateWith } from './migrate';
import { parseFlow } from './parse';
import { OFFICE, office } from './samples';
import { validate } from './validate';

const flow = (nodes: unknown[]) => ({ version: 1, name: 'x', start: 'a', nodes });
const node = (action: unknown) => ({ id: 'a', name: 'A', do: action });
const problemsOf = (raw: unknown) => {
  const parsed = parseFlow(raw);
  return parsed.ok ? [] : parsed.problems.map(({ path, detail }) => `${path}: ${detail}`);
};

describe('parse', () => {
  it('reads the demo menu of the stock scenario and finds nothing wrong with it', () => {
    const parsed = readDocument(demoMenu);
    expect(parsed.ok).toBe(true);
    if (parsed.ok) expect(validate(parsed.value.flow).filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  it('reads what was published with the flows that it runs', () => {
    const whole = { ...flow([node({ flow: { name: 'night', next: null } })]), flows: { night: flow([node({ hang_up: {} })]) } };
    expect(problemsOf(whole)).toEqual([]);
  });

  it('names what is wrong by its path and node', () => {
    const parsed = parseFlow(flow([node({ menu: { prompts: [{ sya: 'x' }], choices: { '1': 5 } } })]));
    expect(parsed).toEqual({
      ok: false,
      problems: [
        { node: 'a', path: 'nodes.0.do.menu.prompts.0.sya', detail: 'unknown; known are say, speech, file, silence_ms, tone' },
        { node: 'a', path: 'nodes.0.do.menu.choices.1', detail: 'must be a text, not a number' },
      ],
    });
  });

  it('refuses unknown and missing keys, wrong kinds and two actions', () => {
    expect(problemsOf(flow([node({ goto: { node: 'b', nxet: 1 } })]))).toEqual(['nodes.0.do.goto.nxet: unknown key']);
    expect(problemsOf(flow([node({ say: {} })]))).toEqual(['nodes.0.do.say.prompts: is missing']);
    expect(problemsOf(flow([node({ dance: {} })]))[0]).toMatch(/^nodes\.0\.do\.dance: unknown/);
    expect(problemsOf(flow([node({ say: { prompts: [] }, repeat: {} })]))[0]).toMatch(/one key/);
    expect(problemsOf([])).toEqual([': must be an object, not an array']);
    expect(problemsOf(flow([node({ toString: {} })]))[0]).toMatch(/unknown/);
  });

  it('reads every node of the wider format', () => {
    const wide = [
      { if: { when: { all: [{ open: 'hours' }, { not: { equals: [{ variable: 'caller' }, { fixed: '1' }] } }] }, then: 'a', else: 'a' } },
      { if: { when: { any: [{ matches: [{ variable: 'caller' }, '+7*'] }, { less: [{ fixed: '1' }, { fixed: '2' }] }] }, then: 'a', else: 'a' } },
      { set: { variable: 'v', value: { text: 'Hello {caller}' }, next: 'a' } },
      { http: { method: 'POST', url: 'https://a/{caller}', headers: { A: 'b' }, body: '{}', timeout_s: 5, into: { v: '/x' }, next: 'a', default: 'a' } },
      { voicemail: { box: { fixed: '302' }, greeting: [{ file: 'hi' }], next: 'a' } },
      { transfer: { number: { variable: 'v' }, default: 'a' } },
      { group: { users: ['301'], strategy: 'round_robin', timeout_s: 30, on: { busy: 'a' }, default: 'a' } },
      { flow: { name: 'other', next: 'a' } },
      { scenario: { number: { fixed: '110' } } },
      { hang_up: { cause: { status: 486 } } },
    ];
    for (const action of wide) expect(problemsOf(flow([node(action)]))).toEqual([]);
  });

  it('bounds how deep conditions nest', () => {
    let when: unknown = { open: 'x' };
    for (let depth = 0; depth < 5000; depth += 1) when = { not: when };
    expect(problemsOf(flow([node({ if: { when, then: 'a', else: 'a' } })]))[0]).toMatch(/nested deeper/);
  });
});

describe('document', () => {
  it('gives back what it wrote', () => {
    expect(readJson(toJson(office()))).toEqual({ ok: true, value: office() });
  });

  it('draws a bare flow', () => {
    const parsed = readDocument({ version: 1, name: 'Office', start: 'main', nodes: OFFICE });
    expect(parsed.ok && Object.keys(parsed.value.drawing.nodes)).toHaveLength(OFFICE.length);
  });

  it('draws anew what cannot be read as a picture', () => {
    expect(readDocument({ flow: office().flow, drawing: { version: 9 } }).ok).toBe(true);
  });

  it('refuses a later version and what is not JSON, in words', () => {
    const later = readDocument({ version: 2, name: '', start: '', nodes: [] });
    expect(later.ok ? [] : later.problems[0]?.detail).toBe('version 2 is not 1');
    const broken = readJson('{');
    expect(broken.ok ? '' : broken.problems[0]?.detail).toMatch(/is not JSON/);
  });
});

describe('migrate', () => {
  const table = { current: 3, steps: { 1: (old: object) => ({ ...old, b: 1 }), 2: (old: object) => ({ ...old, c: 2 }) } };

  it('goes step by step to the current version', () => {
    expect(migrateWith(table, { version: 1 })).toEqual({ ok: true, value: { version: 3, b: 1, c: 2 } });
    expect(migrateWith(table, { version: 3 })).toEqual({ ok: true, value: { version: 3 } });
  });

  it('does not guess at versions that it does not know', () => {
    expect(migrateWith(table, { version: 0 }).ok).toBe(false);
    expect(migrateWith(table, { version: 4 }).ok).toBe(false);
    expect(migrateWith(table, 'x')).toEqual({ ok: true, value: 'x' });
  });
});
