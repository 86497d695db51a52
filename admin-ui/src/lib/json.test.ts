import { expect, test } from 'vitest';

import { readJson } from './json';

test('the place of a mistake is told as line and column', () => {
  expect(readJson('{"a": 1}')).toEqual({ value: { a: 1 } });
  expect(readJson('{\n  "a": 1,\n  "b" 2\n}')).toEqual({ line: 3, column: 7 });
  expect(readJson('{"a": [1, 2')).toEqual({ line: 1, column: 12 });
});

test('an empty text is no value and no mistake', () => {
  expect(readJson(' \n')).toEqual({ value: undefined });
});
