"""Screen, small screen and voice speak with one voice: the same thing has the same words."""

from itertools import chain

import pytest

from display.sound.phrases import catalogue
from display.texts import LANGUAGES, Language, texts_in

SPOKEN = {
    "faster": "instruction.faster",
    "slower": "instruction.slower",
    "hold": "instruction.hold",
    "speed_up": "instruction.speed_up",
    "slow_down": "instruction.slow_down",
    "by_feeling": "notice.by_exertion",
    "signal_back": "notice.signal_back",
    "eased": "notice.eased",
    "recovery": "phase.recovery",
    "cool_down": "phase.cool_down",
    "work": "instruction.work",
    "rest": "instruction.rest",
}
SAID_FIRST = {
    "warm_up": ("phase.warm_up", "instruction.warm_up"),
    "motor": ("phase.motor",),
    "paused": ("phase.paused",),
    "are_you_all_right": ("check.phase_end", "check.how"),
    "say_exertion": ("exertion.title",),
    "stopped": ("stopped.title", "stopped.belt"),
    "done": ("ended.title_nobody",),
    "self_test": ("self_test.voice",),
}
ON_THE_SMALL_SCREEN = {
    "go_on": "go_on.title",
    "yes": "questions.yes",
    "no": "questions.no",
    "borg": "exertion.title",
    "mood": "mood.title",
    "ended": "ended.title_nobody",
    "stopped": "stopped.title",
    "saving": "saved.saving",
    "not_today": "not_today.title",
    "self_test_failed": "finding.title",
    "machine_well": "machine.well",
    "tried_voice": "self_test.voice",
    "tried_lamp": "self_test.lamp",
    "paused": "paused.title",
    "strap_lost": "signal_reason.silent",
    "all_right": "check.phase_end",
    "help": "notice.no_answer",
    "by_feeling": "feeling.title",
    "work": "bout.work",
    "rest": "bout.rest",
    "ready": "ready.title_nobody",
    "ready_name": "ready.title",
    **{kind: f"phase.{kind}" for kind in ("warm_up", "interval", "recovery", "steady", "motor", "cool_down")},
}


def plain(words: str) -> str:
    return words.rstrip(".!").casefold()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_voice_says_what_the_screen_says(language: Language) -> None:
    texts, voice = texts_in(language), catalogue(language)
    differing = [
        (voice.spoken(key), texts.say(shown))
        for key, shown in SPOKEN.items()
        if plain(voice.spoken(key)) != plain(texts.say(shown))
    ]
    assert differing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_longer_phrase_begins_with_the_screens_words(language: Language) -> None:
    texts, voice = texts_in(language), catalogue(language)
    differing = [
        voice.spoken(key)
        for key, shown in SAID_FIRST.items()
        if not all(plain(texts.say(name)) in voice.spoken(key).casefold() for name in shown)
    ]
    assert differing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_small_screen_says_what_the_screen_says(language: Language) -> None:
    texts, small = texts_in(language), catalogue(language)
    differing = [
        (small.oled(key), texts.say(shown))
        for key, shown in ON_THE_SMALL_SCREEN.items()
        if plain(small.oled(key)) != plain(texts.say(shown))
    ]
    assert differing == []


def everything_said(language: Language) -> list[str]:
    texts, words = texts_in(language), catalogue(language)
    return [*map(texts.say, texts.keys), *map(words.spoken, words.keys), *map(words.oled, words.oled_keys)]


def test_bokmal_keeps_to_one_form_of_each_word() -> None:
    """Moderate forms: «økten», never «økta»; «jobbet», never «jobba»."""
    radical = ("økta", "klokka", "lampa", "dagboka", "mølla", "uka", "jobba")
    words = chain.from_iterable(said.casefold().replace(".", " ").split() for said in everything_said("nb"))
    assert [word for word in words if word.strip("!?,") in radical] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_exclamation_marks_are_kept_for_praise(language: Language) -> None:
    praise = {"nb": ("bra",), "en": ("good", "well done")}[language]
    loud = [said for said in everything_said(language) if "!" in said]
    assert [said for said in loud if not said.casefold().startswith(praise)] == []
