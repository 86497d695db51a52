from wit_world.imports import types as raw

Address = raw.Address
"""Who calls or is called, as SIP carries it: `user`, `host`, and `display_name`, empty where none was sent."""


class Cause:
    """Why a leg or a call ends, with the SIP status that carries it."""

    NORMAL = raw.Cause_Normal()
    """A normal end: BYE, or 480 for a leg never answered."""
    BUSY = raw.Cause_Busy()
    """486"""
    DECLINED = raw.Cause_Declined()
    """603"""
    NOT_FOUND = raw.Cause_NotFound()
    """404"""
    FORBIDDEN = raw.Cause_Forbidden()
    """403"""
    UNAVAILABLE = raw.Cause_Unavailable()
    """480"""
    CONGESTED = raw.Cause_Congested()
    """503"""

    @staticmethod
    def status(status: int) -> raw.Cause:
        """Any other final status, 400 to 699; others are refused as a bad argument."""
        return raw.Cause_Status(status)
