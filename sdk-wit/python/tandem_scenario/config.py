"""What the administrator set for this activation of the scenario."""

from wit_world.imports import config as raw


def document() -> str:
    """The configuration as JSON text, at most 1 MiB; `{}` when nothing was set."""
    return raw.document()


def entry_point() -> str:
    """The number or pattern of the entry point that started the scenario."""
    return raw.entry_point()


def domain() -> str:
    """The name of the domain."""
    return raw.domain()
