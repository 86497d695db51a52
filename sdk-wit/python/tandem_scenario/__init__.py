"""Write scenarios for Tandem in Python.

A scenario is a function that gets the caller's `Leg` and says what happens to the call. It is built into a WebAssembly
component (`build.py`) and sees nothing of the world but what is here: no files, no sockets, no threads.

    from tandem_scenario import Leg, Prompt, scenario

    @scenario
    def handle(caller: Leg) -> None:
        caller.answer()
        caller.play(Prompt.say("Nobody is here.", "en"))

A function with `@web_scenario` answers HTTP, one with `@event_scenario` hears of what has happened.

Reading order: `scenario`, `Leg`, `Prompt`, `dial`, `bridge`, `record`, `hold`, `transfer`, `send_message`,
`originate`, `pick_up`, `leg_events`, `deadline`, `timers`, `trace`; then the small ones. Each module is one interface of the WIT package `tandem:pbx`, under
the same name; the texts in `sdk-wit/wit` say how each call ends, what it may
answer, and how the journal treats it.

What Python has of its own and a scenario must not have is replaced in `_sandbox`.
"""

from . import _sandbox  # Before anything that might keep what it replaces.
from . import (
    checkpoint,
    clock,
    config,
    contacts,
    deadline,
    http,
    key_value,
    leg_events,
    log,
    mail,
    metrics,
    originate,
    random,
    schedule,
    timers,
    trace,
    voicemail,
)
from ._bridge import BridgeEnd, bridge
from ._dial import Strategy, Target, dial
from ._directory import User, find_user
from ._errors import (
    CheckpointError,
    ContactsError,
    DialFailure,
    HttpError,
    KvError,
    LegError,
    MailError,
    MessageFailure,
    MetricError,
    OriginateFailure,
    PickUpFailure,
    RecordingError,
    ScheduleError,
    TimerError,
    TransferFailure,
    VoicemailError,
)
from ._event import Event, event_scenario
from ._hold import hold, resume
from ._leg import Collected, CollectEnd, Leg, PlayEnd
from ._message import Delivery, send_message
from ._pickup import pick_up
from ._prompt import CallProgressTone, Prompt
from ._recording import Recorded, Recorder, Recording, Side, delete_recording, record, start_recording
from ._scenario import scenario
from ._transfer import TransferTarget, transfer
from ._types import Address, Cause
from ._web import WebRequest, WebResponse, web_scenario

__all__ = [
    "Address",
    "BridgeEnd",
    "CallProgressTone",
    "Cause",
    "CheckpointError",
    "CollectEnd",
    "Collected",
    "ContactsError",
    "Delivery",
    "DialFailure",
    "Event",
    "HttpError",
    "KvError",
    "Leg",
    "LegError",
    "MailError",
    "MessageFailure",
    "MetricError",
    "OriginateFailure",
    "PickUpFailure",
    "PlayEnd",
    "Prompt",
    "Recorded",
    "Recorder",
    "Recording",
    "RecordingError",
    "ScheduleError",
    "Side",
    "Strategy",
    "Target",
    "TimerError",
    "TransferFailure",
    "TransferTarget",
    "User",
    "VoicemailError",
    "WebRequest",
    "WebResponse",
    "bridge",
    "checkpoint",
    "clock",
    "config",
    "contacts",
    "deadline",
    "delete_recording",
    "dial",
    "event_scenario",
    "find_user",
    "hold",
    "http",
    "key_value",
    "leg_events",
    "log",
    "mail",
    "metrics",
    "originate",
    "pick_up",
    "random",
    "record",
    "resume",
    "scenario",
    "schedule",
    "send_message",
    "start_recording",
    "timers",
    "trace",
    "transfer",
    "voicemail",
    "web_scenario",
]
