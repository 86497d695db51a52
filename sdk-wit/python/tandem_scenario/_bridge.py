from wit_world.imports import bridge as raw

from ._errors import LegError, answered
from ._leg import Leg

BridgeEnd = raw.BridgeEnd
"""Why a bridge ended: `FIRST_HUNG_UP`, `SECOND_HUNG_UP`, or `LOST` (media of one leg failed, or its peer was lost)."""


def bridge(first: Leg, second: Leg) -> BridgeEnd:
    """Connects two legs and returns when one of them is gone; answers `first` if it is not answered yet.

    The other leg stays up: hang it up or go on with it. Raises LegError; `gone`: one was gone already, nothing was
    bridged.
    """
    return answered(LegError, raw.bridge, first.raw, second.raw)
