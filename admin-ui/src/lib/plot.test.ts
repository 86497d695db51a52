import { expect, test } from 'vitest';

import { linesOf, placeOf } from './plot';

test('a line goes through every value, from zero to the most', () => {
  expect(linesOf([0, 5, 10], 10, 100, 102)).toEqual([{ line: 'M0 101L50 51L100 1', area: 'M0 101L50 51L100 1L100 102L0 102Z' }]);
});

test('where there is no value the line has a gap, and a value alone is seen', () => {
  const lines = linesOf([1, null, 1], 1, 100, 102).map(({ line }) => line);
  expect(lines).toEqual(['M0 1L1 1', 'M100 1L101 1']);
  expect(linesOf([null, null], 0, 100, 102)).toEqual([]);
});

test('the nearest point is pointed at', () => {
  expect(placeOf(49, 100, 3)).toBe(1);
  expect(placeOf(-5, 100, 3)).toBe(0);
  expect(placeOf(500, 100, 3)).toBe(2);
  expect(placeOf(5, 100, 0)).toBeNull();
});
