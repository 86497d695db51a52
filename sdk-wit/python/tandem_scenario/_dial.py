from wit_world.imports import dial as raw

from ._errors import DialFailure, answered
from ._leg import Leg
from ._types import Address

Strategy = raw.Strategy
"""`PARALLEL`: all at once, the first answer wins. `IN_TURN`: one after another, each for the whole time-out."""


class Target:
    """Makes what can be called."""

    @staticmethod
    def user(name: str) -> raw.Target:
        """A user of the domain, by name: all its devices ring, by their q-values."""
        return raw.Target_User(name)

    @staticmethod
    def number(number: str) -> raw.Target:
        """A number of the domain: an extension, or a number that leads to a user."""
        return raw.Target_Number(number)


def dial(
    caller: Leg,
    *targets,
    strategy: Strategy = Strategy.PARALLEL,
    timeout_ms: int = 30_000,
    caller_id: Address | None = None,
    ringback: bool = True,
) -> Leg:
    """Calls 1 to 16 targets for `caller`, whose end cancels the attempt, and gives the leg that answered.

    timeout_ms: how long each target rings, 1,000 to 600,000. caller_id: who the callee sees, the caller by default; its
    host is always the domain. ringback: lets the caller hear ringback while a target rings; a caller without media yet
    is sent 180 instead.

    Raises DialFailure: that of the target whose reason says most, busy over no answer over unreachable.
    """
    options = raw.DialOptions(strategy, timeout_ms, caller_id, ringback)
    return Leg(answered(DialFailure, raw.dial, caller.raw, list(targets), options))
