import { expect, test } from 'vitest';

import { isOver, spokenLanguage } from './recording';

test('a recording by phone is followed until nothing more becomes of it', () => {
  expect((['ringing', 'recording'] as const).map(isOver)).toEqual([false, false]);
  expect((['kept', 'not_kept', 'not_answered', 'failed'] as const).map(isOver)).toEqual([true, true, true, true]);
});

test('the phone speaks the language of the console, where the scenario can', () => {
  expect(['ru', 'ru-RU', 'en', 'de'].map(spokenLanguage)).toEqual(['ru', 'ru', 'en', 'en']);
});
