"""The default voice pronounces every word of every phrase as the language does (tests/display/pronunciations.toml)."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from display.sound.phrases import LANGUAGES, Language, catalogue, number_keys
from display.sound.pronunciation import for_espeak, phonemes
from display.sound.synthesis import ESPEAK_VOICES

TABLE = tomllib.loads((Path(__file__).parent / "pronunciations.toml").read_text(encoding="utf-8"))
VOWELS = "ɑaæeɛəɜiɪoɔɒuʊʉʌyøœ"
PHRASES = [(language, key) for language in LANGUAGES for key in catalogue(language).keys]

pytestmark = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


def words_of(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.lower())


def broad(ipa: str) -> str:
    """Leave out what the two ways of writing do not share: length of consonants, retroflex signs, secondary stress."""
    for narrow, wide in (("ʈ", "rt"), ("ɖ", "rd"), ("ɹ", "r"), ("ɐ", "ə"), ("ʏ", "y"), ("iə", "ɪə"), ("ˌ", "")):
        ipa = ipa.replace(narrow, wide)
    ipa = re.sub(r"a(?![ɪʊ])", "æ", re.sub(r"æ(?=[ɪʊ])", "a", ipa))
    ipa = re.sub(rf"(?<![{VOWELS}])ː", "", ipa)
    ipa = re.sub(r"([bdfɡklmnprstv])\1+", r"\1", ipa)
    # Stress stands before the syllable in print, and before the vowel in what espeak-ng writes.
    return re.sub(rf"ˈ([^{VOWELS}]*)", r"\1ˈ", ipa)


def pattern(word: str, language: Language) -> str:
    """Match a word's readings; one of a single syllable may be stressed or not."""

    def reading(ipa: str) -> str:
        wide = broad(ipa)
        return wide if "ˈ" in wide else re.sub(rf"([{VOWELS}])", r"ˈ?\1", wide, count=1)

    return "(?:" + "|".join(reading(one) for one in TABLE[language][word].split("|")) + ")"


def said(text: str, language: Language) -> str:
    command = ["espeak-ng", "-q", "--ipa", "-v", ESPEAK_VOICES[language], for_espeak(text, language)]
    ipa = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout
    return "".join(broad(token) for token in ipa.split())


def reads_right(text: str, language: Language) -> bool:
    return re.fullmatch("".join(pattern(word, language) for word in words_of(text)), said(text, language)) is not None


@pytest.mark.parametrize(("language", "key"), PHRASES)
def test_each_phrase_is_pronounced_as_the_language_is(language: Language, key: str) -> None:
    words = catalogue(language).spoken(key)
    assert reads_right(words, language), f"{words} is read as {said(words, language)}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_holds_the_words_of_the_phrases_and_no_others(language: Language) -> None:
    spoken = {word for key in catalogue(language).keys for word in words_of(catalogue(language).spoken(key))}
    assert spoken <= set(TABLE[language])
    assert set(phonemes(language)) <= set(TABLE[language])


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ("b@lt'e:t", "beltet"),
        ("s'e:ku-nn@R", "sekunder"),
        ("'Ij@n", "igjen"),
        ("R'Aske:Ra#", "raskere"),
        ("R'u:li:g,e:Ra#", "roligere"),
        ("b'Onn@t", "båndet"),
        ("s'Ista#", "siste"),
        ("tR'Et:a#", "tretten"),
    ],
)
def test_a_known_wrong_reading_fails(wrong: str, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(phonemes("nb"), word, wrong)
    assert not reads_right(word, "nb")


def test_a_word_that_espeak_reads_right_by_itself_is_left_to_it() -> None:
    assert for_espeak("Stopp båndet på selve tredemøllen.", "nb").startswith("Stopp [[b'On@]] på [[")
    assert for_espeak("Litt raskere, til", "nb") == "Litt [[R'Ask@R@]], [[tIl]]"
    assert number_keys(2.0) == ("number_2",)
