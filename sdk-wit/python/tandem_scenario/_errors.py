from componentize_py_types import Err
from wit_world.imports import (
    checkpoint,
    contacts,
    dial,
    http,
    key_value,
    leg,
    mail,
    message,
    metrics,
    originate,
    pickup,
    recording,
    schedule,
    timers,
    transfer,
    voicemail,
)


class _Refusal(Exception):
    """The host said no. `kind` is the case's name in the contract."""

    kinds: dict[type, str] = {}

    def __init__(self, text: str, kind: str):
        super().__init__(text)
        self.kind = kind


class LegError(_Refusal):
    """What can go wrong on a leg. `kind`: `gone` (the peer hung up, or the leg was ended: nothing more can be done on
    it), `wrong-state`, `bad-argument`, `media`, `limit`. `leg`: the leg, where only one can be meant."""

    kinds = {
        leg.LegError_Gone: "gone",
        leg.LegError_WrongState: "wrong-state",
        leg.LegError_BadArgument: "bad-argument",
        leg.LegError_Media: "media",
        leg.LegError_Limit: "limit",
    }

    def __init__(self, raw: leg.LegError):
        kind = self.kinds[type(raw)]
        self.leg = None
        super().__init__("leg: the peer hung up" if kind == "gone" else f"leg: {_words(kind)}: {raw.value}", kind)


class CheckpointError(_Refusal):
    """Why a scenario does not begin anew. `kind`: `bad-argument`, `no-call`."""

    kinds = {
        checkpoint.CheckpointError_BadArgument: "bad-argument",
        checkpoint.CheckpointError_NoCall: "no-call",
    }

    def __init__(self, raw: checkpoint.CheckpointError):
        kind = self.kinds[type(raw)]
        super().__init__("renew: there is no call" if kind == "no-call" else f"renew: {raw.value}", kind)


class DialFailure(_Refusal):
    """Why nobody answered; with several targets, the reason that says most (busy over no answer over unreachable).

    `kind`: `not-found`, `unreachable`, `busy`, `no-answer`, `declined`, `rejected` (its final status is `status`),
    `caller-gone`, `media`, `bad-argument`, `limit`."""

    kinds = {
        dial.DialFailure_NotFound: "not-found",
        dial.DialFailure_Unreachable: "unreachable",
        dial.DialFailure_Busy: "busy",
        dial.DialFailure_NoAnswer: "no-answer",
        dial.DialFailure_Declined: "declined",
        dial.DialFailure_Rejected: "rejected",
        dial.DialFailure_CallerGone: "caller-gone",
        dial.DialFailure_Media: "media",
        dial.DialFailure_BadArgument: "bad-argument",
        dial.DialFailure_Limit: "limit",
    }
    words = {"unreachable": "no device could be reached", "caller-gone": "the caller hung up"}

    def __init__(self, raw: dial.DialFailure):
        kind = self.kinds[type(raw)]
        self.status: int | None = None
        if kind == "not-found":
            text = f"{raw.value} leads to nobody"
        elif kind == "rejected":
            self.status, reason = raw.value
            text = f"rejected with {self.status} {reason}"
        else:
            text = self.words.get(kind, _words(kind))
            # The limit, the media's trouble, the argument: said in words.
            if hasattr(raw, "value"):
                text = f"{text}: {raw.value}"
        super().__init__(f"dial: {text}", kind)


class KvError(_Refusal):
    """Why the key-value store did not do it. `kind`: `bad-argument`, `not-a-number`, `full`, `unavailable`."""

    kinds = {
        key_value.KvError_BadArgument: "bad-argument",
        key_value.KvError_NotANumber: "not-a-number",
        key_value.KvError_Full: "full",
        key_value.KvError_Unavailable: "unavailable",
    }

    def __init__(self, raw: key_value.KvError):
        kind = self.kinds[type(raw)]
        why = f": {raw.value}" if hasattr(raw, "value") else ""
        super().__init__(f"key-value: {_words(kind)}{why}", kind)


