"""From the host's call to the scenario's function."""

from . import _sandbox
from ._errors import DialFailure, LegError
from ._failure import failed
from ._leg import Leg
from ._registry import register, run


def scenario(handler):
    """Makes a function `handle(caller: Leg) -> None` the scenario of this component; use it once.

    The call ends when the function returns: legs still up are hung up. What it raises goes to the call's log with its
    traceback, and the call goes to the activation's fall-back. Only an error that says that the caller is gone is an end
    like any other: a LegError about it, or a DialFailure.
    """
    register("call-scenario", handler)
    return handler


class CallHandler:
    """What the host calls: the export `call-handler` of the world."""

    def handle(self, caller) -> None:
        _sandbox.begin()
        leg = Leg(caller)
        try:
            run(leg)
            _sandbox.flush()
        except BaseException as error:  # A SystemExit too is an end that nobody would hear of.
            _sandbox.flush()
            if _says_gone(error, leg):
                return
            raise failed(error) from None


def _says_gone(error: BaseException, caller: Leg) -> bool:
    """The caller hung up, and the handler left it at that: an end like any other."""
    if isinstance(error, LegError):
        return error.kind == "gone" and error.leg is caller
    return isinstance(error, DialFailure) and error.kind == "caller-gone"
