"""Time as the journal knows it: a replay sees the same. `time` and `datetime` read it too."""

from wit_world.imports import clock as raw

LocalTime = raw.LocalTime
"""The wall clock in the domain's time zone: year, month, day, weekday (1 is Monday), hour, minute, second,
utc_offset_s."""


def now_ms() -> int:
    """Milliseconds since 1970-01-01T00:00:00Z."""
    return raw.now_ms()


def local() -> LocalTime:
    """The same moment in the domain's time zone."""
    return raw.local()


def sleep_ms(duration_ms: int) -> None:
    """Waits, up to 24 hours; more is taken for that."""
    raw.sleep_ms(min(max(0, int(duration_ms)), 86_400_000))
