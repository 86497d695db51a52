import { expect, test } from 'vitest';

import type { Schemas } from '../../api/client';
import { exportOf, filterOf } from './callFilter';
import { clock, length, outcomeWords, valueWords } from './callWords';
import { momentsOf } from './moments';
import { pathOf } from './path';

const START = '2026-11-28T09:10:00Z';
const at = (ms: number) => new Date(Date.parse(START) + ms).toISOString();
const step = (index: number, node: string | null, at_ms: number, ended_ms: number | null): Schemas['CallStep'] =>
  ({ index, node, node_name: node, at_ms, ended_ms, op: 'leg.collect', arguments: {}, outcome: null });
const leg = (index: number, began: number): Schemas['LegRecord'] => ({
  index, role: index ? 'callee' : 'caller', peer_uri: 'sip:302@demo.local', user: index ? '302' : null, started_at: at(began),
  answered_at: null, ended_at: at(9000), talk_ms: 0, cause: 'busy', sip_status: 486, codec: null, rtp_sent: 0, rtp_received: 0, rtp_lost: 0,
});
const call: Schemas['Call'] = {
  id: 'a', direction: 'inbound', from_number: '301', to_number: '100', entry_point: '100', scenario: 'ivr', scenario_hash: 'abcd',
  started_at: START, answered_at: null, ended_at: at(9500), duration_ms: 9500, cause: 'busy', sip_status: 486, ended_by: 'scenario',
  journal_stored: true, recoveries: 0, rolling_hash: null, scenario_end: 'returned', scenario_error: null, fallback: null, journal: 'stored',
  legs: [leg(0, 0), leg(1, 5000)],
};

test('what a scenario does stands before what it causes, and steps of one node stand together', () => {
  const moments = momentsOf(call, [step(0, 'menu', 10, 900), step(1, 'menu', 900, 5000), step(2, 'dial', 5000, 9000)]);
  expect(moments.map(({ what, node, steps }) => node ?? what + steps.length)).toEqual(['began0', 'menu', 'dial', 'dialled0', 'legEnded0', 'ended0']);
  expect(moments[1]?.steps).toHaveLength(2);
});

test('the path names each stay at a node once', () => {
  const steps = [step(0, null, 0, 5), step(1, 'menu', 10, 900), step(2, 'menu', 900, null), step(3, 'dial', 5000, 9000), step(4, 'menu', 9000, 9100), step(5, 'sales/menu', 9100, null)];
  expect(pathOf(steps)).toEqual([
    { node: 'menu', from_ms: 10, to_ms: 5000 }, { node: 'dial', from_ms: 5000, to_ms: 9000 }, { node: 'menu', from_ms: 9000, to_ms: null },
  ]);
  const enters = (index: number, id: string, at_ms: number) => ({ ...step(index, null, at_ms, at_ms), op: 'trace.step', arguments: { id, name: '' } });
  expect(pathOf([enters(0, 'menu', 0), step(1, 'menu', 1, 900), enters(2, 'menu', 900), enters(3, 'open', 950)])).toEqual([
    { node: 'menu', from_ms: 0, to_ms: 900 }, { node: 'menu', from_ms: 900, to_ms: 950 }, { node: 'open', from_ms: 950, to_ms: 950 },
  ]);
});

test('times and values are short', () => {
  expect([clock(65_250), length(3_750_000), length(4_100)]).toEqual(['1:05.250', '1:02:30', '0:04']);
  expect(valueWords({ prompts: [{ say: 'Hello' }], most: 1, ok: null })).toBe('prompts: [say: Hello], most: 1, ok');
  expect(['Done', { Leg: { Ok: null } }, { Collected: { Ok: { digits: '1' } } }, { Played: { Err: 'Gone' } }, 'completed'].map(outcomeWords))
    .toEqual(['', '✓', 'digits: 1', '✗ Gone', 'completed']);
});

test('a filter is what the address says and the server understands', () => {
  const filter = filterOf(new URLSearchParams('number=%2B4930&since=yesterday&until=2026-11-28T09:00:00.000Z&other=1'));
  expect(filter).toEqual({ number: '+4930', until: '2026-11-28T09:00:00.000Z' });
  expect(exportOf('demo.local', { number: '+4930' })).toBe('/api/v1/domains/demo.local/calls.csv?number=%2B4930');
});
