import { expect, test } from 'vitest';

import { nameOf, soundType } from './prompts';

test('files are sent as what their names say, and give a prompt its name', () => {
  expect(['Hold.MP3', 'hold.wav', 'hold'].map(soundType)).toEqual(['audio/mpeg', 'audio/wav', 'audio/wav']);
  expect(['Good Day.MP3', 'büro.wav'].map(nameOf)).toEqual(['good-day', 'bu-ro']);
});
