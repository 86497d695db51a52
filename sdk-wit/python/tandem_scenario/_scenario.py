"""From the host's call to the scenario's function, and from what it raises to words."""

from componentize_py_types import Err

from . import _sandbox, log
from ._errors import LegError
from ._failure import describe
from ._leg import Leg

_handler = None


def scenario(handler):
    """Makes a function `handle(caller: Leg) -> None` the scenario of this component; use it once.

    The call ends when the function returns: legs still up are hung up. What it raises goes to the call's log with its
    traceback, and the call goes to the activation's fall-back. Only a LegError that says that the caller is gone is an
    end like any other.
    """
    global _handler
    if _handler is not None:
        raise RuntimeError(f"@scenario is used twice, on {_handler.__name__} and {handler.__name__}: there is one")
    _handler = handler
    return handler


def check() -> None:
    """For the builder: a module without a scenario is told while it is built, not when the first call comes."""
    if _handler is None:
        raise RuntimeError("the module has no function with @scenario: there is nothing that handles calls")


class CallHandler:
    """What the host calls: the export `call-handler` of the world."""

    def handle(self, caller) -> None:
        _sandbox.begin()
        leg = Leg(caller)
        try:
            _handler(leg)
            _sandbox.flush()
            return
        except BaseException as error:  # A SystemExit too is an end that nobody would hear of.
            # The caller hung up, and the handler left it at that: an end like any other.
            if isinstance(error, LegError) and error.kind == "gone" and error.leg is leg:
                _sandbox.flush()
                return
            text, traceback = describe(error)
        _sandbox.flush()
        log.error(f"{text}\n{traceback}")
        raise Err(text)
