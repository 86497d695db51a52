// The examples of the book (docs/scenarios), as one scenario that uses every interface.
import {
  bridge,
  checkpoint,
  clock,
  config,
  contacts,
  deadline,
  deleteRecording,
  dial,
  DialFailure,
  findUser,
  hold,
  http,
  HttpError,
  keyValue,
  KvError,
  type Leg,
  LegError,
  legEvents,
  log,
  mail,
  MailError,
  MessageFailure,
  metrics,
  originate,
  OriginateFailure,
  pickUp,
  PickUpFailure,
  Prompt,
  random,
  record,
  resume,
  scenario,
  schedule,
  ScheduleError,
  sendMessage,
  startRecording,
  Target,
  TimerError,
  timers,
  trace,
  transfer,
  TransferFailure,
  TransferTarget,
  voicemail,
} from '@tandem/scenario';

interface Settings {
  greeting: string;
  /** Extensions that take turns. */
  agents: string[];
}

function settings(): Settings {
  const set = JSON.parse(config.document()) as Partial<Settings>;
  log.debug(`${config.entryPoint()} of ${config.domain()}`);
  return { greeting: set.greeting ?? 'Good day.', agents: set.agents ?? [] };
}

function whoCalls(caller: Leg): string {
  const { user, displayName } = caller.peer();
  const [agent] = caller.header('User-Agent');
  log.info(`${displayName || user} calls ${caller.local().user} with ${agent ?? 'a phone'}`);
  return user;
}

function greet(caller: Leg, text: string): void {
  caller.ring();
  caller.earlyMedia();
  caller.play(Prompt.progress('ringback', 1_000));
  caller.answer();
  caller.play(
    Prompt.silence(200),
    Prompt.tone(880, 100),
    Prompt.tone(697, 100, 1_209),
    Prompt.file('chime.wav'),
    Prompt.say(text, 'en'),
  );
}

function isOpen(): boolean {
  try {
    return schedule.isOpen('office');
  } catch (error) {
    // The administrator set no hours: ours.
    if (!(error instanceof ScheduleError)) {
      throw error;
    }
    const { weekday, hour } = clock.local();
    return weekday <= 5 && hour >= 9 && hour < 17;
  }
}

function nameOf(user: string): string {
  const known = contacts.findByNumber(user) ?? contacts.search(user, 1)[0];
  return known ? known.name : user;
}

function tellCrm(caller: string): void {
  const url = 'https://crm.example.com/calls';
  try {
    const answer = http.postJson(url, { caller }, { bearer: 'crm-token', timeoutMs: 2_000, retries: 1 });
    log.info(`the CRM says ${JSON.stringify(answer)}`);
  } catch (error) {
    if (!(error instanceof HttpError)) {
      throw error;
    }
    log.warn(error.message);
    metrics.count('crm_failures');
  }
}

function mailMessages(box: string, address: string): void {
  const { new: waiting } = voicemail.count(box);
  for (const message of voicemail.list(box, 'new', 0, 5)) {
    try {
      const subject = `${waiting} messages wait`;
      mail.send({ to: address, subject, text: `From ${message.caller.user}`, attachments: [message.recording] });
      voicemail.mark(box, message.id, 'heard');
    } catch (error) {
      if (!(error instanceof MailError)) {
        throw error;
      }
      log.warn(error.message);
    }
  }
}

function countOf(user: string): number {
  try {
    return keyValue.increment(`calls/${user}`);
  } catch (error) {
    if (error instanceof KvError && error.kind === 'not-a-number') {
      keyValue.set(`calls/${user}`, '1');
      return 1;
    }
    throw error;
  }
}

function lastAgent(caller: string): string | undefined {
  const key = `last/${caller}`;
  const agent = keyValue.getText(key);
  if (agent && !findUser(agent)?.registered) {
    keyValue.remove(key);
    return undefined;
  }
  log.debug(`${keyValue.keys('last/').length} callers are known`);
  return agent;
}

function extension(caller: Leg): string | undefined {
  const entry = caller.collect({
    prompts: ['Enter an extension, then press the hash key.'],
    min: 3,
    max: 6,
    terminators: '#',
    firstDigitTimeoutMs: 10_000,
  });
  return entry.complete ? entry.digits : undefined;
}

/** Half a minute for all of it, however often a key is pressed. */
function extensionInTime(caller: Leg): string | undefined {
  deadline.set(30_000);
  try {
    return extension(caller);
  } catch (error) {
    if (error instanceof LegError && error.kind === 'limit' && deadline.passed()) {
      return undefined;
    }
    throw error;
  } finally {
    deadline.clear();
  }
}

/** Who was called in vain is to be reminded in half an hour, unless somebody gets through before. */
function remind(number: string, reached: boolean): void {
  const name = `remind/${number}`;
  if (reached) {
    timers.cancel(name);
    return;
  }
  try {
    timers.set(name, 1_800_000, 'call back');
  } catch (error) {
    // Nothing listens: the administrator wants no reminders.
    if (!(error instanceof TimerError && error.kind === 'no-entry-point')) {
      throw error;
    }
  }
}

function pick(agents: string[]): string | undefined {
  return agents[random.next() % agents.length];
}

