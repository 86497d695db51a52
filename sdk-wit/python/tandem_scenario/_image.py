"""The memory that each call begins with, and shares with all others until it writes to it. A page that it writes to is
copied for it, and costs more than anything else of a short call.

Reading an object writes to it, because it counts who refers to it. So what is there when the build ends lives for ever:
it is immortal in the sense of PEP 683, and no longer counted. Python lets nobody say that of an object, so the builder
does, in the finished component: here is noted for it where the objects are. And what a call makes lies side by side,
because no hole is left between what was there before."""

import gc
import sys
import types

_RECORD = b"tandem-scenario: these objects are immortal\0"
"""What the builder looks for; there follow the address of the first reference, how many there are, and the sum of both,
as little-endian words of 32 bits (tools/guest-build/src/immortal.rs)."""

_HOLES = (
    *(1 << 20, 1 << 18, 1 << 16, 1 << 14, 1 << 12, 1 << 10),
    *(512, 256, 192, 128, 96, 80, 64, 56, 48, 40, 32, 24, 16, 8, 1),
)
"""Bytes of what fills them, the largest first."""

_objects = ()  # Holding them is what keeps the record true until the builder has read it.
_record = b""
_filling = None


def settle() -> None:
    """The build ends: nothing that is there now goes before the call does."""
    global _objects, _record
    gc.collect()
    # The counts of another Python may lie and mean otherwise.
    if sys.version_info[:2] == (3, 14) and sys.maxsize == 2**31 - 1:
        _objects = _all()
        first = id(_objects) + tuple.__basicsize__
        words = first, len(_objects), first + len(_objects)
        _record = _RECORD + b"".join(word.to_bytes(4, "little") for word in words)
        _fill(max(id(_objects), max(map(id, _objects))))
    # What lives now lives to the end of each call: a collection need not look at it, and so copies no memory of it.
    gc.freeze()


def _all() -> tuple:
    """Every object that can be reached."""
    seen = {}
    todo = gc.get_objects()
    skipped = {id(seen), id(todo)}
    while todo:
        found = todo.pop()
        if id(found) in seen or id(found) in skipped:
            continue
        seen[id(found)] = found
        todo += _referents(found)
    return tuple(seen.values())


def _referents(found) -> list:
    referents = gc.get_referents(found)
    referents.append(type(found))
    if isinstance(found, type):
        # Types that are not made in Python are not said to refer to these.
        attributes = type.__dict__["__dict__"].__get__(found)
        referents += found.__mro__, found.__bases__, *gc.get_referents(attributes)
    elif isinstance(found, types.CodeType):
        referents += found.co_consts, found.co_names, found.co_name, found.co_qualname, found.co_filename
        referents += found.co_linetable, found.co_exceptiontable
    return referents


def _fill(highest: int) -> None:
    """Leaves no free memory below the address."""
    global _filling
    gc.collect()  # It gives back what Python keeps for itself to use again.
    for size in _HOLES:
        made = b""
        while id(made) < highest:
            made = bytes(size)
            _filling = made, _filling
