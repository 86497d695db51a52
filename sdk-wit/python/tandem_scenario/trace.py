"""Where in the scenario the call is: shown in the call's timeline, and by replay."""

from wit_world.imports import trace as raw


def step(id: str, name: str) -> None:
    """Enters a step: `id` is its stable identifier, `name` what people call it, each up to 256 bytes. What the scenario
    does next belongs to it, until the next step."""
    raw.step(id, name)
