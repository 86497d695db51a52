import { expect, test } from 'vitest';

import { duplicated, inserted, isPattern, moved, problemsOf, type Rule, rowOf, sampleOf, settingsOf, tableOf, toOf } from './table';

const settings = {
  rules: [
    { name: 'Sales', called: ['+4930901XXX'], schedule: 'office', to: { group: { members: ['301', '302'], strategy: 'in_turn' as const, otherwise: { voicemail: { box: '301' } } } } },
    { enabled: false, withheld: true, schedule: 'office', when: 'closed' as const, before: { say: 'Closed.' }, to: { hang_up: 'declined' as const } },
    { to: 'fall_back' as const },
  ],
  otherwise: { user: { user: '300' } },
  language: 'ru',
};

test('settings are the same after they were a table', () => {
  expect(settingsOf(tableOf(settings))).toEqual(settings);
  expect(settingsOf(tableOf(null))).toEqual({ rules: [], otherwise: { hang_up: 'unavailable' } });
});

test('what says nothing is not sent', () => {
  const rule: Rule = { name: ' ', enabled: true, called: [], caller: [], withheld: false, schedule: '', when: 'closed', to: 'fall_back' };
  expect(settingsOf({ rows: [rowOf(rule)], otherwise: 'fall_back', language: '' })).toEqual({ rules: [{ to: 'fall_back' }], otherwise: 'fall_back' });
});

test('rules are moved, and stay where they cannot be', () => {
  const { rows } = tableOf(settings);
  const ids = (list: typeof rows) => list.map(({ id }) => rows.findIndex((row) => row.id === id));
  expect(ids(moved(rows, 0, 2))).toEqual([1, 2, 0]);
  expect(ids(moved(rows, 2, 0))).toEqual([2, 0, 1]);
  expect(moved(rows, 0, -1)).toBe(rows);
  expect(moved(rows, 2, 3)).toBe(rows);
});

test('a rule is copied below itself, and one that was deleted comes back to its place', () => {
  const { rows } = tableOf(settings);
  const copied = duplicated(rows, 1);
  expect(copied).toHaveLength(4);
  expect(copied[2]?.rule).toEqual(rows[1]?.rule);
  expect(new Set(copied.map(({ id }) => id)).size).toBe(4);
  const [first, second, third] = rows;
  expect(inserted([first!, third!], 1, second!)).toEqual(rows);
});

test('a destination keeps what its next kind has too', () => {
  const user = { user: { user: '301', ring_s: 10, otherwise: 'fall_back' as const } };
  expect(toOf('group', user)).toEqual({ group: { members: ['301'], ring_s: 10, otherwise: 'fall_back' } });
  expect(toOf('voicemail', user)).toEqual({ voicemail: { box: '301' } });
  expect(toOf('hang_up', user)).toEqual({ hang_up: 'unavailable' });
});

test('what the server would refuse is said at its field', () => {
  const rule: Rule = {
    called: ['+49X', '3 0'], caller: ['00+49'], before: { say: ' ' },
    to: { group: { members: [], ring_s: 601, otherwise: { user: { user: '' } } } },
  };
  expect(problemsOf(rule)).toEqual({
    called: 'lines.noPattern', caller: 'lines.noPattern', before: 'lines.needText', to: 'lines.needTarget',
    'to.ring_s': 'lines.wrongRing', 'to.otherwise': 'lines.needTarget',
  });
  for (const { rule: sound } of tableOf(settings).rows) expect(problemsOf(sound)).toEqual({});
});

test('patterns are those of the server', () => {
  for (const good of ['300', '+4930901XXX', '0*', '*', '*98', '#31#', 'sales.de-1']) expect(isPattern(good), good).toBe(true);
  for (const bad of ['', '3 0', '3N', '00+49', 'é', 'x'.repeat(65)]) expect(isPattern(bad), bad).toBe(false);
  expect([sampleOf('+4930901XXX'), sampleOf('0*'), sampleOf('*'), sampleOf('300')]).toEqual(['+4930901000', '00', '', '300']);
});
