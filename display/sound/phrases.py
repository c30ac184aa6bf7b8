"""The phrase catalogue: for every cue its tone, its urgency and its words in each language.

How a cue sounds is in `phrases/cues.toml`; the words are in `phrases/nb.toml` and `phrases/en.toml`. A phrase's key
(`hold`, `interval_2`, `recovery_last`) is also the name of its file in a voice pack.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import msgspec
from msgspec import Struct

from coach.model.cue import Cue, CueName
from coach.model.events import Level
from display.sound.tones import TonePattern

Language = Literal["nb", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

_FOLDER = Path(__file__).parents[1] / "phrases"
HIGHEST_NUMBER = 25
"""Whole numbers up to this have a phrase; no treadmill for training is set to more km/h."""
_LEVELS = (Level.INFORMATION, Level.ATTENTION, Level.STOP_NOW)


class Urgency(IntEnum):
    """Who may take the word from whom: a higher one silences a lower one."""

    ADVICE = 0
    TIME = 1
    CHANGE = 2
    ATTENTION = 3
    STOP_NOW = 4


class Sounding(Struct, frozen=True, forbid_unknown_fields=True):
    """How one cue sounds in every language; the fields are explained in `phrases/cues.toml`."""

    tone: TonePattern
    urgency: Literal["advice", "time", "change", "attention", "stop_now"]
    level: Level = Level.INFORMATION
    numbers: int = 0
    last: bool = False
    spoken: bool = True
    ends_speech: bool = False
    setting: bool = False

    @property
    def rank(self) -> Urgency:
        """The urgency as something that can be compared."""
        return Urgency[self.urgency.upper()]

    def level_for(self, cue: Cue) -> Level:
        """Return the louder of what the catalogue gives this cue and what the cue itself asks for."""
        return max(self.level, cue.level, key=_LEVELS.index)


class _Words(Struct, frozen=True, forbid_unknown_fields=True):
    spoken: dict[str, str]
    oled: dict[str, str]


@dataclass(frozen=True)
class Catalogue:
    """The phrases of one language."""

    language: Language
    _words: _Words

    def spoken(self, key: str) -> str:
        """Return what the voice says for a phrase key."""
        return self._words.spoken[key]

    def sentence(self, keys: tuple[str, ...]) -> str:
        """Return what the voice says for phrases that are spoken as one sentence."""
        if len(keys) == 1:
            return self.spoken(keys[0])
        words = (f". {self.spoken(key)}" if key == "incline_to" else f" {self.spoken(key)}" for key in keys)
        return "".join(words).strip().rstrip(".") + "."

    def oled(self, key: str) -> str:
        """Return a word of the small screen."""
        return self._words.oled[key]

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all spoken phrases, which are the files of a voice pack."""
        return tuple(self._words.spoken)

    @property
    def oled_keys(self) -> tuple[str, ...]:
        """The keys of all words of the small screen."""
        return tuple(self._words.oled)


@cache
def soundings() -> dict[CueName, Sounding]:
    """Read how every cue sounds."""
    return msgspec.toml.decode((_FOLDER / "cues.toml").read_bytes(), type=dict[CueName, Sounding])


@cache
def catalogue(language: Language) -> Catalogue:
    """Read the words of a language."""
    return Catalogue(language, msgspec.toml.decode((_FOLDER / f"{language}.toml").read_bytes(), type=_Words))


def phrase_keys(cue: Cue, intervals: int = 0) -> tuple[str, ...]:
    """Choose the phrases that say a cue, spoken as one sentence; empty where its tone says it all.

    `intervals`: how many the session has (0: not known), so that the last one can be called the last. A recovery
    carries the number of the interval before it. A cue that names a setting says it: its phrase, and the number.
    """
    sounding = soundings()[cue.name]
    if not sounding.spoken:
        return ()
    name = cue.name
    if name is CueName.SLOWER and cue.level is not Level.INFORMATION:
        # The words and the speed that the screen shows then.
        name, sounding = CueName.OVER_CEILING, soundings()[CueName.OVER_CEILING]
        if cue.speed_kmh == 0:
            return (str(name), "until_still")
    if sounding.setting and cue.speed_kmh and (number := number_keys(cue.speed_kmh)):
        return (f"{name}_to", *number, *_incline_keys(cue.incline_percent))
    last = intervals - 1 if name is CueName.RECOVERY else intervals
    if sounding.last and cue.number > 1 and cue.number == last:
        return (f"{name}_last",)
    return (f"{name}_{cue.number}" if 0 < cue.number <= sounding.numbers else str(name),)


def plain_key(key: str) -> str:
    """Return the phrase that says the same without a number."""
    return key.removesuffix("_to")


def number_keys(value: float) -> tuple[str, ...]:
    """Return the phrases of a number with at most one decimal: 6.6 is six, point, six; empty above the highest."""
    whole, tenth = divmod(round(value * 10), 10)
    if not 0 <= whole <= HIGHEST_NUMBER:
        return ()
    return (f"number_{whole}", "point", f"number_{tenth}") if tenth else (f"number_{whole}",)


def _incline_keys(percent: float | None) -> tuple[str, ...]:
    number = () if percent is None else number_keys(percent)
    return ("incline_to", *number, "percent") if number else ()


def sentence_phrases() -> tuple[str, ...]:
    """List the phrases that are only heard within a sentence."""
    return (*(f"{name}_to" for name, sounding in soundings().items() if sounding.setting), *number_phrases())


def number_phrases() -> tuple[str, ...]:
    """List the phrases that numbers and settings are made of."""
    return (
        *(f"number_{number}" for number in range(HIGHEST_NUMBER + 1)),
        "point",
        "incline_to",
        "percent",
        "until_still",
    )


def urgency_of(cue: Cue) -> Urgency:
    """Return who may silence a cue: at its level or at the catalogue's urgency, whichever is higher."""
    least = {Level.INFORMATION: Urgency.ADVICE, Level.ATTENTION: Urgency.ATTENTION, Level.STOP_NOW: Urgency.STOP_NOW}
    return max(soundings()[cue.name].rank, least[cue.level])


def expected_keys() -> tuple[str, ...]:
    """List every key that `phrase_keys` can give: what each language, and a complete voice pack, holds."""
    keys: list[str] = []
    for name, sounding in soundings().items():
        if sounding.spoken:
            keys.append(str(name))
            keys.extend(f"{name}_{number}" for number in range(1, sounding.numbers + 1))
            keys.extend([f"{name}_last"] * sounding.last)
            keys.extend([f"{name}_to"] * sounding.setting)
    return (*keys, *number_phrases())
