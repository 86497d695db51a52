"""Opening hours and holidays that the administrator set for the domain, by name.

Each function raises ScheduleError."""

from dataclasses import dataclass

from wit_world.imports import schedule as raw

from ._errors import ScheduleError, answered


@dataclass(frozen=True)
class Status:
    """What a schedule says of this moment."""

    state: str
    """`open`, `closed` or `holiday`."""
    holiday: str | None
    """Of `holiday`: its name."""
    until_ms: int | None
    """When that changes, in milliseconds since 1970-01-01T00:00:00Z; None: not within a year."""


def look_up(name: str) -> Status:
    """What a schedule says of this moment."""
    status = answered(ScheduleError, raw.look_up, name)
    if isinstance(status.state, raw.State_Holiday):
        return Status("holiday", status.state.value, status.until_ms)
    state = "open" if isinstance(status.state, raw.State_Open) else "closed"
    return Status(state, None, status.until_ms)


def is_open(name: str) -> bool:
    """Whether a schedule is open now."""
    return look_up(name).state == "open"
