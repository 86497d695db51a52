// The one scenario of a module, and the world that it is of: what the host starts.

/** A world of the contract, as a project names it in its package.json: `"tandem": { "world": "web-scenario" }`. */
export type World = 'call-scenario' | 'web-scenario' | 'event-scenario';

const MAKERS: Record<World, string> = {
  'call-scenario': 'scenario(…)',
  'web-scenario': 'webScenario(…)',
  'event-scenario': 'eventScenario(…)',
};

export const ASYNC =
  'the handler is async, and nothing would wait for it: every function of the SDK has waited when it returns';

// What it takes is its world's, and that world's export alone runs it.
type Handler = (argument: any) => unknown;

let registered: { world: World; handler: Handler } | undefined;

/** Makes `handler` the scenario of this module. */
export function register(world: World, handler: Handler): void {
  if (registered) {
    const calls = registered.world === world ? 'twice' : `after ${MAKERS[registered.world]}`;
    throw new Error(`${MAKERS[world].replace('…', '')} was called ${calls}: a module has one scenario`);
  }
  if (handler.constructor.name === 'AsyncFunction') {
    throw new Error(ASYNC);
  }
  registered = { world, handler };
}

/** Runs the module's handler; what it returns. */
export function run(argument: unknown): unknown {
  const { handler } = registered as { handler: Handler };
  const returned = handler(argument);
  if (returned instanceof Promise) {
    throw new Error(ASYNC);
  }
  return returned;
}

/** For the builder: a module without a scenario is told while it is built, not when the host starts it. */
export function check(world: World): void {
  if (!registered) {
    throw new Error(`the module never calls ${MAKERS[world]}: there is nothing that the host could start`);
  }
  if (registered.world !== world) {
    throw new Error(
      `the project's world is ${world}, and the module calls ${MAKERS[registered.world]}: that is of the world ` +
        `${registered.world}; "tandem": { "world": … } in package.json says which`,
    );
  }
}
