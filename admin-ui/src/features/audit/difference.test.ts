import { expect, test } from 'vitest';

import { difference } from './difference';

test('only what differs is told, by path, with lists as a whole', () => {
  const before = { name: '301', numbers: ['1'], limits: { 'kv-bytes': 1 }, note: null };
  const after = { name: '301', numbers: ['1', '2'], limits: {}, note: 'x' };
  expect(difference(before, after)).toEqual([
    { field: 'numbers', before: '1', after: '1, 2' },
    { field: 'limits.kv-bytes', before: '1', after: '' },
    { field: 'note', before: '', after: 'x' },
  ]);
});

test('what was made has nothing before', () => {
  expect(difference(null, { a: [{ b: 1 }] })).toEqual([{ field: 'a.0.b', before: '', after: '1' }]);
});
