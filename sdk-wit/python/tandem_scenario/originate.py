"""Calls that no caller began."""

from wit_world.imports import originate as raw

from ._errors import OriginateFailure, answered
from ._types import Address


def call(target, entry_point: str, data: str = "", caller_id: Address | None = None, ring_ms: int = 30_000) -> str:
    """Begins a call to a target and gives its id, without waiting for the answer. When a device of the target answers,
    the scenario behind `entry_point` handles the call, with the leg that answered as its caller; it reads `data` (at most
    8,192 bytes) by `data()`. A domain originates at most 60 calls a minute.

    caller_id: who the target sees, the entry point's number by default; its host is always the domain. ring_ms: how long
    the target rings, 1,000 to 600,000.

    Raises OriginateFailure.
    """
    options = raw.CallOptions(caller_id, ring_ms)
    return answered(OriginateFailure, raw.call, target, entry_point, data, options)


def data() -> str | None:
    """What this call was originated with; None: a caller began it."""
    return raw.data()
