from wit_world.imports import transfer as raw

from ._errors import TransferFailure, answered
from ._leg import Leg


class TransferTarget:
    """Makes what a phone can be asked to call."""

    @staticmethod
    def number(number: str) -> raw.TransferTarget:
        """A number or user of the domain."""
        return raw.TransferTarget_Number(number)

    @staticmethod
    def uri(uri: str) -> raw.TransferTarget:
        """A `sip:`, `sips:` or `tel:` URI, at most 512 bytes."""
        return raw.TransferTarget_Uri(uri)


def transfer(leg: Leg, target: raw.TransferTarget, timeout_ms: int = 60_000) -> None:
    """Asks the phone of an answered leg to call somebody else (REFER), and returns with the outcome of that call, or
    after `timeout_ms` (1,000 to 600,000). The leg stays up: hang it up after success, or go on with it after a failure.

    Raises TransferFailure.
    """
    answered(TransferFailure, raw.transfer, leg.raw, target, timeout_ms)
