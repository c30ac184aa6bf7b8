"""The tones: short sung signals that tell their meaning by pattern and pitch, without words and without startling.

Hazard H10 (a startling sound during effort): every note swells in and out along a raised cosine of at least `RAMP_S`,
no note is louder than its level allows, and neighbouring levels lie at most 6 dB apart. Direction is heard as
direction: up is faster, down is slower. The coach gives notices and never alarms, so no pattern repeats the pulse
bursts or the melodies that IEC 60601-1-8 keeps for medical alarms (`ALARM_MELODIES`; a test compares them).
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from coach.model.events import Level

Samples = npt.NDArray[np.float64]
"""Mono sound between -1 and 1."""

RATE_HZ = 44_100
"""Samples per second of every tone and of every phrase in a voice pack."""

RAMP_S = 0.02
"""Shortest swell in or out of a note; the ear takes a rise faster than some 15 ms for a click."""

PEAK = {Level.INFORMATION: 0.13, Level.ATTENTION: 0.18, Level.STOP_NOW: 0.26}
"""Highest sample of a tone at each level, of full scale: steps of about 3 dB, so that no level makes a person jump."""

ALARM_MELODIES = (
    (0, 0),
    (4, 3),
    (9, -4),
    (-1, -2),
    (2, 2),
    (-10, 5),
    (6, -6),
    (-12, 0),
)
"""Steps in semitones of the melodies that IEC 60601-1-8:2006 gives to alarm categories; no tone here contains one."""


class TonePattern(StrEnum):
    """Every tone that a cue may begin with."""

    COUNT = "count"
    HARDER = "harder"
    EASIER = "easier"
    MARK = "mark"
    UP = "up"
    LEVEL = "level"
    DOWN = "down"
    WORK = "work"
    REST = "rest"
    INFORMATION = "information"
    ATTENTION = "attention"
    STOP_NOW = "stop_now"
    FINISHED = "finished"


@dataclass(frozen=True)
class Tone:
    """One note: from `hz` gliding to `to_hz`, swelling in over `rise_s` and out over `fall_s`, then a silence."""

    hz: float
    length_s: float
    to_hz: float | None = None
    rise_s: float = RAMP_S
    fall_s: float = 0.06
    silence_s: float = 0.0


# Pitches between 390 and 880 Hz: low enough for an ear that has lost its treble, high enough for a small speaker.
_G4, _A4, _C5, _D5, _E5, _G5, _A5 = 392.0, 440.0, 523.25, 587.33, 659.26, 783.99, 880.0

NOTES: dict[TonePattern, tuple[Tone, ...]] = {
    TonePattern.COUNT: (Tone(_D5, 0.14, fall_s=0.10),),
    TonePattern.HARDER: (Tone(_D5, 0.18, fall_s=0.04), Tone(_A5, 0.42, fall_s=0.25)),
    TonePattern.EASIER: (Tone(_A5, 0.18, fall_s=0.04), Tone(_D5, 0.42, fall_s=0.25)),
    TonePattern.MARK: (Tone(_E5, 0.22, fall_s=0.16),),
    TonePattern.UP: (Tone(_A4, 0.24, to_hz=_E5, rise_s=0.03),),
    TonePattern.LEVEL: (Tone(_C5, 0.24, rise_s=0.03),),
    TonePattern.DOWN: (Tone(_E5, 0.24, to_hz=_A4, rise_s=0.03),),
    TonePattern.WORK: (Tone(_A5, 0.20, fall_s=0.12),),
    TonePattern.REST: (Tone(_G4, 0.26, fall_s=0.16),),
    TonePattern.INFORMATION: (Tone(_D5, 0.16, silence_s=0.05), Tone(_D5, 0.22, fall_s=0.14)),
    TonePattern.ATTENTION: (
        Tone(_G5, 0.20, fall_s=0.05),
        Tone(_E5, 0.20, fall_s=0.05, silence_s=0.06),
        Tone(_G5, 0.20, fall_s=0.05),
        Tone(_E5, 0.34, fall_s=0.20),
    ),
    TonePattern.STOP_NOW: (
        Tone(_A5, 0.60, to_hz=_A4, rise_s=0.08, fall_s=0.12, silence_s=0.10),
        Tone(_A5, 0.60, to_hz=_A4, rise_s=0.08, fall_s=0.20),
    ),
    TonePattern.FINISHED: (Tone(_D5, 0.20, fall_s=0.06), Tone(_G5, 0.20, fall_s=0.06), Tone(_A5, 0.70, fall_s=0.50)),
}


def tone(pattern: TonePattern, level: Level = Level.INFORMATION, rate_hz: int = RATE_HZ) -> Samples:
    """Sing a tone; its peak is that of the level."""
    parts: list[Samples] = []
    for note in NOTES[pattern]:
        parts.extend((_sung(note, rate_hz), np.zeros(round(note.silence_s * rate_hz))))
    return np.concatenate(parts) * PEAK[level]


def swell(samples: Samples, rise_s: float, fall_s: float, rate_hz: int = RATE_HZ) -> Samples:
    """Lead a sound in and out along raised cosines, so that it starts and ends at nothing."""
    rise, fall = min(round(rise_s * rate_hz), samples.size // 2), min(round(fall_s * rate_hz), samples.size // 2)
    shaped = samples.copy()
    shaped[:rise] *= _half_cosine(rise)
    shaped[samples.size - fall :] *= _half_cosine(fall)[::-1]
    return shaped


def _sung(note: Tone, rate_hz: int) -> Samples:
    """One note with a soft octave above it, which small speakers carry better than a bare sine."""
    share = np.linspace(0.0, 1.0, round(note.length_s * rate_hz))
    hz = note.hz * (1.0 if note.to_hz is None else note.to_hz / note.hz) ** share
    phase = 2 * np.pi * np.cumsum(hz) / rate_hz
    voice = np.sin(phase) + 0.2 * np.sin(2 * phase)
    shaped: Samples = swell(voice / np.abs(voice).max(), note.rise_s, note.fall_s, rate_hz)
    return shaped


def _half_cosine(size: int) -> Samples:
    curve: Samples = 0.5 - 0.5 * np.cos(np.pi * (np.arange(size) + 0.5) / max(size, 1))
    return curve
