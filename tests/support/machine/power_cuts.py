"""Power cuts, simulated from what a writing process really asked of the kernel.

    python -m tests.support.machine.power_cuts [--cuts 500] [--synchronous FULL|OFF] [--failing-sync] [--seed 1]

A kill -9 leaves the system's cache whole, so it can't tell a synced commit from one that is not. Here the writer runs
under strace, and the disk is rebuilt as a power cut at a random call could have left it: of each file what was synced,
and of what was written since then any part, in sectors of 512 bytes. With `--failing-sync` some syncs fail, and what
they should have written is gone, though the system's cache still shows it (as Linux does after a failed fsync). With
`--synchronous OFF`, the control, the journal must lose sessions; if it does not, this test proves nothing.

It needs strace. No virtual machine is cut: that this is what a disk does is an assumption (a sector is written whole or
not at all, and what was synced stays).
"""

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.support.machine.journal_kills import ROOT, Told, look, told

SECTOR_BYTES = 512
FAILING = "fdatasync:error=EIO:when=40..400+9"
_CALL = re.compile(r"^(?:\d+\s+)?(\w+)\((.*)\)\s+= (-?\d+)")
_RESUMED = re.compile(r"^(\d+)\s+<\.\.\. (\w+) resumed>(.*)$")
_UNFINISHED = re.compile(r"^(\d+)\s+(.*) <unfinished \.\.\.>$")


class Call(NamedTuple):
    """One call: what it did to which file. `said` is what the writer told the world by it."""

    name: str
    path: str
    content: bytes
    offset: int
    failed: bool


class Disk:
    """What a disk holds after the calls so far: of each file what is synced, and what was only written."""

    def __init__(self) -> None:
        """Begin with an empty disk."""
        self.synced: dict[str, bytearray] = {}
        self.written: dict[str, list[Call]] = {}

    def apply(self, call: Call) -> None:
        """Take one call."""
        match call.name:
            case "pwrite64" | "ftruncate":
                self.written.setdefault(call.path, []).append(call)
            case "fdatasync" | "fsync":
                waiting = self.written.pop(call.path, [])
                if not call.failed:
                    for write in waiting:
                        _put(self.synced.setdefault(call.path, bytearray()), write)
            case "unlink":
                self.synced.pop(call.path, None)
                self.written.pop(call.path, None)

    def cut(self, chance: random.Random) -> dict[str, bytes]:
        """Give the files as a power cut now could leave them."""
        left = {path: bytearray(content) for path, content in self.synced.items()}
        for path, calls in self.written.items():
            kept_share = chance.choice((0.0, 0.5, 1.0, chance.random()))
            for call in calls:
                content = left.setdefault(path, bytearray())
                if call.name == "ftruncate":
                    if chance.random() < kept_share:
                        _put(content, call)
                    continue
                for start in range(0, len(call.content), SECTOR_BYTES):
                    if chance.random() < kept_share:
                        part = call.content[start : start + SECTOR_BYTES]
                        _put(content, call._replace(content=part, offset=call.offset + start))
        return {path: bytes(content) for path, content in left.items()}


def _put(content: bytearray, call: Call) -> None:
    if call.name == "ftruncate":
        if len(content) > call.offset:
            del content[call.offset :]
        else:
            content.extend(bytes(call.offset - len(content)))
        return
    end = call.offset + len(call.content)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    content[call.offset : end] = call.content


