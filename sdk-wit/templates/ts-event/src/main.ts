// Counts what happens, by kind, and logs it.
import { eventScenario, keyValue, log } from '@tandem/scenario';

eventScenario((event) => {
  const count = keyValue.increment(`events/${event.kind}`);
  if (event.kind === 'call-ended') {
    const { from, to, cause } = event.data;
    log.info(`call ${count}: ${from} to ${to}, ${cause}`);
  } else {
    log.info(`${event.kind} ${count}: ${JSON.stringify(event.data)}`);
  }
});
