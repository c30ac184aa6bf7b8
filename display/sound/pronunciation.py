"""The default voice's pronunciation: words that espeak-ng reads wrongly are handed to it as phonemes.

espeak-ng takes phonemes in double brackets, as in `[[b'On@]]`. The words are in `phrases/pronunciation.toml`.
"""

import re
from functools import cache
from pathlib import Path

import msgspec

from display.sound.phrases import Language

_LEXICON = Path(__file__).parents[1] / "phrases" / "pronunciation.toml"


@cache
def phonemes(language: Language) -> dict[str, str]:
    """Return the phonemes of a language's misread words, by the word in lower case."""
    return msgspec.toml.decode(_LEXICON.read_bytes(), type=dict[Language, dict[str, str]])[language]


def for_espeak(words: str, language: Language) -> str:
    """Return a phrase with its misread words as phonemes; punctuation stays, as it shapes the melody."""
    known = phonemes(language)

    def spelt(word: re.Match[str]) -> str:
        sounds = known.get(word[0].lower())
        return word[0] if sounds is None else f"[[{sounds}]]"

    return re.sub(r"[\w']+", spelt, words)
