"""The screen's words, bokmål and English, from `texts/nb.toml` and `texts/en.toml`: one text for each key in both.

A text may hold `{name}` places. A key the catalogue lacks is never shown to a person: a general text of its group is.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

Language = Literal["nb", "en"]
LANGUAGES: tuple[Language, ...] = ("nb", "en")
OTHER = "other"
"""Each group whose keys come from elsewhere (notices, advice reasons, questions, findings) has a text of this name."""


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
        """The text of a key, with its places filled in. Raises `KeyError` for a key that the catalogue lacks."""
        return self._texts[key].format(**values) if values else self._texts[key]

    def of(self, group: str, name: str, **values: object) -> str:
        """The text of `name` in a group, or the group's general text where it has none."""
        key = f"{group}.{name}"
        return self.say(key if key in self._texts else f"{group}.{OTHER}", **values)

    def group(self, group: str) -> dict[str, str]:
        """A group's texts by name."""
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
    """The catalogue of a language."""
    source = files("display").joinpath("texts", f"{language}.toml").read_text(encoding="utf-8")
    return Texts(language, _flat(tomllib.loads(source)))
