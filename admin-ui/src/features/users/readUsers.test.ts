import { expect, test } from 'vitest';

import { readUsers } from './readUsers';

const present = [{ name: '301', numbers: ['+49301'] }];

test('users are read by the names of the columns', () => {
  expect(readUsers('numbers;Name;Display Name\n+49302 302;302;Bob', present)).toEqual({
    users: [{ line: 2, name: '302', display_name: 'Bob', numbers: ['+49302', '302'], password: '' }], problems: [],
  });
});

test('what is wrong is told by line and column', () => {
  const { problems } = readUsers('name,numbers\n301,\n302,+49301\n302,abc\n,\nö,+1\n303,+1\n304,1,x', present);
  expect(problems.map(({ line, column, text }) => `${line} ${column} ${text}`)).toEqual([
    '2 name users.nameThere', '3 numbers users.numberThere', '4 name users.nameTwice', '4 numbers users.badNumber',
    '6 name users.badName', '7 numbers users.numberTwice', '8  users.tooManyFields',
  ]);
});

test('a file without names, or with columns that mean nothing, is none', () => {
  expect(readUsers('number\n1', present).problems[0]).toMatchObject({ line: 1, text: 'users.unknownColumn' });
  expect(readUsers('', present).problems[0]).toMatchObject({ line: 1, text: 'users.noNameColumn' });
});
