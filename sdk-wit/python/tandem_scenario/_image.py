"""The memory that each call begins with, and shares with all others until it writes to it. A page that it writes to is
copied for it, and costs more than anything else of a short call.

Reading an object writes to it, because it counts who refers to it. So what is there when the build ends lives for ever:
it is immortal in the sense of PEP 683, and no longer counted. Python lets nobody say that of an object, so the builder
does, in the finished component: here is noted for it where the objects are. And what a call makes lies side by side,
because the builder leaves nothing free between what was there before (tools/guest-build/src/heap.rs).

Running code writes too: Python rewrites it for the types that it meets, and notes where it found their attributes. As far
as calls are alike that is done here."""

import contextlib
import gc
import random
import sys
import types

_RECORD = b"tandem-scenario: these objects are immortal\0"
"""What the builder looks for; there follow the address of the first reference, how many there are, and the sum of both,
as little-endian words of 32 bits (tools/guest-build/src/immortal.rs)."""

_TIMES = 4
"""How often code runs before Python has rewritten it for what it met."""

_MRO = type.__dict__["__mro__"].__get__
_BASES = type.__dict__["__bases__"].__get__
_ATTRIBUTES = type.__dict__["__dict__"].__get__
_MEMBERS = types.ModuleType.__dict__["__dict__"].__get__

_COMMON = bytes, dict, int, list, set, str, tuple

_objects = ()  # Holding them is what keeps the record true until the builder has read it.
_record = b""


def settle_at_the_end(rehearse) -> None:
    """Settles the memory as late as can be: the build asks for much after the scenario's modules, and `random.seed` is
    the last of that. `rehearse`: a function that goes the way of a call."""
    seed = random.seed
    del random.seed

    def asked_for(name):
        if name != "seed":
            raise AttributeError(f"module 'random' has no attribute {name!r}", name=name, obj=random)
        random.seed = seed
        del random.__getattr__
        _settle(rehearse)
        return seed

    random.__getattr__ = asked_for


def _settle(rehearse) -> None:
    """Nothing that is there now goes before the call does."""
    global _objects, _record
    gc.collect()
    sys._clear_type_cache()  # It has names that nobody else has.
    _look_up()
    for _ in range(_TIMES):
        rehearse()
    # The counts of another Python may lie and mean otherwise.
    if sys.version_info[:2] == (3, 14) and sys.maxsize == 2**31 - 1:
        _objects = _all()
        first = id(_objects) + tuple.__basicsize__
        words = first, len(_objects), first + len(_objects)
        _record = _RECORD + b"".join(word.to_bytes(4, "little") for word in words)
    gc.collect()  # It gives back what Python keeps for itself to use again.
    # What lives now lives to the end of each call: a collection need not look at it, and so copies no memory of it.
    gc.freeze()


def _look_up() -> None:
    """Has Python note where the attributes of types and modules are that calls may ask for."""
    objects = gc.get_objects()
    for found in objects:
        if issubclass(type(found), type):
            _look_up_in(found, ("__new__", "__init__"))
    for found in objects:
        if type(found) is types.FunctionType:
            names = found.__code__.co_names
            for owner in *_COMMON, *map(found.__globals__.get, names):
                if issubclass(type(owner), type):
                    _look_up_in(owner, _ATTRIBUTES(owner).keys() & names)
                elif issubclass(type(owner), types.ModuleType):
                    _look_up_in(owner, _MEMBERS(owner).keys() & names)


def _look_up_in(owner, names) -> None:
    is_type = issubclass(type(owner), type)
    look_up = (type if is_type else types.ModuleType).__getattribute__
    for name in names:
        # Nothing that somebody wrote in Python runs by it.
        by_kind = type(_found(type(owner), name))
        by_itself = type(_found(owner, name)) if is_type else object
        if _found(by_kind, "__set__") is None and type(_found(by_itself, "__get__")) is not types.FunctionType:
            with contextlib.suppress(AttributeError):
                look_up(owner, name)


def _found(kind, name):
    """What a type has under a name, as it is there; None: nothing."""
    for base in _MRO(kind):
        attributes = _ATTRIBUTES(base)
        if name in attributes:
            return attributes[name]
    return None


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
    if issubclass(type(found), type):
        # Types that are not made in Python are not said to refer to these.
        referents += _MRO(found), _BASES(found), *gc.get_referents(_ATTRIBUTES(found))
    elif type(found) is types.CodeType:
        referents += found.co_consts, found.co_names, found.co_name, found.co_qualname, found.co_filename
        referents += found.co_linetable, found.co_exceptiontable
    return referents
