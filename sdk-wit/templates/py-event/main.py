"""Counts what happens, by kind, and logs it."""

import json

from tandem_scenario import Event, event_scenario, key_value, log


@event_scenario
def handle(event: Event) -> None:
    count = key_value.increment(f"events/{event.kind}")
    if event.kind == "call-ended":
        data = event.data
        log.info(f"call {count}: {data['from']} to {data['to']}, {data['cause']}")
    else:
        log.info(f"{event.kind} {count}: {json.dumps(event.data)}")
