"""Tables for spreadsheets, in which no cell is taken for a formula.

CSV (RFC 4180, UTF-8 with its mark) is for programs: a Norwegian spreadsheet takes its decimal points for text, and its
commas for nothing. XLSX is for an office: numbers are numbers there, whatever the country.
"""

import csv
from collections.abc import Iterable, Sequence
from io import BytesIO, StringIO

from server.audit.export import harmless

MARK = "\ufeff"
"""Without it a spreadsheet on Windows does not see that the file is UTF-8."""


def as_xlsx(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return a heading and its rows as a workbook with one sheet; None is an empty cell, truth is 1 or 0."""
    # Its import takes time, and only a file for an office needs it.
    from xlsxwriter import Workbook  # noqa: PLC0415

    content = BytesIO()
    plain = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with Workbook(content, plain) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, headings, book.add_format({"bold": True}))
        sheet.freeze_panes(1, 0)
        for number, row in enumerate(rows, 1):
            for column, value in enumerate(row):
                if isinstance(value, int | float):
                    sheet.write_number(number, column, round(float(value), 4))
                elif value is not None:
                    sheet.write_string(number, column, str(value))
        sheet.autofit()
    return content.getvalue()


def as_csv(headings: Sequence[str], rows: Iterable[Sequence[object]], *, mark: bool = True) -> bytes:
    """Return a heading and its rows; None is an empty cell, truth is 1 or 0."""
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
