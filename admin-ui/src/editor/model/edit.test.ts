import { describe, expect, it } from 'vitest';
import { copy, duplicate, paste, readClip } from './clipboard';
import { emptyDocument, readDocument } from './document';
import * as edit from './edit';
import { begin, commit, MERGE_MS, redo, undo } from './history';
import { action, bodyOf, freshAction, KINDS, kindOf } from './kinds';
import { ADD_CHOICE, edgesOf, portsOf, visiblePorts, withTarget } from './ports';
import { documentOf, office } from './samples';
import type { FlowDocument, NodeId } from './types';

const body = (document: FlowDocument, id: NodeId) => {
  const node = edit.nodeOf(document, id);
  return node === undefined ? undefined : bodyOf(node);
};

describe('ports', () => {
  it('a menu has one per digit, one for more, and its ways out', () => {
    const menu = edit.nodeOf(office(), 'main');
    expect(menu && portsOf(menu).map((port) => port.id)).toEqual(
      ['choices.1', 'choices.2', ADD_CHOICE, 'on_timeout', 'on_invalid', 'default'],
    );
    expect(menu && visiblePorts(menu, false).map((port) => port.id)).toEqual(['choices.1', 'choices.2', ADD_CHOICE, 'default']);
  });

  it('a dial shows the failures that are connected, and all when it is opened', () => {
    const dial = edit.nodeOf(office(), 'anna');
    expect(dial && visiblePorts(dial, false).map((port) => port.id)).toEqual(['next', 'on.busy', 'default']);
    expect(dial && visiblePorts(dial, true)).toHaveLength(8);
  });

  it('setting and clearing a target gives the same node, of every kind', () => {
    for (const kind of KINDS) {
      const node = { id: 'a', name: 'A', do: freshAction(kind) };
      for (const port of portsOf(node).filter(({ role }) => role !== 'add')) {
        const set = withTarget(node, port.id, 'b');
        expect(edgesOf([set])).toMatchObject([{ from: 'a', to: 'b', port: { id: port.id } }]);
        expect(withTarget(set, port.id, null)).toEqual(node);
      }
    }
  });
});

describe('edit', () => {
  it('the first node is the start', () => {
    const { document, id } = edit.addNode(emptyDocument('x'), 'say', 'Greeting', { x: 0, y: 0 });
    expect(document.flow.start).toBe(id);
  });

  it('a node added behind another goes between it and where it led', () => {
    const { document, id } = edit.addBehind(office(), 'say', 'Thanks', 'busy', { x: 0, y: 0 });
    expect(body(document, 'busy')?.next).toBe(id);
    expect(body(document, id)?.next).toBe('back');
  });

  it('removing a node cuts every way to it and keeps the digits of menus', () => {
    const document = edit.removeNodes(office(), ['anna', 'bye']);
    expect(body(document, 'main')).toMatchObject({ choices: { '1': '', '2': 'ask' } });
    expect(body(document, 'main')).not.toHaveProperty('default');
    expect(document.drawing.nodes).not.toHaveProperty('anna');
  });

  it('removing the start lets the flow begin where it led', () => {
    expect(edit.removeNodes(office(), ['main']).flow.start).toBe('anna');
    expect(edit.removeNodes(office(), office().flow.nodes.map(({ id }) => id)).flow.start).toBe('');
  });

  it('connecting to the port for more makes the next digit', () => {
    expect(body(edit.connect(office(), 'main', ADD_CHOICE, 'bye'), 'main')?.choices).toEqual({ '1': 'anna', '2': 'ask', '3': 'bye' });
  });

  it('refuses what cannot be connected', () => {
    expect(edit.refusal(office(), 'busy', 'next', 'busy')).toBe('itself');
    expect(edit.refusal(office(), 'bye', 'next', 'main')).toBe('no_port');
    expect(edit.refusal(office(), 'busy', 'next', 'nobody')).toBe('no_node');
    expect(edit.refusal(office(), 'main', 'choices.1', 'main')).toBeNull();
  });

  it('renames an id with everything that names it', () => {
    const document = edit.renameId(office(), 'back', 'again');
    expect(edgesOf(document.flow.nodes).filter((edge) => edge.to === 'again')).toHaveLength(4);
    expect(edgesOf(document.flow.nodes).some((edge) => edge.to === 'back')).toBe(false);
    expect(document.drawing.nodes).toHaveProperty('again');
    expect(edit.renameId(office(), 'main', 'first').flow.start).toBe('first');
    const same = office();
    expect(edit.renameId(same, 'back', 'main')).toBe(same);
  });
});

