"""Where music comes from: a process that gives 16-bit mono samples; started, watched, ended, and never waited for.

Files are decoded by `display.sound.music_decoder`. A telephone's music comes over Bluetooth to PipeWire, and from there
by its own recorder. Either process may crash, hang or say nothing: it is then killed and started again, behind the
track at which it stopped, and no cue is late for it.
"""

import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from display.sound.tones import RATE_HZ

STALLED_AFTER_S: Final = 8.0
"""A process that gives nothing for so long, though it is read, hangs: on a damaged file, or on a stick that fails."""

RETRY_S, LONGEST_RETRY_S = 1.0, 30.0
LOOK_FOR_PHONE_S: Final = 3.0
MOST_DUMP_BYTES: Final = 8_000_000
PW_DUMP, PW_RECORD = "/usr/bin/pw-dump", "/usr/bin/pw-record"
PHONE: Final = "bluez_input."
"""How PipeWire's names of telephones and computers begin that play to this machine."""


class Spawn(Protocol):
    """Starts the process; None where there is nothing to start now."""

    def __call__(self, first: int) -> "tuple[subprocess.Popen[bytes], int | None] | None":
        """Return the process and where it writes the number of its track. `first`: the track to begin with."""
        ...


class MusicSource:
    """The samples of one process after another."""

    def __init__(self, spawn: Spawn, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is started before the first `read`."""
        self._spawn = spawn
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._status: int | None = None
        self._ended: list[subprocess.Popen[bytes]] = []
        self._track = 0
        self._next_try_s, self._retry_s = float("-inf"), RETRY_S
        self._fed_s = 0.0
        self._rest = b""

    def read(self, size: int) -> bytes | None:
        """Return exactly so many bytes, or None where they are not there yet. Never blocks, never raises."""
        now_s = self._clock()
        self._reap()
        if self._process is None and not self._start(now_s):
            return None
        process = self._process
        if process is None or process.stdout is None:
            return None
        try:
            piece = os.read(process.stdout.fileno(), max(0, size - len(self._rest)))
        except BlockingIOError:
            if now_s - self._fed_s > STALLED_AFTER_S:
                self._give_up(now_s)
            return None
        except OSError:
            piece = b""
        if not piece:
            self._give_up(now_s)
            return None
        self._fed_s, self._retry_s = now_s, RETRY_S
        self._rest += piece
        self._read_status()
        if len(self._rest) < size:
            return None
        whole, self._rest = self._rest, b""
        return whole

    def hold(self) -> None:
        """Note that nothing is read on purpose: a process that waits does not hang."""
        self._fed_s = self._clock()

    def close(self) -> None:
        """End the process. Its end is not waited for: on a stick that hangs, it may never come."""
        process, self._process = self._process, None
        self._rest = b""
        self._next_try_s = float("-inf")
        if process is not None:
            with contextlib.suppress(OSError):
                process.kill()
            if process.stdout is not None:
                process.stdout.close()
            self._ended.append(process)
        if self._status is not None:
            os.close(self._status)
            self._status = None
        self._reap()

    def _start(self, now_s: float) -> bool:
        if now_s < self._next_try_s:
            return False
        self._next_try_s = now_s + self._retry_s
        try:
            started = self._spawn(self._track)
        except (OSError, subprocess.SubprocessError, ValueError):
            started = None
        if started is None:
            return False
        self._process, self._status = started
        for end in (None if self._process.stdout is None else self._process.stdout.fileno(), self._status):
            if end is not None:
                os.set_blocking(end, False)
        self._fed_s = now_s
        return True

    def _give_up(self, now_s: float) -> None:
        """Kill the process, and begin behind its track after a pause that grows."""
        self._read_status()
        self.close()
        self._track += 1
        self._retry_s = min(LONGEST_RETRY_S, 2 * self._retry_s)
        self._next_try_s = now_s + self._retry_s

    def _read_status(self) -> None:
        if self._status is None:
            return
        with contextlib.suppress(OSError, ValueError):
            said = os.read(self._status, 4096).split()
            if said:
                self._track = int(said[-1])

    def _reap(self) -> None:
        self._ended = [process for process in self._ended if process.poll() is None]


def files_source(folders: Sequence[str], *, shuffle: bool) -> MusicSource:
    """Return the music of folders, in another order each time that it is asked for, or by name."""
    seed = random.SystemRandom().randrange(1, 2**31) if shuffle else 0

    def spawn(first: int) -> tuple[subprocess.Popen[bytes], int | None]:
        heard, said = os.pipe()
        words = [sys.executable, "-m", "display.sound.music_decoder", "--seed", str(seed), "--first", str(first)]
        try:
            process = subprocess.Popen(  # noqa: S603 - this program's own module; the folders are the settings'
                [*words, "--status", str(said), *folders],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=(said,),
                bufsize=0,
            )
        except BaseException:
            os.close(heard)
            raise
        finally:
            os.close(said)
        return process, heard

    return MusicSource(spawn)


def phone_in(dump: bytes) -> str | None:
    """Return the name of the telephone that plays to PipeWire, from `pw-dump`'s words; None where none does.

    Only a node that BlueZ made counts: without one nothing is recorded, least of all a microphone.
    """
    try:
        nodes = json.loads(dump)
    except (ValueError, RecursionError):
        return None
    for node in nodes if isinstance(nodes, list) else ():
        info = node.get("info") if isinstance(node, dict) else None
        props = info.get("props") if isinstance(info, dict) else None
        if not isinstance(props, dict):
            continue
        name, kind = props.get("node.name"), props.get("media.class")
        if isinstance(name, str) and name.startswith(PHONE) and isinstance(kind, str) and _gives_sound(kind):
            return name
    return None


def _gives_sound(kind: str) -> bool:
    return kind in ("Stream/Output/Audio", "Audio/Source", "Audio/Source/Virtual")


def bluetooth_source(environment: Mapping[str, str]) -> MusicSource:
    """Return the music that a telephone plays to this machine, through the PipeWire that `environment` names."""
    env = {**os.environ, **environment}

    def spawn(first: int) -> tuple[subprocess.Popen[bytes], int | None] | None:  # noqa: ARG001 - a phone chooses itself
        asked = subprocess.run(  # noqa: S603 - fixed words
            [PW_DUMP, "Node"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=LOOK_FOR_PHONE_S,
            check=False,
            env=env,
        )
        phone = phone_in(asked.stdout[:MOST_DUMP_BYTES])
        if phone is None:
            return None
        words = [PW_RECORD, "--target", phone, "--rate", str(RATE_HZ), "--channels", "1", "--format", "s16"]
        process = subprocess.Popen(  # noqa: S603 - fixed words, and a name of PipeWire's
            [*words, "--properties", '{ "node.dont-reconnect": true, "node.dont-fallback": true }', "-"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=env,
        )
        return process, None

    return MusicSource(spawn)
