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
JOINED = "+"
"""Between the phrases of a key that is said in parts, one recording after the other."""
FASTEST_SAID = 25
"""No treadmill for training is set to more km/h."""
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


def phrase_key(cue: Cue, intervals: int = 0) -> str | None:
    """Choose the phrase that says a cue; None where its tone says it all.

    `intervals`: how many the session has (0: not known), so that the last one can be called the last. A recovery
    carries the number of the interval before it.
    """
    sounding = soundings()[cue.name]
    if not sounding.spoken:
        return None
    if cue.name is CueName.SLOWER and cue.level is not Level.INFORMATION:
        # The words and the speed that the screen shows then.
        return JOINED.join((str(CueName.OVER_CEILING), *_speed_parts(cue.number)))
    last = intervals - 1 if cue.name is CueName.RECOVERY else intervals
    if sounding.last and cue.number > 1 and cue.number == last:
        return f"{cue.name}_last"
    return f"{cue.name}_{cue.number}" if 0 < cue.number <= sounding.numbers else str(cue.name)


def _speed_parts(tenths: int) -> tuple[str, ...]:
    """Say to which speed, in parts that the voice has: "to", "five", "point", "four"; nothing where none is known."""
    if tenths < 0:
        return ("until_still",)
    whole, part = divmod(tenths, 10)
    if tenths == 0 or whole > FASTEST_SAID:
        return ()
    return ("to_speed", f"number_{whole}", *(("point", f"number_{part}") if part else ()))


def urgency_of(cue: Cue) -> Urgency:
    """Return who may silence a cue: at its level or at the catalogue's urgency, whichever is higher."""
    least = {Level.INFORMATION: Urgency.ADVICE, Level.ATTENTION: Urgency.ATTENTION, Level.STOP_NOW: Urgency.STOP_NOW}
    return max(soundings()[cue.name].rank, least[cue.level])


def expected_keys() -> tuple[str, ...]:
    """List every key that `phrase_key` can give: what each language, and a complete voice pack, holds."""
    keys: list[str] = []
    for name, sounding in soundings().items():
        if sounding.spoken:
            keys.append(str(name))
            keys.extend(f"{name}_{number}" for number in range(1, sounding.numbers + 1))
            keys.extend([f"{name}_last"] * sounding.last)
    parts = ("until_still", "to_speed", "point", *(f"number_{number}" for number in range(FASTEST_SAID + 1)))
    return (*keys, *parts)
