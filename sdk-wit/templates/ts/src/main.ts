// {{name}}: greets, asks for a digit, connects the caller with the operator, says why when nobody answers.
//
// The activation's configuration may say who the operator is: {"operator": "302"}.
import { bridge, config, dial, DialFailure, type Leg, LegError, Prompt, scenario, Target, trace } from '@tandem/scenario';

const ASK = 'Press 1 to talk to somebody.';

interface Settings {
  operator?: string;
}

scenario((caller) => {
  const settings: Settings = JSON.parse(config.document());

  trace.step('greet', 'Greet');
  caller.answer();
  caller.play(Prompt.say('Welcome to {{name}}.', 'en'));

  if (wants(caller)) {
    connect(caller, settings.operator ?? '302');
  }
  caller.hangUp();
});

/** Whether the caller pressed 1; asked three times. */
function wants(caller: Leg): boolean {
  trace.step('menu', 'Menu');
  for (let asked = 0; asked < 3; asked += 1) {
    const { digits } = caller.collect({ prompts: [Prompt.say(ASK, 'en')] });
    if (digits === '1') {
      return true;
    }
    caller.play(Prompt.say(digits ? `${digits} is no choice.` : 'Nothing was pressed.', 'en'));
  }
  caller.play(Prompt.say('Goodbye.', 'en'));
  return false;
}

/** Lets the two talk until one of them hangs up. */
function connect(caller: Leg, operator: string): void {
  trace.step('dial', 'Dial');
  try {
    const callee = dial(caller, Target.number(operator), { timeoutMs: 20_000 });
    trace.step('talk', 'Talk');
    bridge(caller, callee);
    callee.hangUp();
  } catch (error) {
    if (error instanceof DialFailure) {
      trace.step('failed', 'Nobody answered');
      if (error.kind !== 'caller-gone') {
        caller.play(Prompt.say(words(error.kind), 'en'));
      }
    } else if (!(error instanceof LegError && error.kind === 'gone')) {
      throw error;
    }
  }
}

function words(kind: DialFailure['kind']): string {
  switch (kind) {
    case 'busy':
      return 'Everybody is busy. Please call later.';
    case 'no-answer':
      return 'Nobody answers. Please call later.';
    default:
      return 'Nobody can be reached. Please call later.';
  }
}
