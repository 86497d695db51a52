"""The export of event scenarios."""

import json as _json

from . import _sandbox
from ._event import Event
from ._failure import failed
from ._registry import run


class EventHandler:
    """What the host calls: the export `event-handler` of the world."""

    def handle(self, event) -> None:
        _sandbox.begin()
        try:
            run(Event(event.id, event.kind, event.at_ms, _json.loads(event.data)))
            _sandbox.flush()
        except BaseException as error:  # A SystemExit too is an end that nobody would hear of.
            _sandbox.flush()
            raise failed(error) from None
