"""The tones measured: peak, onset, length, and what tells them apart."""

import itertools
import math

import numpy as np
import pytest

from coach.model.events import Level
from display.sound.tones import ALARM_MELODIES, NOTES, PEAK, RATE_HZ, Samples, TonePattern, swell, tone

LONGEST_S = 1.6
WINDOW = RATE_HZ // 200
"""5 ms: the envelope is the highest sample in each."""


def envelope(samples: Samples) -> Samples:
    """Take the highest absolute sample of every 5 ms."""
    padded = np.abs(np.pad(samples, (0, -samples.size % WINDOW)))
    highest: Samples = padded.reshape(-1, WINDOW).max(axis=1)
    return highest


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("pattern", list(TonePattern))
def test_a_tone_keeps_to_its_level(pattern: TonePattern, level: Level) -> None:
    """Every tone reaches the peak of its level and never more."""
    assert np.abs(tone(pattern, level)).max() == pytest.approx(PEAK[level], rel=0.02)


def test_levels_rise_in_small_steps() -> None:
    """Neighbouring levels differ by more than is overlooked and less than startles: 2 to 6 dB (hazard H10)."""
    for softer, louder in itertools.pairwise(PEAK[level] for level in Level):
        assert 2 <= 20 * math.log10(louder / softer) <= 6


@pytest.mark.parametrize("pattern", list(TonePattern))
def test_no_tone_begins_suddenly(pattern: TonePattern) -> None:
    """A tenth to nine tenths of the peak takes 10 ms or more, and no 5 ms adds more than half of it (hazard H10)."""
    shape = envelope(tone(pattern)) / PEAK[Level.INFORMATION]
    first_tenth, first_nine_tenths = int(np.argmax(shape > 0.1)), int(np.argmax(shape > 0.9))
    assert (first_nine_tenths - first_tenth) * 5 >= 10
    assert np.diff(np.concatenate([[0.0], shape])).max() <= 0.5


@pytest.mark.parametrize("pattern", list(TonePattern))
def test_a_tone_starts_and_ends_at_nothing(pattern: TonePattern) -> None:
    """No click at either end."""
    samples = tone(pattern)
    assert abs(samples[0]) < 1e-4
    assert abs(samples[-1]) < 1e-4


@pytest.mark.parametrize("pattern", list(TonePattern))
def test_a_tone_is_short(pattern: TonePattern) -> None:
    """The phrase comes soon after; a count is over long before the next one."""
    assert tone(pattern).size / RATE_HZ <= (0.2 if pattern is TonePattern.COUNT else LONGEST_S)


def test_every_pattern_differs_in_pitch_or_rhythm() -> None:
    """No two meanings share a melody."""
    heard = {tuple((note.hz, note.to_hz, note.length_s) for note in NOTES[pattern]) for pattern in TonePattern}
    assert len(heard) == len(TonePattern)


def test_faster_rises_and_slower_falls() -> None:
    """The direction is heard without words."""
    (up,), (down,) = NOTES[TonePattern.UP], NOTES[TonePattern.DOWN]
    assert up.to_hz is not None
    assert down.to_hz is not None
    assert up.hz < up.to_hz
    assert down.hz > down.to_hz


@pytest.mark.parametrize("pattern", list(TonePattern))
def test_no_tone_repeats_a_medical_alarm(pattern: TonePattern) -> None:
    """No run of notes has the steps of an IEC 60601-1-8 melody: these are notices, never alarms."""
    pitches = [12 * math.log2(note.hz / 440) for note in NOTES[pattern]]
    steps = [round(later - earlier) for earlier, later in itertools.pairwise(pitches)]
    assert not set(itertools.pairwise(steps)) & set(ALARM_MELODIES)


def test_swelling_a_very_short_sound_still_ends_at_nothing() -> None:
    """Ramps longer than the sound share it between them."""
    shaped = swell(np.ones(10), 1.0, 1.0)
    assert shaped.size == 10
    assert shaped[0] < 0.05
    assert shaped[-1] < 0.05
