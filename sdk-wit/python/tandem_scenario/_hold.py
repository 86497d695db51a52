from wit_world.imports import hold as raw

from ._errors import LegError, answered
from ._leg import Leg


def hold(leg: Leg) -> None:
    """Plays the domain's music, or a short melody where it has none, until `resume` or the next playback, collection,
    recording or bridge on the leg. Returns at once. Raises LegError."""
    answered(LegError, raw.hold, leg.raw)


def resume(leg: Leg) -> None:
    """Ends the music. Not held: nothing happens. Raises LegError."""
    answered(LegError, raw.resume, leg.raw)
