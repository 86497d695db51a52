from wit_world.imports import pickup as raw

from ._errors import PickUpFailure, answered
from ._leg import Leg


def pick_up(picker: Leg, *users: str) -> Leg:
    """Takes over the call that has rung longest at one of these users (1 to 64 names), and gives a leg for who calls
    there: bridge `picker`, an answered leg, with it to talk. That leg can be bridged and hung up, nothing else.

    Raises PickUpFailure.
    """
    return Leg(answered(PickUpFailure, raw.pick_up, picker.raw, list(users)))
