"""Random numbers that a replay sees again. Python's own `random`, `secrets` and `uuid` draw from here."""

from wit_world.imports import random as raw


def next() -> int:
    """64 random bits."""
    return raw.next()
