import { expect, test } from 'vitest';

import en from './en.json';
import ru from './ru.json';

/** Keys without their plural endings, which differ by language. */
function keys(texts: object, before = ''): string[] {
  const of = ([key, value]: [string, unknown]) =>
    typeof value === 'string' ? [before + key.replace(/_(one|few|many|other)$/, '')] : keys(value as object, `${before}${key}.`);
  return [...new Set(Object.entries(texts).flatMap(of))].sort();
}

test('both languages have the same texts', () => {
  expect(keys(ru)).toEqual(keys(en));
});
