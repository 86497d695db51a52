"""E-mail by the administrator's mail server, from the domain's own sender.

Each function raises MailError."""

from collections.abc import Sequence

from wit_world.imports import mail as raw

from ._errors import MailError, answered


def send(
    to: str | Sequence[str],
    subject: str,
    text: str,
    *,
    html: str | None = None,
    attachments: Sequence[str] = (),
) -> str:
    """Sends a mail, and gives its Message-ID once the mail server has taken it. After a crash it may be sent again, with
    the same Message-ID.

    to: one address such as `ann@example.com`, without a name, or up to 16; subject: one line, at most 256 bytes; text: at
    most 64 KiB; html: the same for readers that show HTML, at most 128 KiB; attachments: names of recordings that go along
    as WAV files, at most 4, of 16 MiB together.
    """
    addresses = [to] if isinstance(to, str) else list(to)
    return answered(MailError, raw.send, raw.Message(addresses, subject, text, html, list(attachments)))
