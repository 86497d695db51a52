"""The domain's key-value store, shared by all its scenarios. Keys are 1 to 512 bytes, values up to 64 KiB.

Each function raises KvError."""

from wit_world.imports import key_value as raw

from ._errors import KvError, answered


def get(key: str) -> bytes | None:
    """The value of a key; None: there is none."""
    return answered(KvError, raw.get, key)


def get_text(key: str) -> str | None:
    """The value of a key as UTF-8 text; None: there is none."""
    value = get(key)
    return None if value is None else value.decode(errors="replace")


def set(key: str, value: bytes | str) -> None:
    """Writes a value; a text is written as UTF-8."""
    answered(KvError, raw.set, key, value.encode() if isinstance(value, str) else bytes(value))


def remove(key: str) -> bool:
    """Deletes a key and says whether there was one."""
    return answered(KvError, raw.delete, key)


def increment(key: str, by: int = 1) -> int:
    """Adds `by` to a decimal number, atomically, and gives the sum; a missing key counts as 0."""
    return answered(KvError, raw.increment, key, by)


def keys(prefix: str = "", after: str = "", limit: int = 1_000) -> list[str]:
    """Up to `limit` (1 to 1,000) keys that begin with `prefix` and come after `after`, in byte order."""
    return answered(KvError, raw.keys, prefix, after, limit)
