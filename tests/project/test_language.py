"""One name for one idea, documents that exist, and plain English that only gets plainer (docs/glossary.md)."""

import importlib
import re
from pathlib import Path

import pytest

from tests.support import language

ROOT = language.ROOT
GLOSSARY = ROOT / "docs" / "glossary.md"
MADE_BY_THE_PRODUCT = {"dictionary.md"}


def test_no_public_class_name_exists_twice() -> None:
    doubled = {name: files for name, files in language.public_classes().items() if len(files) > 1}
    assert doubled == {}, "one name for one idea: give one of them a name of its own (docs/glossary.md)"


@pytest.mark.parametrize("kind", ["banned_words", "docstrings_without_imperative"])
def test_the_language_gets_no_worse(kind: str) -> None:
    """Write new text without them; after mending some, run: python -m tests.support.language."""
    now, allowed = language.counted()[kind], language.debt()[kind]
    assert {part: number for part, number in now.items() if number > allowed[part]} == {}


def glossary_names() -> list[str]:
    rows = [line.split("|") for line in GLOSSARY.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    return [name for row in rows[2:] for name in re.findall(r"`([\w.]+)`", row[3])]


@pytest.mark.parametrize("name", glossary_names())
def test_every_code_name_of_the_glossary_exists(name: str) -> None:
    """Names stand as module.Name; a package alone stands for all that it holds."""
    if (ROOT / name.replace(".", "/")).is_dir() or (ROOT / (name.replace(".", "/") + ".py")).is_file():
        return
    module, _, leaf = name.rpartition(".")
    path = ROOT / (module.replace(".", "/") + ".py")
    if not path.is_file():
        module, _, owner = module.rpartition(".")
        assert hasattr(getattr(importlib.import_module(module), owner), leaf)
        return
    assert re.search(rf"^(?:class |def |    )?{leaf}\b", path.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_document_that_is_named_exists() -> None:
    known = {Path(name).name for name in language.tracked() if name.endswith(".md")} | MADE_BY_THE_PRODUCT
    lost = set()
    for name in language.tracked():
        if name == "CHANGELOG.md" or not name.endswith((".py", ".md", ".toml", ".sh", ".service", ".html", "Makefile")):
            continue
        text = (ROOT / name).read_text(encoding="utf-8")
        lost |= {
            f"{name}: {found}"
            for found in re.findall(r"(?<![\w{*<}/$-])(?:[\w.-]+/)*?(\w[\w-]*\.md)\b", text)
            if found not in known
        }
    assert sorted(lost) == []
