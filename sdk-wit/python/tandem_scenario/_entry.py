"""The end of every component's build: `build.py` writes a module that imports the scenario, then calls `finish`."""

import os.path

from . import _failure, _sandbox
from ._registry import check
from ._rehearsal import rehearse
from ._scenario import CallHandler

__all__ = ["CallHandler", "finish"]


def finish(main, world: str) -> None:
    """`main`: the scenario's module. `world`: the project's."""
    check(world)
    root = os.path.dirname(main.__file__)
    _failure.begin_at(root)
    _sandbox.seal(root, rehearse)
