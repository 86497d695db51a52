import { expect, test } from 'vitest';

import { changeOf, draftOf, EMPTY } from './draft';

const number = {
  number: '100', title: 'Desk', scenario: 'ivr', version: 'abcd', fallback_cause: 'unavailable', canary: null, previous: null,
  created_at: '2026-11-28T09:10:00Z',
  fallback: { scenario: 'voicemail', version: '1234' }, settings: { menu: 1 }, fallback_settings: { box: '301' },
};

test('what was not touched is not sent', () => {
  const draft = draftOf(number);
  expect(changeOf(draft, draft)).toEqual({});
  expect(changeOf(draft, { ...draft, title: ' Front desk ' })).toEqual({ title: 'Front desk' });
});

test('another scenario takes its version along, and none stands for the newest', () => {
  const draft = draftOf(number);
  expect(changeOf(draft, { ...draft, scenario: 'flow', version: 'ef01' })).toEqual({ scenario: 'flow', version: 'ef01' });
  expect(changeOf(draft, { ...draft, scenario: 'flow', version: '' })).toEqual({ scenario: 'flow' });
});

test('a fall-back is a cause, a status or a scenario with its settings', () => {
  const draft = draftOf(number);
  expect(changeOf(draft, { ...draft, fallback: 'busy' })).toEqual({ fallback: 'busy' });
  expect(changeOf(draft, { ...draft, fallback: 'status', status: '503' })).toEqual({ fallback: '503' });
  expect(changeOf(EMPTY, { ...EMPTY, fallback: 'scenario', fallbackScenario: 'voicemail', fallbackVersion: '1234' }))
    .toEqual({ fallback: 'voicemail@1234', fallback_settings: {} });
});
