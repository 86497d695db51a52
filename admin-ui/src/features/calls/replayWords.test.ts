import i18next from 'i18next';
import { expect, test } from 'vitest';

import en from '../../locales/en.json';
import ru from '../../locales/ru.json';
import { type Report, replayWords } from './replayWords';

const resources = { en: { translation: en }, ru: { translation: ru } };
await i18next.init({ lng: 'en', resources, interpolation: { escapeValue: false } });
const told = (report: Partial<Report>, lng = 'en') =>
  replayWords({ steps: [1, 2], end: '', same_hash: false, diverged: true, divergence: null, diff: [], ...report }, i18next.getFixedT(lng));

test('a replay that goes as recorded tells how many host calls those were', () => {
  const same = { same_hash: true, diverged: false };
  expect(told(same)).toEqual({ title: 'As recorded', lines: ['The scenario did the same again: 2 host calls, and the same end.'] });
  expect(told({ ...same, steps: [1] }).lines).toEqual(['The scenario did the same again: 1 host call, and the same end.']);
  expect(told(same, 'ru').lines).toEqual(['Сценарий сделал то же самое: 2 вызова хоста и тот же конец.']);
});

test('a record that is cut short is told with why it ends', () => {
  const { lines } = told({ diverged: false, end: 'the journal ends after host call 2, leg.play' });
  expect(lines).toEqual(['The scenario did the same again as far as the record goes: 2 host calls.', 'the journal ends after host call 2, leg.play']);
});

test('a replay that leaves the record tells where, and what each of the two did there', () => {
  const divergence = { step: 2, recorded: 'asked Step { id: "a" }', replayed: 'ended: Returned' };
  const recorded = { asked: { name: 'trace.step', request: { Step: { id: 'a', name: 'Call 302' } } } };
  const row = { step: 2, node: { id: 'main', name: 'Main menu' }, recorded };
  expect(told({ divergence, diff: [{ ...row, replayed: { ended: 'Returned' } }] })).toEqual({
    title: 'Not as recorded',
    lines: ['Replay and record part at host call 2, in “Main menu”.', 'Recorded: trace.step id: a, name: Call 302', 'Now: the scenario came to its end'],
  });
  const trapped = { ended: { Trapped: { message: 'unreachable', backtrace: ['main'] } } };
  expect(told({ divergence, diff: [{ ...row, replayed: trapped }] }).lines[2]).toBe('Now: the scenario crashed: unreachable');
  expect(told({ divergence }).lines).toEqual(['Replay and record part at host call 2.', `Recorded: ${divergence.recorded}`, `Now: ${divergence.replayed}`]);
});

test('another hash alone is told as that', () => {
  expect(told({}).lines).toEqual(['No request differs in 2 host calls, but the hash over requests and answers is another one.']);
});
