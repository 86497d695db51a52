/**
 * Write scenarios for Tandem in TypeScript.
 *
 * A scenario is a function that gets the caller's {@link Leg} and says what happens to the call. It is built into a
 * WebAssembly component (`build.mjs`) and sees nothing of the world but what is here: no files, no sockets, no timers.
 *
 * ```ts
 * import { scenario, Prompt } from '@tandem/scenario';
 *
 * scenario((caller) => {
 *   caller.answer();
 *   caller.play(Prompt.say('Nobody is here.', 'en'));
 * });
 * ```
 *
 * A module that calls {@link webScenario} answers HTTP, one that calls {@link eventScenario} hears of what has happened.
 *
 * Reading order: {@link scenario}, {@link Leg}, {@link Prompt}, {@link dial}, {@link bridge}, {@link record}, {@link hold},
 * {@link transfer}, {@link sendMessage}, {@link originate}, {@link pickUp}, {@link legEvents}, {@link deadline}, {@link timers}, {@link trace}; then the small ones. Each file is one interface of the WIT package `tandem:pbx`, under the same name; the texts in
 * `sdk-wit/wit` say how each call ends, what it may answer, and how the journal treats it.
 *
 * What JavaScript has of its own and a scenario must not have is replaced in `sandbox.ts`.
 */
/// <reference path="./wit.d.ts" />
/// <reference path="./globals.d.ts" />
export { scenario, type Handler } from './scenario.ts';
export { webScenario, WebRequest, WebResponse, type WebHandler } from './web.ts';
export { eventScenario, Event, type EventHandler } from './event.ts';
export { Leg, type Collect, type Collected, type PlayEnd } from './leg.ts';
export { Prompt } from './prompt.ts';
export { dial, Target, type Dial } from './dial.ts';
export { bridge, type BridgeEnd } from './bridge.ts';
export { record, startRecording, deleteRecording, Recorder, type Record, type Recorded, type Recording } from './recording.ts';
export { hold, resume } from './hold.ts';
export { transfer, TransferTarget } from './transfer.ts';
export { sendMessage, type Delivery } from './message.ts';
export { pickUp } from './pickup.ts';
export { findUser, type User } from './directory.ts';
export {
  LegError,
  DialFailure,
  KvError,
  RecordingError,
  TransferFailure,
  MessageFailure,
  HttpError,
  ScheduleError,
  MetricError,
  ContactsError,
  CheckpointError,
  MailError,
  OriginateFailure,
  PickUpFailure,
  TimerError,
  VoicemailError,
} from './errors.ts';
export type { Address, Cause, CallProgressTone } from './types.ts';
export * as checkpoint from './checkpoint.ts';
export * as clock from './clock.ts';
export * as config from './config.ts';
export * as contacts from './contacts.ts';
export * as deadline from './deadline.ts';
export * as http from './http.ts';
export * as keyValue from './keyValue.ts';
export * as legEvents from './legEvents.ts';
export * as log from './log.ts';
export * as mail from './mail.ts';
export * as metrics from './metrics.ts';
export * as originate from './originate.ts';
export * as random from './random.ts';
export * as schedule from './schedule.ts';
export * as timers from './timers.ts';
export * as trace from './trace.ts';
export * as voicemail from './voicemail.ts';
