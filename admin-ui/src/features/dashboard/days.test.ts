import { expect, test } from 'vitest';

import { lastDays } from './days';

test('days without usage are there with none', () => {
  const usage = [{ day: '2026-11-28', amounts: { calls: 3 } }, { day: '2026-11-01', amounts: { calls: 9 } }];
  expect(lastDays(usage, 'calls', 3, new Date('2026-11-29T23:30:00Z'))).toEqual([
    { day: '2026-11-27', value: 0 }, { day: '2026-11-28', value: 3 }, { day: '2026-11-29', value: 0 },
  ]);
});
