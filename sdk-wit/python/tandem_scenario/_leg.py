from wit_world.imports import leg as raw

from ._errors import LegError, answered
from ._prompt import raw_prompts
from ._types import Address, Cause

Collected = raw.Collected
"""Digits that a caller entered: `digits`, `complete` (at least `min` are there), `end`."""

CollectEnd = raw.CollectEnd
"""What ended a collection: `FULL`, `TERMINATOR` or `TIMEOUT`."""

PlayEnd = raw.PlayEnd
"""How `play` ended: `FINISHED`, or `STOPPED` by another call on the leg."""

# The garbage collector must not decide when a peer is hung up on: a leg lives to the end of the call, or of its `with`.
_held: set["Leg"] = set()


class Leg:
    """One peer's side of a call. It stays up to the end of the call; `hang_up` ends it before, and so does the end of
    a `with dial(...) as leg:`."""

    __slots__ = ("raw",)

    raw: raw.Leg
    """The binding below, for what this face leaves out."""

    def __init__(self, leg: raw.Leg):
        self.raw = leg
        _held.add(self)

    def _ask(self, ask, *arguments):
        try:
            return answered(LegError, ask, *arguments)
        except LegError as error:
            error.leg = self
            raise

    def peer(self) -> Address:
        """Who calls (an incoming leg) or is called (a dialled one)."""
        return self.raw.peer()

    def local(self) -> Address:
        """What was dialled (an incoming leg), or our caller's identity (a dialled one)."""
        return self.raw.local()

    def header(self, name: str) -> list[str]:
        """The values of a header of the request that began the leg, one item a line; names are case-insensitive."""
        return self.raw.header(name)

    def ring(self) -> None:
        """Tells the caller that it rings (180). Raises LegError."""
        self._ask(self.raw.ring)

    def early_media(self) -> None:
        """Opens the way for sound before the answer (183). Raises LegError."""
        self._ask(self.raw.early_media)

    def answer(self) -> None:
        """Answers (200). Answered already: nothing happens. Raises LegError."""
        self._ask(self.raw.answer)

    def play(self, *prompts) -> PlayEnd:
        """Plays up to 64 prompts one after another, and returns with the end of the last. Raises LegError."""
        return self._ask(self.raw.play, raw_prompts(prompts))

    def collect(
        self,
        *prompts,
        barge_in: bool = True,
        min: int = 1,
        max: int | None = None,
        terminators: str = "",
        first_digit_timeout_ms: int = 5_000,
        inter_digit_timeout_ms: int = 3_000,
    ) -> Collected:
        """Plays the prompts and collects digits. Raises LegError.

        barge_in: a digit stops the prompts and counts. min: fewer digits are not taken for an entry, 0 to 64. max: the
        entry ends with this many digits, 1 to 64; by default one, or `min`. terminators: digits out of `0-9*#A-D` that
        end the entry and are not part of it. The time for the first digit is counted from the end of the prompts; both
        times are 1 to 600,000 ms.
        """
        rule = raw.CollectRule(
            raw_prompts(prompts),
            barge_in,
            min,
            (min or 1) if max is None else max,
            terminators,
            first_digit_timeout_ms,
            inter_digit_timeout_ms,
        )
        return self._ask(self.raw.collect, rule)

    def send_digits(self, digits: str) -> None:
        """Sends up to 64 digits out of `0-9*#A-D`, 100 ms each; `,` is a pause of 500 ms. Raises LegError."""
        self._ask(self.raw.send_digits, digits)

    def hang_up(self, cause=Cause.NORMAL) -> None:
        """Ends the leg: BYE, or the final status of `cause` where it was never answered. Ended already: nothing
        happens. Raises LegError."""
        self._ask(self.raw.hang_up, cause)

    def __enter__(self) -> "Leg":
        return self

    def __exit__(self, *_) -> None:
        """Gives the leg up; one that is still up is hung up with the cause `normal`."""
        if self in _held:
            _held.discard(self)
            self.raw.__exit__(None, None, None)
