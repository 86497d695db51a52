"""The scenario's log, kept with the call. A line has up to 4,096 bytes; longer ones are cut.

`print` and `logging` write here too."""

from wit_world.imports import log as raw

Level = raw.Level
"""`DEBUG`, `INFO`, `WARN`, `ERROR`"""


def write(level: Level, text: str) -> None:
    """Writes one line."""
    raw.write(level, text)


def debug(text: str) -> None:
    """A line for whoever debugs the scenario."""
    raw.write(Level.DEBUG, text)


def info(text: str) -> None:
    """A milestone of the call."""
    raw.write(Level.INFO, text)


def warn(text: str) -> None:
    """Something is not as it should be; the call goes on."""
    raw.write(Level.WARN, text)


def error(text: str) -> None:
    """Someone must act."""
    raw.write(Level.ERROR, text)
