from wit_world.imports import recording as raw

from ._errors import RecordingError, answered
from ._leg import Leg

Recorded = raw.Recorded
"""A recording that has ended: `recording`, `end` (what ended it), `digit` (the stop digit that was pressed)."""

Recording = raw.Recording
"""A recording: `name` (for `Prompt.file` and `delete_recording`), `duration_ms`, `bytes`."""

Side = raw.Side
"""Which sound is recorded: `PEER`, what the peer says; `BOTH`, that and what it hears, mixed."""

# The garbage collector must not decide when a recording ends.
_held: set["Recorder"] = set()


def record(
    leg: Leg,
    *,
    beep: bool = True,
    length_ms: int = 120_000,
    silence_ms: int = 4_000,
    stop_digits: str = "#",
    pause_digit: str = "",
) -> Recorded:
    """Records what the peer says, until the rule ends it or the leg is over; what was recorded by then is kept.

    beep: plays a tone first, which is not part of the recording. length_ms: 1,000 to 1,200,000. silence_ms: ends when the
    peer was silent for so long, 500 to 60,000; 0: never. stop_digits: digits out of `0-9*#A-D` that end it. pause_digit:
    a digit that pauses it, and pressed once more lets it go on.

    Raises RecordingError; `gone`: the leg was over before anything was recorded.
    """
    rule = raw.RecordRule(beep, length_ms, silence_ms, stop_digits, pause_digit)
    return answered(RecordingError, raw.record, leg.raw, rule)


class Recorder:
    """A recording in the background. It goes on to the end of the leg; `finish` ends it before."""

    __slots__ = ("raw",)

    raw: raw.Recorder
    """The binding below, for what this face leaves out."""

    def __init__(self, recorder: raw.Recorder):
        self.raw = recorder
        _held.add(self)

    def pause(self) -> None:
        """Nothing is recorded until `resume`. Raises RecordingError."""
        answered(RecordingError, self.raw.pause)

    def resume(self) -> None:
        """Goes on after `pause`. Raises RecordingError."""
        answered(RecordingError, self.raw.resume)

    def finish(self) -> Recorded:
        """Ends the recording, where it has not ended by itself, and gives it. Raises RecordingError."""
        return answered(RecordingError, self.raw.finish)


def start_recording(leg: Leg, side: Side = Side.BOTH, length_ms: int = 14_400_000) -> Recorder:
    """Records in the background, until `length_ms` (1,000 to 14,400,000), `finish` or the leg's end.

    Raises RecordingError.
    """
    return Recorder(answered(RecordingError, raw.start, leg.raw, side, length_ms))


def delete_recording(name: str) -> None:
    """Deletes a recording of the domain, by its name. There is none: nothing happens. Raises RecordingError."""
    answered(RecordingError, raw.delete, name)
