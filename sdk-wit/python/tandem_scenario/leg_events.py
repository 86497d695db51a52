"""What happens on several legs at once: digits that their peers press, and their ends.

Each function raises LegError."""

from dataclasses import dataclass

from wit_world.imports import leg_events as raw

from ._errors import LegError, answered
from ._leg import Leg


@dataclass(frozen=True)
class LegEvent:
    """What has happened."""

    kind: str
    """`digit`, `gone`, or `timeout`: nothing of that for as long as was waited."""
    leg: Leg | None = None
    """Of `digit` and `gone`: the leg."""
    digit: str = ""
    """Of `digit`: one of `0-9*#A-D`."""


@dataclass(frozen=True)
class BridgeUntilEnd:
    """Why a bridge ended that a digit can end."""

    kind: str
    """`digit` (both legs stay up), `first-hung-up`, `second-hung-up` or `lost`."""
    digit: str = ""
    """Of `digit`: which."""


def wait(*legs: Leg, timeout_ms: int) -> LegEvent:
    """Waits for the first thing that happens on up to 8 legs, for up to 24 hours, without a sound of its own. Digits
    pressed before, since the last collection on their leg, count, one a call; of several legs the first in the list is
    told first."""
    event = answered(LegError, raw.wait, [leg.raw for leg in legs], timeout_ms)
    if isinstance(event, raw.LegEvent_Digit):
        place, digit = event.value
        return LegEvent("digit", legs[place], digit)
    if isinstance(event, raw.LegEvent_Gone):
        return LegEvent("gone", legs[event.value])
    return LegEvent("timeout")


def bridge_until(first: Leg, second: Leg, digits: str) -> BridgeUntilEnd:
    """As `bridge`, until the peer of `first` presses one of `digits` (1 to 16 out of `0-9*#A-D`), which parts the two and
    leaves both legs up: for codes within a call. What is pressed after it waits for the next collection."""
    end = answered(LegError, raw.bridge_until, first.raw, second.raw, digits)
    if isinstance(end, raw.BridgeUntilEnd_Digit):
        return BridgeUntilEnd("digit", end.value)
    if isinstance(end, raw.BridgeUntilEnd_FirstHungUp):
        return BridgeUntilEnd("first-hung-up")
    return BridgeUntilEnd("second-hung-up" if isinstance(end, raw.BridgeUntilEnd_SecondHungUp) else "lost")
