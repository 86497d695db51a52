import { expect, test } from 'vitest';

import type { Schemas } from '../../../api/client';
import { arrowsOf, GAP, kindOf, lanesOf, nameOf, ROW } from './layout';

type Message = Schemas['SipMessage'];

function message(from_start_us: number, direction: 'in' | 'out', leg: number, remote: string, more: Partial<Message> = {}): Message {
  return {
    at: '2026-11-28T09:10:00Z', from_start_us, direction, leg, local: '192.0.2.1:5060', remote, transport: 'udp',
    summary: 'INVITE sip:100@demo.local', method: 'INVITE', status: null, cseq: '1 INVITE', text: '', ...more,
  };
}

const call = [
  message(0, 'in', 0, '10.0.0.5:5060', { text: 'INVITE sip:100@demo.local SIP/2.0\r\nContent-Type: application/sdp\r\n\r\nv=0' }),
  message(200, 'out', 0, '10.0.0.5:5060', { status: 180, summary: 'SIP/2.0 180 Ringing' }),
  message(2_000_000, 'out', 1, '10.0.0.7:5060'),
];

test('the server stands between the caller and those it called', () => {
  const lanes = lanesOf(call);
  expect(lanes.map(({ address }) => address)).toEqual(['10.0.0.5:5060', '192.0.2.1:5060', '10.0.0.7:5060']);
  expect(lanes.map(({ ours }) => ours)).toEqual([false, true, false]);
});

test('arrows go from who sent to who got, with room where nothing was said for long', () => {
  const arrows = arrowsOf(call, lanesOf(call));
  expect(arrows.map(({ from, to }) => [from, to])).toEqual([[0, 1], [1, 0], [1, 2]]);
  expect(arrows.map(({ y }) => y)).toEqual([ROW, 2 * ROW, 3 * ROW + GAP]);
  expect(arrows.map(({ pause_ms }) => pause_ms)).toEqual([null, null, 1999.8]);
});

test('an arrow is named by its method or its status, and says when it carries media', () => {
  expect(call.map(nameOf)).toEqual(['INVITE (SDP)', '180 Ringing', 'INVITE']);
  expect([null, 100, 200, 302, 486, 603].map((status) => kindOf(message(0, 'in', 0, 'a', { status }))))
    .toEqual(['request', 'provisional', 'success', 'redirection', 'failure', 'failure']);
});
