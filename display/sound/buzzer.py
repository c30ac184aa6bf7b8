"""A buzzer for machines without a speaker: each cue's tone, an octave up, swelling in and out like the others (H10).

A passive buzzer plays the notes of `display.sound.tones` with their glides, ramps and levels; it says no words. A plain
one knows one loudness only, so its notes are cut short: choose a soft one (docs/panel.md). `play` never blocks: a
thread sounds what came last, since a cue that waited would tell of what is no longer true.
"""

import logging
import math
import threading
from collections.abc import Callable, Iterator
from typing import Literal, Protocol

from msgspec import Struct

from coach.model.cue import Cue
from coach.model.events import Level
from display.sound.phrases import soundings
from display.sound.tones import NOTES, PEAK, Tone, TonePattern

_log = logging.getLogger(__name__)

OCTAVES_UP = 1
"""Small buzzers are faint below some 700 Hz."""

STEP_S = 0.01
"""How often pitch and strength are set anew: fine enough for a ramp of 20 ms."""

STRENGTH = {level: round(peak * 2.5, 3) for level, peak in PEAK.items()}
"""Strength at each level, of full: the same 3 dB apart as the speaker's tones, and never full."""

PLAIN_LONGEST_S = 0.08
"""A plain buzzer cannot swell: a short knock startles less than a long note of the same loudness."""


class BuzzerStep(Struct, frozen=True):
    """For `length_s`, this pitch at this strength (0 to 1 of full; 0: silence)."""

    hz: float
    strength: float
    length_s: float


class Buzzing(Protocol):
    """What drives the buzzer."""

    @property
    def kind(self) -> Literal["tonal", "plain"]:
        """Whether it plays pitches and strengths, or only sounds."""
        ...

    def sound(self, hz: float, strength: float) -> None:
        """Sound so from now on; strength 0 is silence. Raises OSError where the buzzer is gone."""
        ...

    def close(self) -> None:
        """Fall silent and let go. Never raises."""
        ...


def steps(pattern: TonePattern, level: Level, kind: Literal["tonal", "plain"] = "tonal") -> tuple[BuzzerStep, ...]:
    """Return a tone as a buzzer plays it."""
    return tuple(step for note in NOTES[pattern] for step in (_sung if kind == "tonal" else _knocked)(note, level))


def _sung(note: Tone, level: Level) -> Iterator[BuzzerStep]:
    count = max(1, round(note.length_s / STEP_S))
    ends_hz = note.hz if note.to_hz is None else note.to_hz
    for number in range(count):
        at_s = (number + 0.5) * note.length_s / count
        hz = note.hz * (ends_hz / note.hz) ** (at_s / note.length_s) * 2**OCTAVES_UP
        swell = min(_cosine(at_s / note.rise_s), _cosine((note.length_s - at_s) / note.fall_s))
        yield BuzzerStep(round(hz, 1), round(STRENGTH[level] * swell, 4), note.length_s / count)
    if note.silence_s:
        yield BuzzerStep(0.0, 0.0, note.silence_s)


def _knocked(note: Tone, level: Level) -> Iterator[BuzzerStep]:
    length_s = min(note.length_s, PLAIN_LONGEST_S)
    yield BuzzerStep(note.hz, STRENGTH[level], length_s)
    yield BuzzerStep(0.0, 0.0, note.length_s - length_s + max(note.silence_s, STEP_S))


def _cosine(share: float) -> float:
    return 0.5 - 0.5 * math.cos(math.pi * min(max(share, 0.0), 1.0))


class Buzzer:
    """Sounds cues on a buzzer that may come and go. `opener` raises OSError where there is none."""

    def __init__(
        self, opener: Callable[[], Buzzing], wait: Callable[[threading.Event, float], bool] = threading.Event.wait
    ) -> None:
        """Open nothing yet: the first cue does. `wait` passes the time between steps; a test's own passes none."""
        self._opener, self._wait = opener, wait
        self._buzzing: Buzzing | None = None
        self._said_lost = False
        self._wish: tuple[TonePattern, Level] | None = None
        self._lock = threading.Lock()
        self._wake, self._interrupt = threading.Event(), threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name="buzzer", daemon=True)
        self._thread.start()

    def play(self, cue: Cue) -> None:
        """Sound a cue's tone now, in place of an earlier one. Neither blocks nor raises."""
        sounding = soundings()[cue.name]
        with self._lock:
            self._wish = (sounding.tone, sounding.level_for(cue))
            self._interrupt.set()
            self._wake.set()

    def close(self) -> None:
        """Fall silent and let go of the buzzer."""
        self._closing = True
        self._interrupt.set()
        self._wake.set()
        self._thread.join(timeout=2.0)

    def _serve(self) -> None:
        while True:
            self._wake.wait()
            with self._lock:
                wish, self._wish = self._wish, None
                self._wake.clear()
                self._interrupt.clear()
            if self._closing:
                break
            if wish is not None:
                try:
                    self._sound(*wish)
                except OSError as error:
                    self._lose(error)
        if self._buzzing is not None:
            self._buzzing.close()

    def _sound(self, pattern: TonePattern, level: Level) -> None:
        if self._buzzing is None:
            self._buzzing = self._opener()
            if self._said_lost:
                self._said_lost = False
                _log.warning("The buzzer: back.")
        try:
            for step in steps(pattern, level, self._buzzing.kind):
                self._buzzing.sound(step.hz, step.strength)
                if self._wait(self._interrupt, step.length_s):
                    break
        finally:
            self._buzzing.sound(0.0, 0.0)

    def _lose(self, error: OSError) -> None:
        if self._buzzing is not None:
            self._buzzing.close()
            self._buzzing = None
        if not self._said_lost:
            self._said_lost = True
            _log.warning("The buzzer: lost (%s); the rest goes on, and the next cue tries it again.", error)
