"""Boxes that keep messages: one for each user of the domain, and those that the administrator made under a name of their
own. A message's sound is a recording of the domain.

Each function raises VoicemailError."""

from wit_world.imports import voicemail as raw

from ._errors import VoicemailError, answered
from ._recording import Recording
from ._types import Address

State = raw.State
"""`NEW`: nobody has listened to it; `HEARD`: somebody has; `SAVED`: it stays until it is deleted."""

Message = raw.Message
"""`id`, `recording` (the name for `Prompt.file`, or for a mail's attachments), `caller`, `stored_ms`, `duration_ms`, `state`."""

Counts = raw.Counts
"""How many messages a box has: `new`, `heard`, `saved`."""


def store(box: str, recording: Recording, caller: Address) -> Message:
    """Puts a recording into a box, as a new message; it goes when the message does. Stored again in the same box it is
    the same message."""
    return answered(VoicemailError, raw.store, box, recording.name, caller, recording.duration_ms)


def list_messages(box: str, state: State | None = None, *, offset: int = 0, limit: int = 100) -> list[Message]:
    """Up to `limit` (1 to 100) messages of a box, newest first, after the first `offset` of them; with a state only
    those."""
    return answered(VoicemailError, raw.list, box, state, offset, limit)


def mark(box: str, id: int, state: State) -> None:
    """Gives a message of a box another state."""
    answered(VoicemailError, raw.mark, box, id, state)


def remove(box: str, id: int) -> None:
    """Deletes a message of a box with its recording. There is none: nothing happens."""
    answered(VoicemailError, raw.delete, box, id)


def count(box: str) -> Counts:
    """How many messages a box has."""
    return answered(VoicemailError, raw.count, box)
