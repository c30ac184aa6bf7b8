"""The words of `interval-coach setup`, from their catalogue (`setup_texts.toml`)."""

from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

Language = Literal["nb", "en"]


class SetupTexts:
    """One language's words, by key."""

    def __init__(self, words: dict[str, str]) -> None:
        """`words` may hold `{…}` for names and figures."""
        self._words = words

    def __call__(self, key: str, **values: object) -> str:
        """Return the words of a key, with its values filled in."""
        return self._words[key].format(**values)


@cache
def catalogue() -> dict[Language, dict[str, str]]:
    """All words of both languages."""
    return msgspec.toml.decode(
        files("firmware.setup").joinpath("setup_texts.toml").read_bytes(), type=dict[Language, dict[str, str]]
    )


def setup_texts(language: Language) -> SetupTexts:
    """One language's words."""
    return SetupTexts(catalogue()[language])
