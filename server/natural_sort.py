"""Names in the order in which people count: molle-2 before molle-10."""

import re

_NUMBER = re.compile(r"([0-9]+)")


def by_name(name: str) -> tuple[tuple[str, int], ...]:
    """Return the key to sort names by: what stands before each number, and the number."""
    parts = [*_NUMBER.split(name), "0"]
    return tuple((before, int(number)) for before, number in zip(parts[::2], parts[1::2], strict=True))
