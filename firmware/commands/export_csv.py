"""A session of the journal as CSV; how, says `sync.export.csv`. Columns: docs/diary.md."""

from firmware.journal.record import SessionDocument
from firmware.journal.timeline import track_of
from sync.export.csv import csv_of


def export_csv(document: SessionDocument) -> bytes:
    """Write the session as UTF-8 CSV with a line of column names; an empty field is a value that was not known."""
    return csv_of(track_of(document))
