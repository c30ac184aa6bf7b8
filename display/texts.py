"""The screen's words, bokmål and English, from `texts/nb.toml` and `texts/en.toml`: one text for each key in both.

A text may hold `{name}` places. A key the catalogue lacks is never shown to a person: a general text of its group is.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from display.errors import DisplayError

Language = Literal["nb", "en"]
LANGUAGES: tuple[Language, ...] = ("nb", "en")
OTHER = "other"
"""Each group whose keys come from elsewhere (notices, advice reasons, questions, findings) has a text of this name."""


EXERTION_NUMBERS = range(6, 21)
LONGEST_ANCHOR = 30


class AnchorFileError(DisplayError, ValueError):
    """A file of words for the exertion scale that cannot be used; the text names it and says why."""


class Texts:
    """One language's texts."""

    def __init__(self, language: Language, texts: Mapping[str, str]) -> None:
        """`texts` maps dotted keys to sentences."""
        self.language = language
        self._texts = texts

    @property
    def keys(self) -> frozenset[str]:
        """Every key of the catalogue."""
        return frozenset(self._texts)

    def say(self, key: str, **values: object) -> str:
        """Return the text of a key, with its places filled in. Raises `KeyError` for a key that the catalogue lacks."""
        return self._texts[key].format(**values) if values else self._texts[key]

    def of(self, group: str, name: str, **values: object) -> str:
        """Return the text of `name` in a group, or the group's general text where it has none."""
        key = f"{group}.{name}"
        return self.say(key if key in self._texts else f"{group}.{OTHER}", **values)

    def group(self, group: str) -> dict[str, str]:
        """Return a group's texts by name."""
        start = f"{group}."
        return {key.removeprefix(start): text for key, text in self._texts.items() if key.startswith(start)}


def _flat(table: Mapping[str, object], above: str = "") -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            texts |= _flat(value, f"{above}{name}.")
        else:
            texts[f"{above}{name}"] = str(value)
    return texts


@cache
def texts_in(language: Language) -> Texts:
    """Return the catalogue of a language, with the words of the exertion scale that the clinic has loaded."""
    source = files("display").joinpath("texts", f"{language}.toml").read_text(encoding="utf-8")
    return Texts(language, _flat(tomllib.loads(source)) | _anchors.get(language, {}))


_anchors: dict[str, dict[str, str]] = {}


def load_anchors(path: Path) -> None:
    """Show a clinic's own words on the exertion scale: TOML with `[nb]` and `[en]`, each with keys 6 to 20.

    The published words of Borg's scale need a licence from its owner; a clinic that has one keeps them in this file.
    Numbers that the file leaves out keep the project's own words. Raises AnchorFileError; then nothing has changed.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AnchorFileError(f"{path}: the words cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise AnchorFileError(f"{path}: this is no TOML file ({error}).") from error
    found: dict[str, dict[str, str]] = {}
    for language, words in given.items():
        if language not in LANGUAGES or not isinstance(words, dict):
            raise AnchorFileError(f"{path}: {language!r} is no language; write [nb] and [en].")
        for number, word in words.items():
            if not number.isdecimal() or int(number) not in EXERTION_NUMBERS:
                raise AnchorFileError(f"{path}: {number!r} in [{language}] is no number from 6 to 20.")
            if not isinstance(word, str) or not 0 < len(word.strip()) <= LONGEST_ANCHOR:
                raise AnchorFileError(f"{path}: {number} in [{language}] needs 1 to {LONGEST_ANCHOR} characters.")
        found[language] = {f"exertion.{int(number)}": " ".join(word.split()) for number, word in words.items()}
    _anchors.clear()
    _anchors.update(found)
    texts_in.cache_clear()
