"""Tables as CSV that spreadsheets may open: RFC 4180, UTF-8 with its mark, and no cell that is taken for a formula."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from server.audit.export import harmless

MARK = "\ufeff"
"""Without it a spreadsheet on Windows does not see that the file is UTF-8."""


def as_csv(headings: Sequence[str], rows: Iterable[Sequence[object]], *, mark: bool = True) -> bytes:
    """A heading and its rows; None is an empty cell, truth is 1 or 0."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(headings)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return ((MARK if mark else "") + text.getvalue()).encode()


def _cell(value: object) -> object:
    match value:
        case None:
            return ""
        case bool():
            return int(value)
        case float():
            return f"{value:.4f}".rstrip("0").rstrip(".")
        case _:
            return harmless(str(value))
