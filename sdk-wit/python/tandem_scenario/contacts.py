"""The domain's address book.

Each function raises ContactsError."""

from wit_world.imports import contacts as raw

from ._errors import ContactsError, answered

Contact = raw.Contact
"""`name`, `company`, `email`, `note` (the three may be empty), `numbers` (each with `label` and `number`)."""


def find_by_number(number: str) -> Contact | None:
    """Who has a number, however it is written; None: nobody."""
    return answered(ContactsError, raw.find_by_number, number)


def search(text: str, limit: int = 20) -> list[Contact]:
    """Up to `limit` (1 to 100) contacts by name that have each word of `text`, or these digits."""
    return answered(ContactsError, raw.search, text, limit)
