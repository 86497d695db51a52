"""Numbers for the administrator's monitoring. Names are of 1 to 63 characters out of `a-z0-9_`, beginning with a letter.

Each function raises MetricError."""

from wit_world.imports import metrics as raw

from ._errors import MetricError, answered


def count(name: str, by: int = 1) -> None:
    """Adds to a counter."""
    answered(MetricError, raw.count, name, by)


def gauge(name: str, value: float) -> None:
    """Sets a gauge to a finite number."""
    answered(MetricError, raw.gauge, name, float(value))


def observe(name: str, value: float) -> None:
    """Adds a finite number to a distribution."""
    answered(MetricError, raw.observe, name, float(value))
