// @vitest-environment jsdom
import { expect, test } from 'vitest';

import { Problem } from '../../api/problem';
import { problemsOf } from './importing';

test('the lines of a refused file are told, and nothing of other refusals', () => {
  const line = { line: 2, field: 'name', code: 'name-there', value: '301', detail: 'there is a user 301 already' };
  const other = { code: 'too-large', detail: 'not of a file of users' };
  expect(problemsOf(new Problem(422, 'refused', {}, false, null, [line, other]))).toEqual([line]);
  expect(problemsOf(new TypeError('no answer'))).toEqual([]);
  expect(problemsOf(null)).toEqual([]);
});
