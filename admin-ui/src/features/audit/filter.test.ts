import { expect, test } from 'vitest';

import { nothing, queryOf } from './filter';

test('an empty filter asks for everything', () => {
  expect(queryOf({ ...nothing, who: '  ' })).toEqual({});
});

test('the last day is included, also over the end of a month', () => {
  const { since, until, what } = queryOf({ ...nothing, what: ' user 301 ', since: '2026-02-28', until: '2026-02-28' });
  expect(what).toBe('user 301');
  expect(Date.parse(until ?? '') - Date.parse(since ?? '')).toBe(86_400_000);
});
