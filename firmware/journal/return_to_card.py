"""The way back of a diary in memory to the card that can be written again: what is newer is copied, nothing is lost."""

import logging
import sqlite3
from pathlib import Path

from firmware.journal import file
from firmware.journal import queries as store
from firmware.journal.errors import JournalError

_log = logging.getLogger(__name__)

KEPT = "diary-in-memory*.db"
"""Diaries that were in memory when the product was uninstalled (`systemd/keep-sessions.sh`), in the diary's folder."""


def bring_back_kept(diary: Path, card: sqlite3.Connection) -> None:
    """Bring what was kept at an earlier uninstallation into the diary; what cannot be brought now stays there."""
    for kept in sorted(diary.parent.glob(KEPT)):
        try:
            source, _ = file.open_file(kept, sqlite3.Connection)
            try:
                carried = bring_back(source, card)
            finally:
                file.close(source)
            file.remove_diary(kept)
        except (OSError, JournalError, sqlite3.Error) as error:
            _log.warning("The sessions in %s could not be brought into the diary yet: %s.", kept, error)
        else:
            _log.warning("%d sessions were brought into the diary from %s.", carried, kept)


def bring_back(source: sqlite3.Connection, card: sqlite3.Connection) -> int:
    """Copy to the card's diary what the diary in memory has more of; return the number of sessions.

    A session that both have is replaced where the one in memory is a later revision or has more batches; a receipt that
    came since is noted. Raises sqlite3.Error; nothing is changed then.
    """
    carried = 0
    card.execute("BEGIN IMMEDIATE")
    try:
        for row in source.execute("SELECT * FROM session ORDER BY order_of_beginning").fetchall():
            batches = source.execute(
                "SELECT * FROM batch WHERE session = ? ORDER BY sequence", (row["order_of_beginning"],)
            ).fetchall()
            carried += _bring_session(row, batches, card)
        card.execute("COMMIT")
    except BaseException:
        card.execute("ROLLBACK")
        raise
    return carried


def _bring_session(row: sqlite3.Row, batches: list[sqlite3.Row], card: sqlite3.Connection) -> bool:
    """Copy one session and its batches, if it is whole and the card's own is not as far."""
    session_id = row["session_id"]
    whole = store.head_is_whole(row) and store.summary_is_whole(row) and store.document_is_whole(row)
    if not whole or not all(store.batch_is_whole(session_id, batch) for batch in batches):
        return False
    values = dict(zip(row.keys(), tuple(row), strict=True))
    known = card.execute("SELECT * FROM session WHERE session_id = ?", (session_id,)).fetchone()
    if known is None:
        del values["order_of_beginning"]
    else:
        there = card.execute("SELECT count(*) FROM batch WHERE session = ?", (known["order_of_beginning"],)).fetchone()[
            0
        ]
        if row["revision"] == known["revision"] and (row["revision"] or len(batches) <= there):
            received = {name: value for name, value in values.items() if name.startswith("acknowledged_")}
            if row["sha256"] == known["sha256"] and row["acknowledged_sha256"] is not None:
                names = ", ".join(f"{name} = ?" for name in received)
                card.execute(
                    f"UPDATE session SET {names} WHERE session_id = ?",  # noqa: S608 - names of our own
                    (*received.values(), session_id),
                )
            return False
        if row["revision"] < known["revision"]:
            return False
        values["order_of_beginning"] = known["order_of_beginning"]
        card.execute("DELETE FROM batch WHERE session = ?", (known["order_of_beginning"],))
        card.execute("DELETE FROM session WHERE session_id = ?", (session_id,))
    if not file.insert(card, "session", values):
        return False
    number = card.execute("SELECT order_of_beginning FROM session WHERE session_id = ?", (session_id,)).fetchone()[0]
    for batch in batches:
        columns = dict(zip(batch.keys(), tuple(batch), strict=True)) | {"session": number}
        del columns["row"]
        file.insert(card, "batch", columns)
    return True
