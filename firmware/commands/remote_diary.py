"""The diary as the running coach tells it: it alone has the journal open, so whoever wants to read asks it."""

import contextlib
import time
from pathlib import Path
from typing import Literal

import msgspec

from firmware.ipc.client import CoachLink, NoCoachError
from firmware.ipc.messages import AnyToCoach, AskSession, AskSessions, Hello, Piece, RequestRefusal
from firmware.journal.errors import JournalError, JournalInUseError, UnknownSessionError
from firmware.journal.reader import Diary, LocalDiary, NoDiaryError
from firmware.journal.record import SessionLine, SessionRecord

ANSWER_WITHIN_S = 20.0
SESSIONS_A_PAGE = 200
_lines = msgspec.json.Decoder(tuple[SessionLine, ...])
_record = msgspec.json.Decoder(SessionRecord)


class RemoteDiary:
    """Asks the coach on a local socket."""

    def __init__(self, path: Path, *, diary: Path | None = None) -> None:
        """Connect. Raises NoCoachError where none answers, NoDiaryError where it keeps another diary than `diary`."""
        self._link = CoachLink(path)
        self._requests = 0
        if diary is not None and (kept := self._kept()) != diary.resolve():
            self._link.close()
            raise NoDiaryError(f"The coach on {path} keeps the diary {kept}, and not {diary}.")

    def sessions(self) -> tuple[SessionLine, ...]:
        """List the sessions, oldest first. Raises NoCoachError, JournalError."""
        found: list[SessionLine] = []
        while True:
            self._requests += 1
            after = found[-1].session_id if found else ""
            asked = AskSessions(request=self._requests, after=after, most=SESSIONS_A_PAGE)
            page = _lines.decode(self._ask(asked, "sessions"))
            found += page
            if len(page) < SESSIONS_A_PAGE:
                return tuple(found)

    def session(self, session_id: str) -> SessionRecord:
        """Give one session. Raises UnknownSessionError, JournalError, NoCoachError."""
        self._requests += 1
        return _record.decode(self._ask(AskSession(self._requests, session_id=session_id), "session"))

    def close(self) -> None:
        """Leave."""
        self._link.close()

    def _kept(self) -> Path | None:
        until_s = time.monotonic() + ANSWER_WITHIN_S
        while (left_s := until_s - time.monotonic()) > 0:
            for message in self._link.receive(left_s):
                if isinstance(message, Hello):
                    return Path(message.diary)
        return None

    def _ask(self, question: AnyToCoach, what: Literal["session", "sessions"]) -> bytes:
        self._link.say(question)
        document = bytearray()
        until_s = time.monotonic() + ANSWER_WITHIN_S
        while (left_s := until_s - time.monotonic()) > 0:
            for message in self._link.receive(left_s):
                if isinstance(message, RequestRefusal) and message.request == question.request:
                    kind = UnknownSessionError if message.code == "unknown_session" else JournalError
                    raise kind(message.reason)
                if isinstance(message, Piece) and message.request == question.request and message.what == what:
                    document += message.content
                    if len(document) >= message.total:
                        return bytes(document)
        raise NoCoachError(f"The coach did not answer within {ANSWER_WITHIN_S:g} s. Is its disk in trouble?")


def open_diary(path: Path, socket: Path) -> Diary:
    """Return the diary, wherever it can be read: from its file, or from the coach that has it open.

    Raises JournalInUseError where another process has the file and no coach answers for it; JournalError.
    """
    try:
        return LocalDiary(path)
    except JournalInUseError:
        with contextlib.suppress(NoCoachError, NoDiaryError):
            return RemoteDiary(socket, diary=path)
        raise
