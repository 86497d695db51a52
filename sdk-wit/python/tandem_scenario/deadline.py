"""One time limit for all that a scenario waits for."""

from wit_world.imports import deadline as raw


def set(after_ms: int) -> None:
    """Sets the deadline, in the place of the one before; more than 24 hours is taken for that. When it has passed, what the
    scenario waits for ends, and what would wait ends at once, until `set` or `clear`: playing, collecting, dialling,
    bridges, transfers, HTTP and `leg_events` with an error of the kind `limit`, a recording with what there is, a sleep by
    returning. Legs stay up."""
    raw.set(min(86_400_000, max(0, int(after_ms))))


def clear() -> None:
    """Takes the deadline away."""
    raw.clear()


def passed() -> bool:
    """Whether there is a deadline, and it has passed."""
    return raw.passed()
