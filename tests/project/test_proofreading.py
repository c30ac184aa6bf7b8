"""Texts that people read are spelled right, in one form of each word, in bokmål and in English.

Spelling is hunspell's (Debian: hunspell, hunspell-no, hunspell-en-gb), with the project's own words in words_nb.txt and
words_en.txt beside this file.
"""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest

from scripts import catalogues

ROOT = catalogues.ROOT
HERE = Path(__file__).parent
Language = Literal["nb", "en"]
DICTIONARIES: dict[Language, str] = {"nb": "nb_NO", "en": "en_GB"}
BY_LANGUAGE = ("display/texts/{}.toml", "display/phrases/{}.toml")
"""Files of texts, one a language; in the others each text is a table of languages."""
IN_BOTH = ("firmware/setup/setup_texts.toml", "firmware/commands/plot_texts.toml")
NORWEGIAN_ALONE = ("server/demo/people_texts.toml",)
NOT_WORDS = re.compile(r"%\(\w+\)[sd]|%[sd]|\{[^}]*\}|<[^>]*>|https?://\S+|\S+@\S+|docs/\S+|\.\w+|&\w+;|kari\.nordmann")
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")

BANNED: dict[Language, dict[str, str]] = {
    "nb": {
        r"treneren|trenerens": "maskinen; a trainer is a person",
        r"alt (?:brukt|over|i bruk|knyttet)|kallenavnet alt|finnes her alt": "allerede",
        r"megler\w*": "klinikkens server",
        r"tjener(?:en|ens)?": "server",
        r"terapeut\w*": "behandler",
        r"fortell?es": "vises",
        r"regnes for|regn den": "knyttes til",
        r"hverken": "verken",
        r"frammøte\w*|fremmøte\w*": "oppmøte",
        r"hastighet\w*": "fart",
        r"frem|fremover|fremtid\w*": "fram",
        r"makshjertefrekvens\w*|hjertefrekvens\w*": "puls",
        r"gjøre om igjen|papirer": "dokumenter",
        r"kurs(?:et|ene)?": "treningsforløp",
        r"drill|intervallet": "drag",
    },
    "en": {
        r"somebody|nobody|whoever|anew|meanwhile|beside|amid|told of|tells of": "plain English",
        r"does not hold any more|come about|take in|told apart": "plain English",
        r"papers and files": "documents",
    },
}
DOUBLED_ALLOWED = {"da", "ta"}
"""Words that only look like two forms of one."""


def strings(tree: Any, language: str | None = None) -> Iterator[str]:  # noqa: ANN401 - any TOML
    """Yield each text; below a language's key that language's alone."""
    match tree:
        case str():
            yield tree
        case list():
            for one in tree:
                yield from strings(one, language)
        case dict() if language and language in tree:
            yield from strings(tree[language])
        case dict():
            for one in tree.values():
                yield from strings(one, language)


@cache
def texts(language: Language) -> tuple[tuple[str, str], ...]:
    """Return each text that people read, with the file in which it stands."""
    found = []
    for application in catalogues.applications():
        for one in catalogues.read(application):
            said = one.string if language == "nb" else one.id
            if one.id and one.context != "date format of Django":
                found += [(text, application.name) for text in ([said] if isinstance(said, str) else said)]
    for name in BY_LANGUAGE:
        path = ROOT / name.format(language)
        found += [(text, path.name) for text in strings(tomllib.loads(path.read_text(encoding="utf-8")))]
    for name in (*IN_BOTH, *(NORWEGIAN_ALONE if language == "nb" else ())):
        tree = tomllib.loads((ROOT / name).read_text(encoding="utf-8"))
        tree = tree["notes"] if name in NORWEGIAN_ALONE else tree
        found += [(text, name) for text in strings(tree, language)]
    return tuple(found)


def words(text: str) -> list[str]:
    return WORD.findall(NOT_WORDS.sub(" ", text))


@pytest.mark.parametrize("language", ["nb", "en"])
def test_every_word_is_spelled_right(language: Language) -> None:
    program = shutil.which("hunspell")
    if program is None:
        pytest.skip("hunspell is not installed")
    known = set((HERE / f"words_{language}.txt").read_text(encoding="utf-8").split())
    where: dict[str, str] = {}
    for text, file in texts(language):
        for word in words(text):
            where.setdefault(word, f"{file}: {text}")
    command = [program, "-d", DICTIONARIES[language], "-i", "utf-8", "-l"]
    run = subprocess.run(command, input="\n".join(where), capture_output=True, text=True, check=False)
    if "Can't open" in run.stderr:
        pytest.skip(f"hunspell has no dictionary {DICTIONARIES[language]}")
    wrong = {word for word in run.stdout.split() if word not in known and word.lower() not in known}
    assert {word: where.get(word, "") for word in wrong} == {}, "mend it, or add the word to the list"
    assert sorted(known) == [*(HERE / f"words_{language}.txt").read_text(encoding="utf-8").split()]


@pytest.mark.parametrize("language", ["nb", "en"])
def test_no_text_has_a_banned_word(language: Language) -> None:
    found = [
        f"{file}: {text} ({better})"
        for wrong, better in BANNED[language].items()
        for text, file in texts(language)
        if re.search(rf"(?<![\w-])(?:{wrong})(?![\w-])", text, re.IGNORECASE)
    ]
    assert found == []


def test_a_noun_has_one_form_and_the_moderate_one() -> None:
    """«Økten» and «tiden», never «økta» and «tida», also where the other form stands in another file."""
    used = {word.lower(): text for text, _file in texts("nb") for word in words(text)}
    doubled = {
        word: used[word]
        for word in used
        if word.endswith("a") and (word[:-1] + "en" in used or word[:-1] + "e" + "n" in used)
    }
    assert {word: text for word, text in doubled.items() if word not in DOUBLED_ALLOWED} == {}
    radical = re.compile(r"\b\w*(?:økt|tid|list|linj|bok|mølle?|klokk|lamp|uk|innstilling|mening|opplysning)as?\b")
    assert [text for text, _file in texts("nb") if radical.search(text.lower())] == []
