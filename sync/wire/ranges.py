"""Ranges of what comes over the wire: a number that no page, plot or export could draw is refused at the border.

The unit at the end of a field's name (`sync.wire.messages`, `coach.model.summary`) gives its range. The ranges are
wide: they say what a value can be at all, and not what is plausible for a person. What has no unit gets the range of
its type.
"""

import math
import re
from collections.abc import Iterator
from datetime import date
from enum import Enum

from msgspec import Struct

DAY_S = 86_400.0
YEAR_2200_S = 7_258_118_400.0

FIRST_YEAR, LAST_YEAR = 1900, 2200

MOST_TEXT = 4_000
MOST_ROWS = 400_000
"""Rows of one column: more than a day at four notifications a second."""

MOST_DEPTH = 12
"""Levels of free JSON, as in `Summary.response`. The deepest message of ours has eight."""

WHOLE_NUMBER = 2**31 - 1
COUNTER = 2**53
"""Counters of connections and messages, which JSON's readers hold exactly up to here."""

_COUNTERS = frozenset({"connection", "number"})

_RANGES: tuple[tuple[re.Pattern[str], float, float], ...] = tuple(
    (re.compile(pattern), low, high)
    for pattern, low, high in (
        (r".*wall_s", 0.0, YEAR_2200_S),
        (r"monotonic_s", 0.0, 1e10),
        (r"rate_bpm", 0.0, 400.0),
        (r".*_bpm", -1_000.0, 1_000.0),
        (r".*_kmh", -100.0, 100.0),
        (r".*_percent", -1_000.0, 1_000.0),
        (r".*fraction", -100.0, 100.0),
        (r"borg", 0.0, 20.0),
        (r"mood", 0.0, 100.0),
        (r"rr_1024", 0.0, 31 * DAY_S * 1_000),
        (r"step_ms", -31 * DAY_S * 1_000, 31 * DAY_S * 1_000),
        (r"(t|.*_s)", -31 * DAY_S, 31 * DAY_S),
    )
)


def find_out_of_range(message: Struct) -> str:
    """Return what in a message is out of range, as one sentence; empty where all is well.

    Booleans, enumerations and bytes have no range. Free JSON is walked as the structs are.
    """
    return next(_walk(message, "", 0), "")


def _walk(value: object, name: str, depth: int) -> Iterator[str]:
    match value:
        case bool() | None | Enum() | bytes():
            return
        case int() | float():
            yield from _of_number(value, name)
        case str():
            # A certificate, a signing request and a text for people are longer than a name, and no longer than this.
            if len(value) > MOST_TEXT and not name.endswith("_pem"):
                yield f"{name} has {len(value)} characters; at most {MOST_TEXT} are read."
        case date():
            if not FIRST_YEAR <= value.year <= LAST_YEAR:
                yield f"{name} is out of its range, the years {FIRST_YEAR} to {LAST_YEAR}: {value.isoformat()[:24]}."
        case Struct():
            yield from _of_parts(((one, getattr(value, one)) for one in value.__struct_fields__), depth)
        case dict():
            yield from _of_parts(((str(key), one) for key, one in value.items()), depth)
        case tuple() | list():
            if len(value) > MOST_ROWS:
                yield f"{name} has {len(value)} values; at most {MOST_ROWS} are read."
            elif not _is_column(value, name):
                yield from _of_parts(_rows(value, name), depth)
        case _:
            yield f"{name} is a {type(value).__name__}, which no message holds."


def _of_parts(parts: Iterator[tuple[str, object]], depth: int) -> Iterator[str]:
    if depth >= MOST_DEPTH:
        yield f"The message is nested more than {MOST_DEPTH} levels deep."
        return
    for name, value in parts:
        yield from _walk(value, name, depth + 1)


def _rows(values: tuple[object, ...] | list[object], name: str) -> Iterator[tuple[str, object]]:
    """Yield each value with its name; of a run (`sync.wire.messages.Samples`), its count and its value."""
    for one in values:
        match one:
            case (int(count), value):
                yield "rows", count
                yield name, value
            case _:
                yield name, one


def _is_column(values: tuple[object, ...] | list[object], name: str) -> bool:
    """Return whether these are numbers alone, and all within their range: a session has ten thousand of them."""
    if not values or not {type(one) for one in values} <= {int, float, type(None)}:
        return False
    numbers = [one for one in values if isinstance(one, int | float)]
    low, high = range_of(name)
    return not numbers or (low <= min(numbers) and max(numbers) <= high and not any(map(math.isnan, numbers)))


def _of_number(value: float, name: str) -> Iterator[str]:
    low, high = range_of(name)
    if isinstance(value, int) and not isinstance(value, bool) and (low, high) == (-1e9, 1e9):
        low, high = -WHOLE_NUMBER, WHOLE_NUMBER
    # A comparison with NaN is false, so NaN is refused as well.
    if not low <= value <= high:
        yield f"{name} is out of its range, {low:.10g} to {high:.10g}: {str(value)[:24]}."


def range_of(name: str) -> tuple[float, float]:
    """Return the least and the greatest value of a field, from its name."""
    if name in _COUNTERS:
        return 0, COUNTER
    return next(((low, high) for pattern, low, high in _RANGES if pattern.fullmatch(name)), (-1e9, 1e9))
