from wit_world.imports import message as raw

from ._errors import MessageFailure, answered
from ._types import Address

Delivery = raw.Delivery
"""What became of a message: `accepted` devices out of `devices`."""


def send_message(user: str, text: str, sender: Address | None = None) -> Delivery:
    """Sends a text (1 to 1,300 bytes of UTF-8) to every registered device of a user, and returns when each has answered
    or was given up. sender: whom the user sees; by default the number that the caller dialled.

    Raises MessageFailure.
    """
    return answered(MessageFailure, raw.send, user, text, sender)
