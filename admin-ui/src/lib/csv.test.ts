import { expect, test } from 'vitest';

import { csv } from './csv';

test('fields with commas, quotes and lines are quoted', () => {
  expect(csv([['301', 'Doe, "Jo"', 'a\nb']])).toBe('301,"Doe, ""Jo""","a\nb"\r\n');
});

test('formulas are no formulas any more, and numbers stay numbers', () => {
  expect(csv([['=1+1', '@x', '+cmd()', '-2+A1', '+49 30 12', '-5']])).toBe("'=1+1,'@x,'+cmd(),'-2+A1,+49 30 12,-5\r\n");
});
