"""Music under the cues: quiet while one sounds, silent while anything is asked or wrong, and never in their way.

Theory of operation. The mixer plays a short loop of memory round and round, as its music. A thread of this module fills
that loop ahead of where the mixer is, with samples that are at one loudness already (`music_level`) and a gain that
moves along ramps; when a cue comes, what is ahead is written again, quieter. So the mixer never waits for a file or a
stick, no lock is shared with cues, and a thread that is late is heard as a pause of the music alone. Music itself comes
from another process (`music_source`).
"""

import contextlib
import os
import struct
import threading
import time
from collections.abc import Callable
from typing import Final, Literal

import numpy as np
import pygame

from coach.kiosk.view import DisplayState, ScreenId
from coach.model.events import Level
from display.sound.music_level import BLOCK_SAMPLES, Music, MusicLeveller
from display.sound.music_source import MusicSource
from display.sound.tones import RATE_HZ

MusicWish = Literal["off", "hold", "play"]
"""`off`: no session. `hold`: silent, and go on from here later. `play`: play."""

DUCKED_GAIN: Final = 0.063
"""Highest gain while a cue sounds: 24 dB under the loudest music, some 18 dB under the softest voice."""

DUCK_S: Final = 0.08
"""Ramp over the whole scale; with `LEAD_S` before it, music is down 0.2 s after a cue began, before its first word."""

BACK_S: Final = 1.2
HOLD_S: Final = 1.2
"""How long music stays ducked after a cue, so that three counts are one duck."""

HUSH_S, END_S = 0.25, 2.0
AHEAD_S: Final = 0.5
LEAD_S: Final = 0.12
"""What the mixer may have taken: a buffer of C's stream (46 ms), three of its own; and a late turn of the thread."""

EXPECTED_CUE_S: Final = 1.5
COUNTDOWN_S: Final = 5.0
"""Music ducks so long before the end of a phase, and around the cues at its middle and half a minute before its end."""

_RING: Final = 2 * RATE_HZ
_TICK_S: Final = 0.05
_HEADER: Final = 44


def music_wish(view: DisplayState | None) -> MusicWish:
    """Return what music should do with this view: play in a session, hold while it stands still or asks something."""
    if view is None or view.face not in (ScreenId.SESSION, ScreenId.GO_ON) or view.snapshot is None:
        return "off"
    now = view.snapshot
    if now.stage not in ("running", "paused"):
        return "off"
    asked = now.question is not None or any(notice.level is Level.STOP_NOW for notice in now.notices)
    return "hold" if now.stage == "paused" or asked or view.face is ScreenId.GO_ON else "play"


def cue_is_near(view: DisplayState | None) -> bool:
    """Whether the clock says that a cue comes within a second or so: music ducks before it, and not with it."""
    if view is None or view.snapshot is None or view.snapshot.stage != "running":
        return False
    left_s, length_s = view.snapshot.phase_remaining_s, view.snapshot.phase_length_s
    bout = view.snapshot.bout
    near = bout is not None and bout.remaining_s <= EXPECTED_CUE_S
    near = near or any(abs(left_s - at_s - EXPECTED_CUE_S / 2) <= EXPECTED_CUE_S for at_s in (30.0, length_s / 2))
    return near or left_s <= COUNTDOWN_S


