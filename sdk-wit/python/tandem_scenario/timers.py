"""Times at which an event scenario of the domain is started. They outlive calls and restarts.

Each function raises TimerError."""

from wit_world.imports import timers as raw

from ._errors import TimerError, answered


def set(name: str, after_ms: int, data: str = "") -> None:
    """Sets a timer of the domain, or moves the one of this name: after `after_ms`, at most 400 days, the event scenario
    behind `event:timer-NAME` is given an event of the kind `timer`, whose data has `name`, `due_ms` and `data` (at most
    16,384 bytes).

    A name is 1 to 64 bytes: `a` to `z`, `0` to `9`, `-`, `_`, `.`; behind a `/` may stand more. What stands before the `/`
    chooses the entry point: `reminder/4711` starts `event:timer-reminder`. A domain has at most 1,000 timers that wait.
    """
    answered(TimerError, raw.set, name, max(0, int(after_ms)), data)


def cancel(name: str) -> bool:
    """Takes a timer away; True: there was one that waited. What was due already is given all the same."""
    return answered(TimerError, raw.cancel, name)
