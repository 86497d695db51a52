// What a scenario meets that does what the sandbox has not: the configuration says which. `tests/languages.rs` plays it.
import { checkpoint, clock, config, dial, type Leg, scenario, startRecording, Target, voicemail } from '@tandem/scenario';

interface Department {
  number: string;
}

const DEPARTMENTS: Department[] = [{ number: '302' }];

function find(number: string): Department {
  const found = DEPARTMENTS.find((department) => department.number === number);
  if (!found) {
    throw new Error(`no department has ${number}`);
  }
  return found;
}

function open(number: string): string {
  return find(number).number;
}

const attempts: Record<string, (caller: Leg) => unknown> = {
  throw: () => void open('999'),

  promise: () => Promise.resolve(),

  refused: (caller) => caller.ring(),

  dial: (caller) => void dial(caller, Target.user('302')),

  record(caller) {
    const recorder = startRecording(caller, 'peer', 60_000);
    recorder.pause();
    recorder.resume();
    const message = voicemail.store('sales', recorder.finish().recording, caller.peer());
    voicemail.remove('sales', message.id);
  },

  renew() {
    const saved = checkpoint.load();
    if (!saved) {
      DEPARTMENTS.push({ number: '303' });
      checkpoint.renew('halfway');
    }
    console.log(saved.text(), saved.legs.length, DEPARTMENTS.length, checkpoint.load() ?? 'None');
  },

  chance() {
    console.log('random', Math.random());
    console.log('uuid', crypto.randomUUID());
    console.log('now', Date.now());
    console.log('date', new Date().toISOString());
    console.log('elapsed', performance.now(), performance.now());
  },

  console() {
    console.debug('of', { two: [2n, new Map([['a', 1]])] });
    console.warn('a warning');
    console.error(new Error('an error'));
  },

  timer() {
    (globalThis as { setTimeout?: (then: () => void, ms: number) => void }).setTimeout?.(() => undefined, 10);
  },

  sleep: () => clock.sleepMs(1_000),

  fetch: () => (globalThis as { fetch?: (url: string) => Promise<void> }).fetch?.('http://192.0.2.1/'),
};

scenario((caller) => {
  // As it is, or as JSON text, which is all that a server takes.
  const asked = config.document().replaceAll('"', '');
  const calls = Number(asked);
  for (let call = 0; call < calls; call += 1) {
    clock.nowMs();
  }
  return attempts[asked]?.(caller) as void;
});
