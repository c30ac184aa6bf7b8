"""The voice says what to set: sentences of recorded phrases, without pauses or steps in level at the joints."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from coach.model.cue import Cue, CueName
from coach.model.events import Level
from display.sound import wav
from display.sound.mixer import compose, sentence
from display.sound.phrases import (
    HIGHEST_NUMBER,
    Language,
    catalogue,
    number_keys,
    phrase_keys,
    plain_key,
    soundings,
)
from display.sound.tones import RATE_HZ, Samples
from display.texts import LANGUAGES

LONGEST_PAUSE_S, MOST_STEP_LU = 0.08, 1.0
POINT = catalogue("nb").spoken("point")
SETTING_CUES = [name for name, sounding in soundings().items() if sounding.setting]


def phrase(folder: Path, key: str) -> Samples:
    return wav.read_wav(folder / f"{key}.wav").samples


def pause_s(whole: Samples, joint: int) -> float:
    """Return how long it is quiet around a joint: 40 dB under the loudest 5 ms."""
    frame = round(0.005 * RATE_HZ)
    power = (whole[: whole.size // frame * frame].reshape(-1, frame) ** 2).mean(axis=1)
    sounding = np.flatnonzero(power > power.max() / 1e4)
    at = joint / frame
    return float(sounding[sounding >= at].min() - sounding[sounding < at].max() - 1) * 0.005


def test_a_number_is_said_as_people_say_it() -> None:
    words = catalogue("nb")
    said = [" ".join(words.spoken(key) for key in number_keys(value)) for value in (6.6, 5.0, 0.5, 20.0, 6.96)]
    assert said == [f"seks {POINT} seks", "fem", f"null {POINT} fem", "tjue", "sju"]
    assert number_keys(HIGHEST_NUMBER + 1.0) == ()


def test_advice_names_its_speed_and_an_incline_that_changes() -> None:
    faster = Cue(0.0, CueName.FASTER, speed_kmh=6.6)
    assert catalogue("nb").sentence(phrase_keys(faster)) == f"Litt raskere, til seks {POINT} seks."
    begins = Cue(0.0, CueName.SPEED_UP, speed_kmh=6.4, incline_percent=5.0)
    assert catalogue("nb").sentence(phrase_keys(begins)) == f"Øk til seks {POINT} fire. Stigning fem prosent."
    assert catalogue("en").sentence(phrase_keys(begins)) == "Speed up to six point four. Incline five percent."


def test_a_cue_without_a_speed_or_to_stand_still_says_its_plain_words() -> None:
    for speed_kmh in (None, 0.0, 30.0):
        assert phrase_keys(Cue(0.0, CueName.SLOWER, speed_kmh=speed_kmh)) == ("slower",)
    urgent = Cue(0.0, CueName.SLOWER, Level.ATTENTION, speed_kmh=5.2)
    assert phrase_keys(urgent)[0] == "over_ceiling_to"


def composed() -> Iterator[tuple[str, ...]]:
    """Yield the phrases of every advice that can be composed: each cue with each speed, and with each incline."""
    for name in SETTING_CUES:
        for tenths in range(1, HIGHEST_NUMBER * 10 + 10):
            yield phrase_keys(Cue(0.0, name, speed_kmh=tenths / 10))
        for halves in range(HIGHEST_NUMBER * 2 + 1):
            for speed_kmh in (6.0, 6.6):
                yield phrase_keys(Cue(0.0, name, speed_kmh=speed_kmh, incline_percent=halves / 2))
    yield phrase_keys(Cue(0.0, CueName.SLOWER, Level.ATTENTION, speed_kmh=0.0))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_joint_of_any_advice_has_a_pause_or_a_step_in_level(language: Language, default_voices: Path) -> None:
    """Each pair of phrases that can meet is heard in one advice that has it."""
    parts = {key: wav.sentence_part(phrase(default_voices / language, key)) for key in catalogue(language).keys}
    met: set[tuple[str, str]] = set()
    for keys in composed():
        pairs = set(pairwise(keys))
        if pairs <= met:
            continue
        met |= pairs
        whole = sentence([(parts[key],) for key in keys])
        assert whole is not None
        ends = np.cumsum([parts[key].samples.size for key in keys])
        assert ends[-1] == whole.size
        assert max(pause_s(whole, int(joint)) for joint in ends[:-1]) <= LONGEST_PAUSE_S, keys
        levels = [wav.loudness_lufs(whole[start:end]) for start, end in pairwise((0, *ends))]
        assert max(abs(one - other) for one, other in pairwise(levels)) <= MOST_STEP_LU, keys
        assert np.abs(whole).max() <= wav.PEAK_LIMIT + 1e-6
    assert {pair for keys in composed() for pair in pairwise(keys)} == met


def test_a_sentence_is_one_voice_and_without_a_whole_one_there_is_none() -> None:
    clinic, ours = (wav.sentence_part(np.full(4000, level)) for level in (0.1, 0.2))
    mixed = sentence([(clinic, ours), (None, ours)])
    assert mixed is not None
    assert mixed.size == wav.joined([ours, ours]).size
    assert sentence([(clinic, None), (None, ours)]) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_setting_says_begins_like_the_phrase_without_its_number(language: Language) -> None:
    words = catalogue(language)
    for name in SETTING_CUES:
        plain, with_number = words.spoken(plain_key(f"{name}_to")), words.spoken(f"{name}_to")
        assert with_number.split()[0].strip(",.") == plain.split()[0].strip(",."), name


def test_a_whole_cue_with_its_tone_never_clips(default_voices: Path) -> None:
    keys = phrase_keys(Cue(0.0, CueName.OVER_CEILING, Level.STOP_NOW, speed_kmh=5.4))
    spoken = sentence([(wav.sentence_part(phrase(default_voices / "nb", key)),) for key in keys])
    whole = compose(soundings()[CueName.OVER_CEILING].tone, Level.STOP_NOW, spoken)
    assert wav.clipped_samples(whole) == 0
