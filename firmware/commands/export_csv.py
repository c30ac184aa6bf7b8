"""A session of the journal as CSV; how, says `sync.session_csv`. Columns: docs/diary.md."""

from firmware.session_record import SessionDocument
from firmware.session_track import track_of
from sync.session_csv import csv_of


def export_csv(document: SessionDocument) -> bytes:
    """Write the session as UTF-8 CSV with a line of column names; an empty field is a value that was not known."""
    return csv_of(track_of(document))
