"""The phrase catalogue covers every cue in every language, briefly."""

import pytest

from coach.model.cue import Cue, CueName
from coach.model.events import Level
from display.sound.phrases import (
    LANGUAGES,
    Language,
    Urgency,
    catalogue,
    expected_keys,
    phrase_keys,
    sentence_phrases,
    soundings,
)

LONGEST_WORDS = 12


def test_every_cue_has_a_sound() -> None:
    """A cue without a tone would be a picture only, and the screen may be dead (hazard H8)."""
    assert set(soundings()) == set(CueName)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_spoken_phrase_has_words_in_every_language_and_none_is_left_over(language: Language) -> None:
    """The words' keys are exactly the keys that cues can ask for."""
    assert set(catalogue(language).keys) == set(expected_keys())


@pytest.mark.parametrize("language", LANGUAGES)
def test_phrases_are_short_sentences(language: Language) -> None:
    """A person out of breath takes in one or two short sentences."""
    phrases = catalogue(language)
    whole = {key: (key,) for key in phrases.keys if key not in sentence_phrases()}
    for name, sounding in soundings().items():
        if sounding.setting:
            whole[f"{name} with its speed"] = phrase_keys(Cue(0, name, speed_kmh=14.4))
    for key, said in whole.items():
        words = phrases.sentence(said)
        assert words[0].isupper(), key
        assert words[-1] in ".!?", key
        assert len(words.split()) <= LONGEST_WORDS, key


def test_the_small_screen_has_the_same_words_in_every_language() -> None:
    """No OLED text is missing in one language."""
    assert catalogue("nb").oled_keys == catalogue("en").oled_keys


@pytest.mark.parametrize(
    ("cue", "intervals", "key"),
    [
        (Cue(0, CueName.INTERVAL, number=1), 4, "interval_1"),
        (Cue(0, CueName.INTERVAL, number=3), 0, "interval_3"),
        (Cue(0, CueName.INTERVAL, number=4), 4, "interval_last"),
        (Cue(0, CueName.INTERVAL, number=1), 1, "interval_1"),
        (Cue(0, CueName.INTERVAL, number=14), 20, "interval"),
        (Cue(0, CueName.RECOVERY, number=2), 4, "recovery"),
        (Cue(0, CueName.RECOVERY, number=3), 4, "recovery_last"),
        (Cue(0, CueName.RECOVERY), 4, "recovery"),
        (Cue(0, CueName.HOLD), 4, "hold"),
        (Cue(0, CueName.COUNTDOWN, number=3), 4, None),
        (Cue(0, CueName.SLOWER), 4, "slower"),
        (Cue(0, CueName.SLOWER, Level.ATTENTION), 4, "over_ceiling"),
        (Cue(0, CueName.SLOWER, Level.ATTENTION, speed_kmh=5.4), 4, "over_ceiling_to+number_5+point+number_4"),
        (Cue(0, CueName.SLOWER, Level.ATTENTION, speed_kmh=12.0), 4, "over_ceiling_to+number_12"),
        (Cue(0, CueName.SLOWER, Level.ATTENTION, speed_kmh=0.7), 4, "over_ceiling_to+number_0+point+number_7"),
        (Cue(0, CueName.SLOWER, Level.ATTENTION, speed_kmh=30.0), 4, "over_ceiling"),
        (Cue(0, CueName.SLOWER, Level.ATTENTION, speed_kmh=0.0), 4, "over_ceiling+until_still"),
    ],
)
def test_a_cue_finds_its_phrase(cue: Cue, intervals: int, key: str | None) -> None:
    """Intervals are numbered, the last is called the last, and a count needs no words."""
    assert phrase_keys(cue, intervals) == (() if key is None else tuple(key.split("+")))


def test_what_concerns_safety_is_more_urgent_than_pacing() -> None:
    """A notice takes the word from a phase change, and a phase change from an advice."""
    ranks = {name: sounding.rank for name, sounding in soundings().items()}
    assert ranks[CueName.SPEED_UP] == ranks[CueName.FASTER] < ranks[CueName.HALFWAY]
    assert ranks[CueName.HALFWAY] < ranks[CueName.INTERVAL] < ranks[CueName.SIGNAL_LOST]
    assert ranks[CueName.SIGNAL_LOST] < ranks[CueName.OVER_CEILING] == ranks[CueName.STOPPED] == Urgency.STOP_NOW


@pytest.mark.parametrize(
    ("language", "urging"), [("nb", "øk "), ("nb", "raskere"), ("en", "speed up"), ("en", "faster")]
)
def test_only_the_two_guarded_cues_urge(language: Language, urging: str) -> None:
    """The engine's gate guards `speed_up` and `faster`; no other phrase may ask for more speed."""
    words = catalogue(language)
    guarded = {"speed_up", "faster", "speed_up_to", "faster_to"}
    assert {key for key in words.keys if urging in words.spoken(key).lower().split(".")[0]} <= guarded


def test_each_end_but_the_usual_one_and_a_pause_end_all_speech() -> None:
    """Nothing is said over a stop (hazard H6), over an end that nobody answered, or into a pause."""
    ends = {name for name, sounding in soundings().items() if sounding.ends_speech}
    assert ends == {CueName.STOPPED, CueName.UNANSWERED, CueName.PAUSED}


def test_a_cue_is_never_softer_than_its_notice() -> None:
    """The louder of catalogue and cue counts."""
    sounding = soundings()[CueName.SIGNAL_LOST]
    assert sounding.level_for(Cue(0, CueName.SIGNAL_LOST)) is Level.ATTENTION
    assert sounding.level_for(Cue(0, CueName.SIGNAL_LOST, level=Level.STOP_NOW)) is Level.STOP_NOW