describe('clipboard', () => {
  it('pastes into another flow with new ids and the ways between the copies', () => {
    const clip = readClip(JSON.stringify(copy(office(), ['main', 'anna', 'busy'])));
    const into = documentOf([{ id: 'main', name: 'Mine', do: { say: { prompts: [{ say: 'x' }] } } }]);
    const pasted = clip && paste(into, clip, { x: 1000, y: 500 });
    expect(pasted?.ids).toEqual(['main-2', 'anna', 'busy']);
    expect(pasted && body(pasted.document, 'main-2')).toMatchObject({ choices: { '1': 'anna', '2': '' } });
    expect(pasted && body(pasted.document, 'anna')?.on).toEqual({ busy: 'busy' });
    expect(pasted && Math.min(...pasted.ids.map((id) => pasted.document.drawing.nodes[id]?.x ?? 0))).toBe(1000);
  });

  it('a duplicate leads where the original leads', () => {
    const { document, ids } = duplicate(office(), ['busy']);
    expect(ids).toEqual(['busy-2']);
    expect(body(document, 'busy-2')?.next).toBe('back');
  });

  it('is not fooled by other texts', () => {
    expect(readClip('hello')).toBeNull();
    expect(readClip('{"tandem_flow_clip":1,"nodes":[{"id":"x"}],"places":{}}')).toBeNull();
  });
});

describe('history', () => {
  it('takes typing together and starts anew after a pause or another field', () => {
    let history = begin('');
    let now_ms = 0;
    for (const text of ['h', 'he', 'hel']) history = commit(history, text, { label: 'type', merge: 'a', now_ms: (now_ms += 100) });
    history = commit(history, 'hell', { label: 'type', merge: 'a', now_ms: now_ms + MERGE_MS + 1 });
    expect(history.past).toHaveLength(2);
    expect(undo(history).present).toBe('hel');
    expect(undo(undo(history)).present).toBe('');
  });

  it('an edit after an undo drops what could be redone', () => {
    const history = commit(undo(commit(begin(0), 1, { label: '', now_ms: 0 })), 2, { label: '', now_ms: 0 });
    expect(redo(history)).toBe(history);
  });
});

/** A generator with a seed, so that a failure can be repeated (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

/** One edit out of all, at random. */
function anyEdit(document: FlowDocument, below: (n: number) => number): FlowDocument {
  const ids = document.flow.nodes.map((node) => node.id);
  const id = ids[below(ids.length)] ?? '';
  const other = ids[below(ids.length)] ?? '';
  const node = edit.nodeOf(document, id);
  const ports = node === undefined ? [] : portsOf(node);
  const port = ports[below(ports.length)]?.id ?? 'next';
  const kind = KINDS[below(KINDS.length)] ?? 'say';
  const at = { x: below(900), y: below(900) };
  const edits: (() => FlowDocument)[] = [
    () => edit.addNode(document, kind, 'New', at).document,
    () => edit.addBehind(document, kind, 'New', id, at).document,
    () => edit.removeNodes(document, [id]),
    () => edit.connect(document, id, port, other),
    () => edit.connect(document, id, port, other),
    () => edit.disconnect(document, id, port),
    () => edit.renameId(document, id, `step-${below(50)}`),
    () => edit.setName(document, id, `Name ${below(9)}`),
    () => edit.setStart(document, id),
    () => edit.move(document, { [id]: at }),
    () => edit.setOpen(document, id, below(2) === 0),
    () => duplicate(document, [id, other]).document,
    () => paste(document, copy(document, [id, other]), at).document,
    () => edit.addComment(document, at).document,
    () => edit.removeComments(document, ['comment']),
    () => (node === undefined ? document : edit.setAction(document, id, action(kindOf(node), bodyOf(node)))),
  ];
  return (edits[below(edits.length)] as () => FlowDocument)();
}

describe('any sequence of edits', () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    it(`undone gives the same document, redone the other, and both can be read (seed ${seed})`, () => {
      const below = random(seed);
      const first = JSON.stringify(office());
      let history = begin(office());
      for (let step = 0; step < 60; step += 1) {
        history = commit(history, anyEdit(history.present, below), { label: 'any', merge: below(2) ? 'm' : undefined, now_ms: step * 400 } as never);
        const { flow, drawing } = history.present;
        expect(new Set(flow.nodes.map(({ id }) => id)).size).toBe(flow.nodes.length);
        expect(Object.keys(drawing.nodes).sort()).toEqual(flow.nodes.map(({ id }) => id).sort());
      }
      const last = JSON.stringify(history.present);
      const count = history.past.length;
      for (let step = 0; step < count; step += 1) history = undo(history);
      expect(JSON.stringify(history.present)).toBe(first);
      for (let step = 0; step < count; step += 1) history = redo(history);
      expect(JSON.stringify(history.present)).toBe(last);
      expect(readDocument(JSON.parse(last) as unknown)).toEqual({ ok: true, value: JSON.parse(last) as unknown });
    });
  }
});