function reach(caller: Leg, number: string): Leg | undefined {
  try {
    return dial(caller, [Target.user(number), Target.number(number)], { strategy: 'in-turn', timeoutMs: 15_000 });
  } catch (error) {
    if (error instanceof DialFailure && error.kind !== 'bad-argument') {
      log.warn(error.message);
      return undefined;
    }
    throw error;
  }
}

function talk(caller: Leg, callee: Leg): void {
  callee.sendDigits('1,2');
  try {
    const end = bridge(caller, callee);
    log.info(`the bridge ended: ${end}`);
  } catch (error) {
    // One of the two was gone before they were connected.
    if (!(error instanceof LegError && error.kind === 'gone')) {
      throw error;
    }
  }
  callee.hangUp();
}

/** The two talk. With `*` the caller puts the callee on hold for as long as they like: any key, or a minute, ends that. */
function talkWithCodes(caller: Leg, callee: Leg): void {
  while (legEvents.bridgeUntil(caller, callee, '*').kind === 'digit') {
    hold(callee);
    if (legEvents.wait([caller, callee], 60_000).kind === 'gone') {
      break;
    }
  }
}

function onTape(caller: Leg, callee: Leg): void {
  const recorder = startRecording(caller, 'both');
  talk(caller, callee);
  const { recording } = recorder.finish();
  log.info(`${recording.name}: ${recording.durationMs} ms`);
}

function wait(caller: Leg, number: string): boolean {
  trace.step('wait', `Wait for ${number}`);
  for (let asked = 0; asked < 3; asked += 1) {
    if (findUser(number)?.registered) {
      return true;
    }
    hold(caller);
    clock.sleepMs(5_000);
    resume(caller);
  }
  return false;
}

function leaveMessage(caller: Leg, agent: string): void {
  caller.play('Please leave a message after the tone.');
  const { recording } = record(caller, { lengthMs: 60_000, pauseDigit: '*' });
  const key = `message/${agent}`;
  const before = keyValue.getText(key);
  if (before) {
    deleteRecording(before);
  }
  keyValue.set(key, recording.name);
  caller.play('You said:', Prompt.file(recording.name));
}

function tell(agent: string, text: string): void {
  try {
    const { accepted, devices } = sendMessage(agent, text);
    log.info(`${accepted} of ${devices} phones took it`);
  } catch (error) {
    if (!(error instanceof MessageFailure)) {
      throw error;
    }
    log.warn(error.message);
  }
}

function passOn(caller: Leg, number: string): boolean {
  try {
    transfer(caller, TransferTarget.number(number), 30_000);
    caller.hangUp();
    return true;
  } catch (error) {
    // The phone does not do that, or nobody answered: the caller is still here.
    if (!(error instanceof TransferFailure && error.kind !== 'gone')) {
      throw error;
    }
    log.warn(error.message);
    return false;
  }
}

/** Music for eight hours: each begins with an empty journal. */
function stay(caller: Leg, hours: number): void {
  if (hours === 8) {
    return;
  }
  hold(caller);
  clock.sleepMs(3_600_000);
  checkpoint.renew(new Uint8Array([hours + 1]));
}

function takeOver(agent: Leg, agents: string[]): Leg | undefined {
  try {
    return pickUp(agent, agents);
  } catch (error) {
    if (error instanceof PickUpFailure && error.kind === 'nothing-rings') {
      return undefined;
    }
    throw error;
  }
}

function askLater(user: string): void {
  try {
    const call = originate.call(Target.user(user), config.entryPoint(), 'survey', { ringMs: 20_000 });
    log.info(`call ${call} asks how it was`);
  } catch (error) {
    if (!(error instanceof OriginateFailure)) {
      throw error;
    }
    log.warn(error.message);
  }
}

function apologise(caller: Leg): void {
  trace.step('sorry', 'Nobody is there');
  caller.play('Nobody is there. Please call again.');
  clock.sleepMs(500);
  caller.hangUp('unavailable');
}

scenario((caller) => {
  const saved = checkpoint.load();
  if (saved) {
    return stay(caller, saved.state[0] ?? 0);
  }
  const { greeting, agents } = settings();
  const user = whoCalls(caller);
  metrics.count('callers');
  metrics.gauge('agents', agents.length);
  metrics.observe('greeting_length', greeting.length);
  tellCrm(nameOf(user));
  mailMessages('sales', 'sales@example.com');
  trace.step('greet', 'Greet');
  greet(caller, countOf(user) > 1 ? `${greeting} Welcome back.` : greeting);
  if (originate.data() === 'survey') {
    caller.play('How was it?');
    return caller.hangUp();
  }
  const waiting = agents.includes(user) ? takeOver(caller, agents) : undefined;
  if (waiting) {
    return talk(caller, waiting);
  }

  const number = isOpen() ? (lastAgent(user) ?? extensionInTime(caller) ?? pick(agents)) : undefined;
  if (!number) {
    return apologise(caller);
  }
  trace.step('dial', `Call ${number}`);
  const callee = reach(caller, number);
  if (!callee) {
    return apologise(caller);
  }
  keyValue.set(`last/${user}`, number);
  remind(number, true);
  trace.step('talk', 'The two talk');
  talkWithCodes(caller, callee);
  onTape(caller, callee);
  if (!wait(caller, number)) {
    leaveMessage(caller, number);
    tell(number, `${user} left a message`);
    remind(number, false);
  }
  askLater(user);
  if (!passOn(caller, number)) {
    stay(caller, 0);
  }
});
