"""A diary in memory, for a card that cannot be written: people still train, and what is delivered is not lost.

The coach keeps it in the folder of its socket, which is no disk. What the card's diary holds is copied there where it
is small enough, so that sessions that wait are delivered too and an interrupted one is offered again. Nothing in it is
called saved: the state is `not_saved`, with the card's own reason, until the card can be written again and what is in
memory has gone back to it. It outlives the coach, not the machine: a power cut takes what was not delivered.
"""

import errno
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from firmware.journal.errors import JournalInUseError, JournalVersionError
from firmware.journal.file import copy_to_memory, find_write_fault
from firmware.journal.journal import Journal
from firmware.journal.writer import JournalSettings, NotSavedReason, SaveState

_log = logging.getLogger(__name__)

NAME = "diary-in-memory.db"
_OF_THE_CARD: dict[int, NotSavedReason] = {
    errno.EROFS: "read_only",
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EIO: "io_error",
}
_OF_SQLITE: dict[int, NotSavedReason] = {
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_IOERR: "io_error",
}


def open_journal(
    diary: Path, folder: Path, *, settings: JournalSettings, on_state: Callable[[SaveState], None] | None = None
) -> Journal:
    """Open the diary, or one in memory below `folder` where the card cannot be written.

    Raises as `Journal.open` does where the cause is not the card: a wrong path is for a person to mend.
    """
    memory = folder / NAME
    reason: NotSavedReason | None = None
    if memory.exists():
        fault = find_write_fault(diary.parent)
        reason = "disk_full" if fault is None else card_fault(fault) or "read_only"
    else:
        try:
            return Journal.open(diary, settings=replace(settings, memory=memory), on_state=on_state)
        except (JournalInUseError, JournalVersionError):
            raise
        except (OSError, sqlite3.Error) as error:
            reason = card_fault(error)
            if reason is None:
                raise
            _log.error("The card cannot be written (%s). Sessions are kept in memory until they are delivered.", error)
            copy_to_memory(diary, memory)
    return Journal.open(memory, settings=replace(settings, not_on_disk=reason, card=diary), on_state=on_state)


def card_fault(error: BaseException | None) -> NotSavedReason | None:
    """Return what the card refuses, by an error or its cause; None where it is not the card."""
    while error is not None:
        if isinstance(error, sqlite3.Error):
            found = _OF_SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        else:
            found = _OF_THE_CARD.get(error.errno or 0) if isinstance(error, OSError) else None
        if found is not None:
            return found
        error = error.__cause__
    return None