class HttpError(_Refusal):
    """Why there is no response to an HTTP request. `kind`: `not-allowed`, `private-address` (the host is where only the
    server's machine or network reaches), `time-out`, `too-large`, `connect`, `tls`, `bad-argument`, `limit`."""

    kinds = {
        http.HttpError_NotAllowed: "not-allowed",
        http.HttpError_PrivateAddress: "private-address",
        http.HttpError_TimeOut: "time-out",
        http.HttpError_TooLarge: "too-large",
        http.HttpError_Connect: "connect",
        http.HttpError_Tls: "tls",
        http.HttpError_BadArgument: "bad-argument",
        http.HttpError_Limit: "limit",
    }

    def __init__(self, raw: http.HttpError):
        kind = self.kinds[type(raw)]
        why = f": {raw.value}" if hasattr(raw, "value") else ""
        super().__init__(f"http: {_words(kind)}{why}", kind)


class ScheduleError(_Refusal):
    """Why a schedule says nothing. `kind`: `not-found`, `unavailable`."""

    def __init__(self, raw: schedule.ScheduleError):
        kind = raw.name.lower().replace("_", "-")
        super().__init__(f"schedule: {_words(kind)}", kind)


class MetricError(_Refusal):
    """Why a number was not taken. `kind`: `bad-argument`, `limit`."""

    kinds = {metrics.MetricError_BadArgument: "bad-argument", metrics.MetricError_Limit: "limit"}

    def __init__(self, raw: metrics.MetricError):
        kind = self.kinds[type(raw)]
        super().__init__(f"metrics: {_words(kind)}: {raw.value}", kind)


class ContactsError(_Refusal):
    """Why the address book was not read. `kind`: `bad-argument`, `unavailable`."""

    kinds = {
        contacts.ContactsError_BadArgument: "bad-argument",
        contacts.ContactsError_Unavailable: "unavailable",
    }

    def __init__(self, raw: contacts.ContactsError):
        kind = self.kinds[type(raw)]
        why = f": {raw.value}" if hasattr(raw, "value") else ""
        super().__init__(f"contacts: {_words(kind)}{why}", kind)


class RecordingError(_Refusal):
    """What can go wrong with a recording. `kind`: `gone` (the leg was over, and nothing was recorded), `wrong-state`,
    `bad-argument`, `media`, `storage`, `limit`."""

    kinds = {
        recording.RecordingError_Gone: "gone",
        recording.RecordingError_WrongState: "wrong-state",
        recording.RecordingError_BadArgument: "bad-argument",
        recording.RecordingError_Media: "media",
        recording.RecordingError_Storage: "storage",
        recording.RecordingError_Limit: "limit",
    }

    def __init__(self, raw: recording.RecordingError):
        kind = self.kinds[type(raw)]
        super().__init__("recording: " + ("the peer hung up" if kind == "gone" else f"{_words(kind)}: {raw.value}"), kind)


class MailError(_Refusal):
    """Why a mail was not sent. `kind`: `not-found` (there is no such recording), `refused`, `unavailable`,
    `bad-argument`, `limit`."""

    kinds = {
        mail.MailError_NotFound: "not-found",
        mail.MailError_Refused: "refused",
        mail.MailError_Unavailable: "unavailable",
        mail.MailError_BadArgument: "bad-argument",
        mail.MailError_Limit: "limit",
    }

    def __init__(self, raw: mail.MailError):
        kind = self.kinds[type(raw)]
        super().__init__(f"mail: {_words(kind)}: {raw.value}", kind)


class VoicemailError(_Refusal):
    """Why a voicemail box did not do it. `kind`: `no-box` (there is no box of this name), `not-found` (no such message or
    recording), `full`, `bad-argument`, `unavailable`."""

    kinds = {
        voicemail.VoicemailError_NoBox: "no-box",
        voicemail.VoicemailError_NotFound: "not-found",
        voicemail.VoicemailError_Full: "full",
        voicemail.VoicemailError_BadArgument: "bad-argument",
        voicemail.VoicemailError_Unavailable: "unavailable",
    }

    def __init__(self, raw: voicemail.VoicemailError):
        kind = self.kinds[type(raw)]
        why = f": {raw.value}" if hasattr(raw, "value") else ""
        super().__init__(f"voicemail: {_words(kind)}{why}", kind)


