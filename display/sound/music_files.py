"""Find music in folders: what can be played, and what is left out and why. Bounded in depth, number and time."""

import os
import stat
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PLAYABLE: Final = frozenset({".mp3", ".ogg", ".oga", ".opus", ".flac", ".wav"})
"""What the mixer's own decoders read; other trackers' and synthesisers' formats are left out on purpose."""

OTHER_MUSIC: Final = frozenset(
    {".m4a", ".m4p", ".m4b", ".aac", ".mp4", ".wma", ".aiff", ".aif", ".ape", ".alac", ".wv"}
)
"""Music of other kinds, often with copy protection: named by the doctor, so that a person knows why it is silent."""

MOST_FILES: Final = 20_000
MOST_FOLDERS: Final = 5_000
DEEPEST: Final = 12
LONGEST_SCAN_S: Final = 10.0


@dataclass(frozen=True)
class FoundMusic:
    """What folders hold. `files`: paths as bytes, since names may be in any encoding, in order of their names.

    `left_out`: how many files of other music formats, by extension. `missing`: folders that cannot be read.
    `cut_short`: whether there was more than is looked at.
    """

    files: tuple[bytes, ...] = ()
    left_out: dict[str, int] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    cut_short: bool = False


def find_music(folders: Sequence[str], longest_s: float = LONGEST_SCAN_S) -> FoundMusic:
    """Look through folders and those below them. Hidden files, links, and what is no plain file are passed over."""
    files: list[bytes] = []
    left_out: Counter[str] = Counter()
    missing: list[str] = []
    until_s, seen = time.monotonic() + longest_s, 0
    to_see = [(os.fsencode(folder), 0) for folder in reversed(folders)]
    cut_short = False
    while to_see:
        folder, depth = to_see.pop()
        seen += 1
        if len(files) >= MOST_FILES or seen > MOST_FOLDERS or time.monotonic() > until_s:
            cut_short = True
            break
        below: list[bytes] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if len(files) >= MOST_FILES or time.monotonic() > until_s:
                        cut_short = True
                        break
                    _sort_in(entry, files, below, left_out)
        except OSError:
            if depth == 0:
                missing.append(os.fsdecode(folder))
        if depth < DEEPEST:
            to_see += [(path, depth + 1) for path in sorted(below, reverse=True)]
        else:
            cut_short = cut_short or bool(below)
    return FoundMusic(tuple(sorted(files)), dict(left_out), tuple(missing), cut_short)


def _sort_in(entry: "os.DirEntry[bytes]", files: list[bytes], below: list[bytes], left_out: Counter[str]) -> None:
    if entry.name.startswith((b".", b"$")):
        return
    try:
        if entry.is_dir(follow_symlinks=False):
            below.append(entry.path)
        elif entry.is_file(follow_symlinks=False):
            kind = Path(os.fsdecode(entry.name)).suffix.lower()
            if kind in PLAYABLE:
                files.append(entry.path)
            elif kind in OTHER_MUSIC:
                left_out[kind] += 1
    except OSError:
        # A stick that was pulled out, or a damaged entry.
        return


def open_track(path: bytes) -> int:
    """Open a file to read it. Raises OSError, also where it is no plain file: a pipe or a link is never opened."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(f"{os.fsdecode(path)} is no plain file")
    return handle