class MusicPlayer:
    """Music for one mixer. `attach` and `detach` are called by who opens and closes the mixer; nothing here raises."""

    def __init__(self, open_source: Callable[[], MusicSource], volume: float = 0.5) -> None:
        """Start the thread; no process is started before music is wanted. `volume`: 0 to 1, unducked."""
        self._open_source = open_source
        self._volume = max(0.0, min(1.0, volume))
        self._source: MusicSource | None = None
        self._leveller = MusicLeveller()
        self._wish: MusicWish = "off"
        self._near = False
        self._ducked_until_s = float("-inf")
        self._file = os.memfd_create("music", os.MFD_CLOEXEC)
        os.write(self._file, _wave_header() + bytes(2 * _RING))
        self._attached = False
        self._written = self._head = 0
        self._music = np.zeros(_RING, dtype=np.float32)
        self._gains = np.zeros(_RING, dtype=np.float32)
        self._aim, self._gain = 0.0, 0.0
        self._lock = threading.Lock()
        self._wake, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="music", daemon=True)
        self._thread.start()

    def attach(self, volume: float) -> None:
        """Begin to play the loop in the mixer that was just opened, at its volume. Raises pygame.error."""
        with self._lock:
            self._clear()
            pygame.mixer.music.load(f"/proc/self/fd/{self._file}")
            pygame.mixer.music.set_volume(volume)
            pygame.mixer.music.play(-1)
            self._attached = True
        self._wake.set()

    def detach(self) -> None:
        """Note that the mixer is closed."""
        self._attached = False

    def follow(self, view: DisplayState | None) -> None:
        """Do what this view asks for."""
        self.want(music_wish(view), near=cue_is_near(view))

    def want(self, wish: MusicWish, *, near: bool = False) -> None:
        """Play, hold or end; `near`: a cue comes soon."""
        if (wish, near) != (self._wish, self._near):
            self._wish, self._near = wish, near
            self._wake.set()

    def duck(self, seconds: float) -> None:
        """Be quiet for a cue of so many seconds, from now on."""
        self._ducked_until_s = max(self._ducked_until_s, time.monotonic() + seconds + HOLD_S)
        self._wake.set()

    def close(self) -> None:
        """End thread and process."""
        self._closing.set()
        self._wake.set()
        self._thread.join(timeout=1.0)
        source, self._source = self._source, None
        if source is not None:
            source.close()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _run(self) -> None:
        while not self._closing.is_set():
            busy = self._wish == "play" or self._gain > 0 or self._source is not None
            self._wake.wait(_TICK_S if busy else 1.0)
            self._wake.clear()
            # The mixer may be closed at any moment, and a memory file written to its end.
            with contextlib.suppress(pygame.error, OSError, ValueError), self._lock:
                self._turn()

    def _turn(self) -> None:
        """Write ahead of where the mixer is."""
        head = round(pygame.mixer.music.get_pos() * RATE_HZ / 1000) if self._attached else -1
        if head < 0:
            self._rest()
            return
        self._blank(self._head, head)
        self._head = head
        start = head + round(LEAD_S * RATE_HZ)
        if self._written < start:
            # Late, or nothing was wanted: what comes next begins softly.
            self._written, self._gain = start, 0.0
        aim, ramp_s = self._wanted_gain()
        if aim != self._aim:
            self._aim = aim
            self._gain = float(self._gains[start % _RING]) if self._written > start else self._gain
            self._write(start, self._regained(start, self._written, ramp_s))
        while (self._wish == "play" or self._gain > 0) and self._written < head + round(AHEAD_S * RATE_HZ):
            block = self._next_block()
            if block is None:
                break
            self._put(block, ramp_s)
        self._rest()

    def _wanted_gain(self) -> tuple[float, float]:
        """Return the gain to go to, and how long the way over the whole scale takes."""
        if self._wish != "play":
            return 0.0, HUSH_S if self._wish == "hold" else END_S
        if self._near or time.monotonic() < self._ducked_until_s:
            return min(self._volume, DUCKED_GAIN), DUCK_S
        return self._volume, BACK_S

    def _next_block(self) -> Music | None:
        """Return the next 50 ms; None where the source has nothing."""
        if self._source is None:
            self._source = self._open_source()
        while (pcm := self._source.read(2 * BLOCK_SAMPLES)) is not None:
            block = self._leveller.push(pcm)
            if block is not None:
                return block
        left_s = self._written / RATE_HZ - pygame.mixer.music.get_pos() / 1000
        return self._leveller.flush() if left_s < LEAD_S + 2 * _TICK_S else None

    def _rest(self) -> None:
        """Keep the source while it may go on from here; end it when the music has ended."""
        if self._source is None:
            return
        if self._wish == "hold":
            self._source.hold()
        elif self._wish == "off" and (not self._attached or self._written <= 0 or self._gain <= 0):
            self._source.close()
            self._source = None
            self._leveller = MusicLeveller()

    def _ramp(self, count: int, ramp_s: float) -> Music:
        """Return the gain of the next samples, on its way to the aim."""
        step = 1.0 / (ramp_s * RATE_HZ)
        way = self._aim - self._gain
        gains: Music = (self._gain + np.sign(way) * np.minimum(np.arange(1, count + 1) * step, abs(way))).astype(
            np.float32
        )
        if count:
            self._gain = float(gains[-1])
        return gains

    def _regained(self, start: int, end: int, ramp_s: float) -> int:
        """Give what is written ahead its new gains; return where it ends."""
        places = np.arange(start, end) % _RING
        self._gains[places] = self._ramp(places.size, ramp_s)
        return end

    def _put(self, block: Music, ramp_s: float) -> None:
        places = np.arange(self._written, self._written + block.size) % _RING
        self._music[places] = block
        self._gains[places] = self._ramp(block.size, ramp_s)
        self._write(self._written, self._written + block.size)
        self._written += block.size

    def _write(self, start: int, end: int) -> None:
        """Write these places of the loop into the mixer's file."""
        places = np.arange(start, end) % _RING
        samples = np.rint(self._music[places] * self._gains[places] * 32_767).astype("<i2").tobytes()
        at = start % _RING
        first = 2 * min(end - start, _RING - at)
        os.pwrite(self._file, samples[:first], _HEADER + 2 * at)
        if first < len(samples):
            os.pwrite(self._file, samples[first:], _HEADER)

    def _blank(self, start: int, end: int) -> None:
        """Make silent what has been played, so that a thread that is late repeats nothing of it."""
        start = max(start, end - _RING)
        if start < end:
            self._music[np.arange(start, end) % _RING] = 0.0
            self._write(start, end)

    def _clear(self) -> None:
        self._music[:], self._gains[:] = 0.0, 0.0
        os.pwrite(self._file, bytes(2 * _RING), _HEADER)
        self._written = self._head = 0
        self._gain = self._aim = 0.0


def _wave_header() -> bytes:
    """Return the header of the loop as a WAV file: mono, 16 bit, `RATE_HZ`."""
    size = 2 * _RING
    form = struct.pack("<IHHIIHH", 16, 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    return b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + form + b"data" + struct.pack("<I", size)
