import { expect, test } from 'vitest';

import { changes, shown } from './limits';

test('only what was changed is sent, in bytes, and null where it was emptied', () => {
  const now = { 'kv-bytes': 1_000_001, 'kv-keys': 7, instances: 3 };
  const fields = { 'kv-bytes': shown('bytes', 1_000_001), 'kv-keys': '', instances: '4', 'voicemail-bytes': '1.5' };
  expect(changes(now, fields)).toEqual({ 'kv-keys': null, instances: 4, 'voicemail-bytes': 1_572_864 });
});
