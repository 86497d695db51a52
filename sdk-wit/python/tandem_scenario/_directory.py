from wit_world.imports import directory as raw

User = raw.User
"""A user of the domain: `name` (the extension), `display_name` (may be empty), `registered` (a device is there now)."""


def find_user(number: str) -> User | None:
    """Finds a user of the domain by its extension, or by a number that leads to it."""
    return raw.find_user(number)
