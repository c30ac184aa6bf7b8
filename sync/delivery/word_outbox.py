"""Words to the server that it must acknowledge: results of commands, and what became of plans. Pure: time is handed in.

A word goes out again until the server says that it has committed it, on each new connection and ever more seldom on
one. A server of an earlier version never says so: from one that has acknowledged nothing yet, a word is let go of after
some tries. What a restart would lose for good lies in a file (`read_words`, `write_words`).
"""

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from sync.wire.messages import CommandResult, PlanTaken
from sync.wire.topics import Kind

AGAIN_S, AGAIN_MOST_S = 60.0, 900.0
TRIES_UNACKNOWLEDGED = 8
MOST_WORDS = 500
"""Beyond these the oldest is given up. A clinic has some fifty plans, and a machine gets few commands a day."""


class Word(Struct, frozen=True):
    """A message on its way. `key`: a later word under the same key takes its place."""

    kind: Kind
    key: str
    payload: bytes
    lasting: bool = True
    """Whether nothing would say it again after a restart."""

    @property
    def sha256(self) -> str:
        """What the server's receipt names it by."""
        return hashlib.sha256(self.payload).hexdigest()


def word_of_result(result: CommandResult, payload: bytes) -> Word:
    """Return the word for a command's result."""
    return Word(Kind.RESULT, f"{result.id} {result.outcome}", payload)


def word_of_plan(taken: PlanTaken, payload: bytes) -> Word:
    """Return the word for what became of a plan. Of a plan that is there the broker reminds after a restart."""
    return Word(Kind.TAKEN, taken.participant, payload, lasting=taken.outcome == "withdrawn")


class _Pending(Struct):
    word: Word
    again_s: float = float("-inf")
    tries: int = 0


class WordOutbox:
    """The words that the server has not acknowledged."""

    def __init__(self, words: Iterable[Word] = ()) -> None:
        """Begin with what a file kept."""
        self._pending: dict[tuple[Kind, str], _Pending] = {}
        self._acknowledges = False
        for word in words:
            self.put(word)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._pending)

    @property
    def lasting(self) -> tuple[Word, ...]:
        """Those that belong in the file."""
        return tuple(one.word for one in self._pending.values() if one.word.lasting)

    def put(self, word: Word) -> None:
        """Take a word along; an earlier one under its key is forgotten."""
        self._pending.pop((word.kind, word.key), None)
        self._pending[word.kind, word.key] = _Pending(word)
        if len(self._pending) > MOST_WORDS:
            del self._pending[next(iter(self._pending))]

    def next_due(self, now_s: float) -> Word | None:
        """Return a word to publish now, the oldest first."""
        return next((one.word for one in self._pending.values() if one.again_s <= now_s), None)

    def sent(self, word: Word, now_s: float) -> None:
        """Note that a word was published: it is due again later, each time twice as late."""
        one = self._pending.get((word.kind, word.key))
        if one is None or one.word != word:
            return
        one.again_s = now_s + min(AGAIN_MOST_S, AGAIN_S * 2 ** min(one.tries, 8))
        one.tries += 1
        if one.tries >= TRIES_UNACKNOWLEDGED and not self._acknowledges:
            del self._pending[word.kind, word.key]

    def on_new_connection(self) -> None:
        """Let all be due: whatever was on its way may be lost."""
        for one in self._pending.values():
            one.again_s = float("-inf")

    def acknowledged(self, sha256s: Iterable[str]) -> bool:
        """Forget what the server has committed. Return whether one of them is to leave the file."""
        self._acknowledges = True
        there = set(sha256s)
        gone = {key: one.word for key, one in self._pending.items() if one.word.sha256 in there}
        for key in gone:
            del self._pending[key]
        return any(word.lasting for word in gone.values())


def read_words(file: Path) -> tuple[Word, ...]:
    """Return the words that a file keeps; none where there is no file, or a damaged one."""
    try:
        return msgspec.msgpack.decode(file.read_bytes(), type=tuple[Word, ...])
    except (OSError, msgspec.MsgspecError, ValueError):
        return ()


def write_words(file: Path, words: Iterable[Word]) -> None:
    """Write the file whole, readable by its owner alone. Raises OSError."""
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(msgspec.msgpack.encode(tuple(words)))
            out.flush()
            os.fsync(out.fileno())
        new.replace(file)
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
