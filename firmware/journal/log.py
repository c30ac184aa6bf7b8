"""The journal's write-ahead log, looked at before SQLite opens it: SQLite drops what it cannot use without a word.

Format: sqlite.org/fileformat2.html, section 4. A power cut leaves at most one commit whose pages are not all there, at
the end. A page that fails its checksum while later commits of the same log follow it is damage inside: SQLite would
replay the log up to there and forget the rest.
"""

import struct
from pathlib import Path

_HEADER_BYTES, _FRAME_BYTES = 32, 24
_LITTLE, _BIG = 0x377F0682, 0x377F0683
_COMMITS_A_POWER_CUT_MAY_LEAVE = 1
USUAL_PAGE_BYTES = 4096
_LARGEST_PAGE_BYTES = 65536


def has_content(path: Path) -> bool:
    """Return whether there is a file with anything in it."""
    return path.is_file() and path.stat().st_size > 0


def is_cut_short(diary: Path, log: Path) -> bool:
    """Return whether the file lacks pages that its header counts, and no log has them. SQLite opens it all the same."""
    if not has_content(diary) or has_content(log):
        return False
    with diary.open("rb") as file:
        header = file.read(100)
    if header[:16] != b"SQLite format 3\x00" or header[24:28] != header[92:96]:
        return False
    page_bytes = int.from_bytes(header[16:18], "big") or 1
    page_bytes = _LARGEST_PAGE_BYTES if page_bytes == 1 else page_bytes
    return diary.stat().st_size < page_bytes * int.from_bytes(header[28:32], "big")


def page_size_of(log: Path) -> int:
    """Return the page size that a log names; the usual one where it names none."""
    header = log.read_bytes()[:_HEADER_BYTES] if log.is_file() else b""
    size = int.from_bytes(header[8:12], "big") if len(header) == _HEADER_BYTES else 0
    return size if 512 <= size <= _LARGEST_PAGE_BYTES and not size & (size - 1) else USUAL_PAGE_BYTES  # noqa: PLR2004


def is_torn_inside(log: Path) -> bool:
    """Return whether commits follow a page of the same log that fails its checksum."""
    content = log.read_bytes() if log.is_file() else b""
    if len(content) < _HEADER_BYTES + _FRAME_BYTES or int.from_bytes(content[:4], "big") not in (_LITTLE, _BIG):
        return False
    order = ">" if int.from_bytes(content[:4], "big") == _BIG else "<"
    salt, frame_bytes = content[16:24], _FRAME_BYTES + page_size_of(log)
    sums = _summed(content[:24], order, (0, 0))
    if sums != struct.unpack(">II", content[24:32]):
        return len(content) > _HEADER_BYTES + frame_bytes
    whole, commits_behind = True, 0
    for at in range(_HEADER_BYTES, len(content) - frame_bytes + 1, frame_bytes):
        head, page = content[at : at + _FRAME_BYTES], content[at + _FRAME_BYTES : at + frame_bytes]
        if whole:
            if head[8:16] != salt:
                # What follows is left over from an earlier turn of the log.
                return False
            sums = _summed(page, order, _summed(head[:8], order, sums))
            whole = sums == struct.unpack(">II", head[16:24])
        if not whole and head[8:16] == salt and head[4:8] != bytes(4):
            commits_behind += 1
    return commits_behind > _COMMITS_A_POWER_CUT_MAY_LEAVE


def _summed(content: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    """Go on with a checksum over pairs of 32-bit words, as the format says."""
    first, second = sums
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