class TransferFailure(_Refusal):
    """Why a transfer failed. `kind`: `gone`, `wrong-state`, `bad-argument`, `not-accepted` and `failed` (with the status
    in `status`), `timed-out`, `limit`."""

    kinds = {
        transfer.TransferFailure_Gone: "gone",
        transfer.TransferFailure_WrongState: "wrong-state",
        transfer.TransferFailure_BadArgument: "bad-argument",
        transfer.TransferFailure_NotAccepted: "not-accepted",
        transfer.TransferFailure_Failed: "failed",
        transfer.TransferFailure_TimedOut: "timed-out",
        transfer.TransferFailure_Limit: "limit",
    }

    def __init__(self, raw: transfer.TransferFailure):
        kind = self.kinds[type(raw)]
        self.status, why = _status(raw)
        super().__init__(f"transfer: {_words(kind)}{why}", kind)


class MessageFailure(_Refusal):
    """Why no device accepted a message. `kind`: `not-found`, `no-device`, `refused` (with the greatest final status in
    `status`), `timed-out`, `bad-argument`, `limit`, `unavailable`."""

    kinds = {
        message.MessageFailure_NotFound: "not-found",
        message.MessageFailure_NoDevice: "no-device",
        message.MessageFailure_Refused: "refused",
        message.MessageFailure_TimedOut: "timed-out",
        message.MessageFailure_BadArgument: "bad-argument",
        message.MessageFailure_Limit: "limit",
        message.MessageFailure_Unavailable: "unavailable",
    }

    def __init__(self, raw: message.MessageFailure):
        kind = self.kinds[type(raw)]
        self.status, why = _status(raw)
        super().__init__(f"message: {_words(kind)}{why}", kind)


class OriginateFailure(_Refusal):
    """Why no call was originated. `kind`: `not-found`, `no-entry-point`, `bad-argument`, `limit`, `unavailable`."""

    kinds = {
        originate.OriginateFailure_NotFound: "not-found",
        originate.OriginateFailure_NoEntryPoint: "no-entry-point",
        originate.OriginateFailure_BadArgument: "bad-argument",
        originate.OriginateFailure_Limit: "limit",
        originate.OriginateFailure_Unavailable: "unavailable",
    }

    def __init__(self, raw: originate.OriginateFailure):
        kind = self.kinds[type(raw)]
        _, why = _status(raw)
        super().__init__(f"originate: {_words(kind)}{why}", kind)


class PickUpFailure(_Refusal):
    """Why nothing was picked up. `kind`: `gone`, `wrong-state`, `nothing-rings` (or somebody else was quicker),
    `bad-argument`, `limit`."""

    kinds = {
        pickup.PickUpFailure_Gone: "gone",
        pickup.PickUpFailure_WrongState: "wrong-state",
        pickup.PickUpFailure_NothingRings: "nothing-rings",
        pickup.PickUpFailure_BadArgument: "bad-argument",
        pickup.PickUpFailure_Limit: "limit",
    }

    def __init__(self, raw: pickup.PickUpFailure):
        kind = self.kinds[type(raw)]
        _, why = _status(raw)
        super().__init__(f"pick-up: {_words(kind)}{why}", kind)


class TimerError(_Refusal):
    """Why a timer was not set or cancelled. `kind`: `no-entry-point` (the domain has none that the timer would start),
    `bad-argument`, `limit`, `unavailable`."""

    kinds = {
        timers.TimerError_NoEntryPoint: "no-entry-point",
        timers.TimerError_BadArgument: "bad-argument",
        timers.TimerError_Limit: "limit",
        timers.TimerError_Unavailable: "unavailable",
    }

    def __init__(self, raw: timers.TimerError):
        kind = self.kinds[type(raw)]
        _, why = _status(raw)
        super().__init__(f"timer: {_words(kind)}{why}", kind)


def _status(raw) -> tuple[int | None, str]:
    """The status of a refusal, where it has one, and what is said after its kind."""
    value = getattr(raw, "value", None)
    if value is None:
        return None, ""
    if isinstance(value, str):
        return None, f": {value}"
    status, reason = value
    return status, f": {status} {reason}"


def _words(kind: str) -> str:
    return kind.replace("-", " ")


def answered(kind, ask, *arguments):
    """Asks the host, and raises its typed error as one of ours."""
    try:
        return ask(*arguments)
    except Err as error:
        refusal = kind(error.value)
    # Outside of `except`: the binding's exception says nothing more, and would only lengthen the traceback.
    raise refusal
