// What a scenario has of the web's globals, as `sandbox.ts` leaves it. The web's own types would offer `fetch`.

interface Console {
  debug(...values: unknown[]): void;
  log(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
  trace(...values: unknown[]): void;
  dir(value: unknown): void;
  assert(holds: unknown, ...values: unknown[]): void;
}
declare var console: Console;

declare var performance: { now(): number; readonly timeOrigin: number };

declare var crypto: { getRandomValues<T extends ArrayBufferView>(array: T): T; randomUUID(): string };

declare function queueMicrotask(task: () => void): void;
declare function atob(text: string): string;
declare function btoa(text: string): string;
