"""For calls of hours: begin again from what one has to know, with an empty journal."""

from dataclasses import dataclass
from typing import NoReturn

from wit_world.imports import checkpoint as raw

from ._errors import CheckpointError, answered
from ._leg import Leg


@dataclass
class Saved:
    """What the scenario handed over."""

    state: bytes
    """As it was given."""
    legs: list[Leg]
    """The legs that the scenario held besides the caller's, in the order in which they were dialled."""


def load() -> Saved | None:
    """What was handed over, once. None: the call has only begun, or it was asked before."""
    saved = raw.load()
    return saved and Saved(saved.state, [Leg(leg) for leg in saved.legs])


def renew(state: bytes) -> NoReturn:
    """Ends this instance and calls the handler again, with the same caller, in a new instance that can `load` the state,
    at most 65,536 bytes. Legs stay as they are; memory and journal begin anew, the time to compute only after a minute.
    Does not return; raises CheckpointError where it is refused."""
    answered(CheckpointError, raw.renew, state)
    raise AssertionError("the host let it return")
