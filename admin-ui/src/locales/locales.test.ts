import { expect, test } from 'vitest';

import editorEn from '../editor/locales/en.json';
import editorRu from '../editor/locales/ru.json';
import en from './en.json';
import ru from './ru.json';

/** Keys without their plural endings, which differ by language. */
function keys(texts: object, before = ''): string[] {
  const of = ([key, value]: [string, unknown]) =>
    typeof value === 'string' ? [before + key.replace(/_(one|few|many|other)$/, '')] : keys(value as object, `${before}${key}.`);
  return [...new Set(Object.entries(texts).flatMap(of))].sort();
}

test.each([['console', en, ru], ['editor', editorEn, editorRu]])('both languages of the %s have the same texts', (_, english, russian) => {
  expect(keys(russian)).toEqual(keys(english));
});
