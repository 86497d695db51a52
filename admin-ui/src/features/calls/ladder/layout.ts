import type { Schemas } from '../../../api/client';

type Message = Schemas['SipMessage'];

/** A vertical line of the ladder: an address that speaks SIP. */
export interface Lane {
  address: string;
  /** It is one of the server's own. */
  ours: boolean;
}

export interface Arrow {
  message: Message;
  /** Lanes, by their place. */
  from: number;
  to: number;
  /** How far down, in pixels. */
  y: number;
  /** How long nothing was said before it, where that was long. */
  pause_ms: number | null;
}

/** A pause from which on there is more room above the next message. */
const PAUSE_MS = 1000;
export const ROW = 30;
export const GAP = 24;

/** The caller's address first, then the server's own, then those that it called, each in the order of their messages. */
export function lanesOf(messages: readonly Message[]): Lane[] {
  const first = messages[0]?.leg;
  const callers = messages.filter(({ leg }) => leg === first).map(({ remote }) => remote);
  const locals = messages.map(({ local }) => local);
  const others = messages.map(({ remote }) => remote);
  const ours = new Set(locals);
  const before = callers.filter((address) => !ours.has(address));
  return [...new Set([...before, ...locals, ...others])].map((address) => ({ address, ours: ours.has(address) }));
}

/** Where each message is drawn. */
export function arrowsOf(messages: readonly Message[], lanes: readonly Lane[]): Arrow[] {
  const place = new Map(lanes.map(({ address }, index) => [address, index]));
  let y = 0;
  let before_us: number | null = null;
  return messages.map((message) => {
    const pause = before_us === null ? 0 : (message.from_start_us - before_us) / 1000;
    const pause_ms = pause >= PAUSE_MS ? pause : null;
    y += ROW + (pause_ms === null ? 0 : GAP);
    before_us = message.from_start_us;
    const [local, remote] = [place.get(message.local) ?? 0, place.get(message.remote) ?? 0];
    const [from, to] = message.direction === 'in' ? [remote, local] : [local, remote];
    return { message, from, to, y, pause_ms };
  });
}

export type Kind = 'request' | 'provisional' | 'success' | 'redirection' | 'failure';

/** RFC 3261, 21: what a status tells. */
export function kindOf({ status }: Message): Kind {
  if (status === null) return 'request';
  if (status < 200) return 'provisional';
  if (status < 300) return 'success';
  return status < 400 ? 'redirection' : 'failure';
}

/** What stands on the arrow: the method, or status and reason, and whether it offers or answers media. */
export function nameOf({ status, method, summary, text }: Message): string {
  const name = status === null ? method : summary.replace(/^SIP\/2\.0 /, '');
  return /^content-type:\s*application\/sdp/im.test(text) || /^c:\s*application\/sdp/im.test(text) ? `${name} (SDP)` : name;
}