def trace(folder: Path, arguments: tuple[str, ...], inject: str | None = None) -> list[Call]:
    """Run a writer under strace and give its calls in order."""
    output = folder / "trace"
    command = ["strace", "-f", "-y", "-xx", "-s", "200000", "-o", str(output)]
    command += ["-e", "trace=pwrite64,write,ftruncate,fdatasync,fsync,unlink"]
    command += [] if inject is None else ["-e", f"inject={inject}"]
    writer = [
        sys.executable,
        "-m",
        "tests.support.machine.journal_writer_process",
        str(folder / "diary.db"),
        *arguments,
    ]
    with (folder / "said").open("wb") as said:
        subprocess.run(
            [*command, *writer], stdout=said, check=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
    return [call for line in _whole_lines(output.read_text()) if (call := _parsed(line, folder)) is not None]


def _whole_lines(text: str) -> list[str]:
    """Put calls together that another thread's call had split; they count where they ended."""
    open_calls: dict[str, str] = {}
    lines = []
    for line in text.splitlines():
        if (unfinished := _UNFINISHED.match(line)) is not None:
            open_calls[unfinished[1]] = unfinished[2]
        elif (resumed := _RESUMED.match(line)) is not None:
            lines.append(open_calls.pop(resumed[1], resumed[2] + "(") + resumed[3])
        else:
            lines.append(line)
    return lines


def _parsed(line: str, folder: Path) -> Call | None:
    found = _CALL.match(line)
    if found is None:
        return None
    name, rest, result = found[1], found[2], int(found[3])
    path = _text(re.sub(r"^\d+<(.*?)>.*$", r"\1", rest, flags=re.DOTALL) if name != "unlink" else rest.strip('"'))
    if not path.startswith(str(folder)):
        return None
    file = Path(path).name
    match name:
        case "pwrite64":
            content = _bytes(rest.split('"')[1])
            return Call(name, file, content[: max(0, result)], int(rest.rsplit(",", 1)[1]), failed=result < 0)
        case "write":
            return Call(name, file, _bytes(rest.split('"')[1]), 0, failed=result < 0)
        case "ftruncate":
            return Call(name, file, b"", int(rest.rsplit(",", 1)[1]), failed=result < 0)
        case _:
            return Call(name, file, b"", 0, failed=result < 0)


def _bytes(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


def _text(escaped: str) -> str:
    return _bytes(escaped).decode() if escaped.startswith("\\x") else escaped


class Losses(NamedTuple):
    """What the cuts cost, in all."""

    cuts: int
    damaged: int
    finished: int
    kept: int
    not_offered: int

    @property
    def none(self) -> bool:
        """Whether every promise was kept."""
        return not (self.damaged or self.finished or self.kept or self.not_offered)


def cut_at_random(calls: list[Call], cuts: int, seed: int) -> Losses:
    """Cut the power at `cuts` random calls, and look each time at what the journal finds."""
    chance = random.Random(seed)
    moments = sorted(chance.randrange(1, len(calls)) for _ in range(cuts))
    disk, said, at = Disk(), b"", 0
    losses = Losses(cuts, 0, 0, 0, 0)
    for moment in moments:
        for call in calls[at:moment]:
            if call.name == "write" and call.path == "said":
                said += call.content
            disk.apply(call)
        at = moment
        losses = _added(losses, disk.cut(chance), told(said.decode().split("\n")[:-1]))
    return losses


def _added(losses: Losses, files: dict[str, bytes], said: Told) -> Losses:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            if name.startswith("diary.db") and not name.endswith(".lock"):
                (Path(folder) / name).write_bytes(content)
        outcome = look(Path(folder) / "diary.db", said)
    return Losses(
        losses.cuts,
        losses.damaged + outcome.damaged,
        losses.finished + outcome.lost_finished,
        losses.kept + outcome.lost_kept,
        losses.not_offered + outcome.not_offered,
    )


def campaign(
    cuts: int, seed: int, *, synchronous: str = "FULL", failing_sync: bool = False, sessions: int = 8
) -> Losses:
    """Trace one writer and cut its power `cuts` times."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ("--sessions", str(sessions), "--samples", "15", "--samples-a-second", "400")
        arguments += ("--synchronous", synchronous)
        calls = trace(Path(folder), arguments, FAILING if failing_sync else None)
    return cut_at_random(calls, cuts, seed)


def main() -> int:
    """Run a campaign and print what it cost. Gives 0 where the outcome is the one expected."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cuts", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--synchronous", choices=("FULL", "OFF"), default="FULL")
    parser.add_argument("--failing-sync", action="store_true")
    chosen = parser.parse_args()
    losses = campaign(chosen.cuts, chosen.seed, synchronous=chosen.synchronous, failing_sync=chosen.failing_sync)
    control = chosen.synchronous == "OFF"
    how = "control without syncing, " if control else "failing syncs, " if chosen.failing_sync else ""
    expected = "must lose" if control else "target 0"
    print(f"power cut, {how}{losses.cuts} ×: damaged journals {losses.damaged} ({expected})")
    print(f"power cut, {how}{losses.cuts} ×: lost completed sessions {losses.finished} ({expected})")
    print(f"power cut, {how}{losses.cuts} ×: lost samples said to be saved {losses.kept} ({expected})")
    print(f"power cut, {how}{losses.cuts} ×: sessions not offered again {losses.not_offered} ({expected})")
    return 0 if losses.none != control else 1


if __name__ == "__main__":
    sys.exit(main())
