"""The diary as a reader sees it: the list of sessions, and one session.

While the coach runs, it alone has the journal open, and a reader asks it over the local socket (`RemoteDiary`). When it
does not run, `LocalDiary` opens the file itself. Never both: one process, one connection (SQLite pitfall, faults.md).
"""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from firmware.journal.errors import JournalError
from firmware.journal.journal import Journal
from firmware.journal.record import SessionLine, SessionRecord
from firmware.system.folder_owner import as_owner_of

_DATABASE_BEGINS = b"SQLite format 3\0"


class Diary(Protocol):
    """What the `sessions` command needs."""

    def sessions(self) -> tuple[SessionLine, ...]:
        """List the sessions, oldest first."""

    def session(self, session_id: str) -> SessionRecord:
        """Give one session. Raises UnknownSessionError, DamagedSessionError."""

    def close(self) -> None:
        """Let go of the file or the socket."""


class NoDiaryError(JournalError, FileNotFoundError):
    """There is no journal at the place named."""


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_DATABASE_BEGINS)) == _DATABASE_BEGINS


def _open_journal(path: Path) -> Journal:
    """Open a diary that is there. Raises NoDiaryError; JournalInUseError; JournalVersionError."""
    if not path.exists():
        raise NoDiaryError(
            f"There is no diary at {path}: no session has been recorded here. Name another with --diary."
        )
    # A reader puts no file aside: that, and carrying over what can be read, is left to the coach.
    if not path.is_file() or not _is_database(path):
        raise NoDiaryError(
            f"{path} is no diary, or so damaged that it does not look like one; it was left as it is. "
            "Name another with --diary. A coach that starts with a damaged diary rescues what can be read."
        )
    return Journal.open(path)


class LocalDiary:
    """The diary read from its file, while no coach runs."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises NoDiaryError; JournalInUseError while a coach has it; JournalVersionError."""
        with ExitStack() as rights:
            # Root reads with the rights of the folder's owner until the file is closed (docs/security.md).
            rights.enter_context(as_owner_of(path.parent))
            self._journal = _open_journal(path)
            self._rights = rights.pop_all()

    def sessions(self) -> tuple[SessionLine, ...]:
        """List the sessions, oldest first."""
        return self._journal.sessions().result()

    def session(self, session_id: str) -> SessionRecord:
        """Give one session. Raises UnknownSessionError, DamagedSessionError."""
        return self._journal.session(session_id).result()

    def close(self) -> None:
        """Let the coach have the file again."""
        with self._rights:
            self._journal.close()

    def __enter__(self) -> Self:
        """Give the open diary."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()
