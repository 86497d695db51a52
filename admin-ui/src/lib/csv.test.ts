import { expect, test } from 'vitest';

import { csv, parseCsv } from './csv';

test('fields with commas, quotes and lines are quoted', () => {
  expect(csv([['301', 'Doe, "Jo"', 'a\nb']])).toBe('301,"Doe, ""Jo""","a\nb"\r\n');
});

test('formulas are no formulas any more, and numbers stay numbers', () => {
  expect(csv([['=1+1', '@x', '+cmd()', '-2+A1', '+49 30 12', '-5']])).toBe("'=1+1,'@x,'+cmd(),'-2+A1,+49 30 12,-5\r\n");
});

test('what was written is read again, with the line of each row', () => {
  const rows = [['name', 'note'], ['301', 'a "b", c\nd'], ['302', '']];
  expect(parseCsv(csv(rows))).toEqual([
    { line: 1, fields: rows[0] }, { line: 2, fields: rows[1] }, { line: 4, fields: rows[2] },
  ]);
});

test('semicolons, a byte order mark and empty lines are nothing wrong', () => {
  expect(parseCsv('\uFEFFname;numbers\n\n301;1,2')).toEqual([
    { line: 1, fields: ['name', 'numbers'] }, { line: 3, fields: ['301', '1,2'] },
  ]);
});
