"""What an event scenario is told."""

from dataclasses import dataclass
from typing import Any

from ._registry import register


@dataclass(frozen=True)
class Event:
    """Something that happened in the domain."""

    id: str
    """Its own name. An event that is given again after a failure or a crash has the same one."""
    kind: str
    """`call-ended`, `timer` …; later versions know more."""
    at_ms: int
    """When it happened, in milliseconds since 1970-01-01T00:00:00Z."""
    data: dict[str, Any]
    """What is to know of it: the fields that docs/scenarios/web-and-events.md lists."""


def event_scenario(handler):
    """Makes a function `handle(event: Event) -> None` the event scenario of this component; use it once. The project's
    pyproject.toml says `world = "event-scenario"` in its table `[tool.tandem]`.

    It has 60 seconds. What it raises goes to the scenario's log with its traceback, and the event is given again later.
    """
    register("event-scenario", handler)
    return handler
