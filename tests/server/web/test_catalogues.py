"""Every text of the pages has its bokmål, and no catalogue keeps what nobody says."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts import catalogues


@pytest.mark.parametrize("application", [one.name for one in catalogues.applications()])
def test_every_text_has_its_translation(application: str) -> None:
    assert catalogues.faults(catalogues.ROOT / "server" / application) == []


def test_no_text_stands_within_an_f_string_where_the_extractor_would_miss_it() -> None:
    hidden = [
        f"{path.relative_to(catalogues.ROOT)}:{call.lineno}"
        for path in (catalogues.ROOT / "server").rglob("*.py")
        for line in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(line, ast.JoinedStr)
        for call in ast.walk(line)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in catalogues.KEYWORDS
    ]
    assert hidden == []


def test_a_text_has_the_same_bokmal_in_every_catalogue_since_django_keeps_but_one() -> None:
    told: dict[tuple[str, str], set[str]] = {}
    for application in catalogues.applications():
        for one in catalogues.read(application):
            if one.id:
                key = one.context or "", one.id if isinstance(one.id, str) else one.id[0]
                told.setdefault(key, set()).add(str(one.string))
    assert {key: strings for key, strings in told.items() if len(strings) > 1} == {}


@pytest.mark.parametrize("application", catalogues.applications(), ids=lambda path: path.name)
def test_gettexts_own_checker_finds_no_fault(application: Path) -> None:
    program = shutil.which("msgfmt")
    if program is None:
        pytest.skip("gettext is not installed")
    command = [program, "--check-format", "--output-file", "/dev/null", str(catalogues.catalogue_of(application))]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


MANY = re.compile(r"%\((\w+)\)[sd] (?:\w+ )?(?:økter|dager|uker|deltakere|minutter|timer|klinikker|linjer|notater)\b")
NEVER_ONE = {
    "hours": "a link's time, two days",
    "days": "a break: seven days or more",
    "number": "hours of rest: one hour is no rest",
    "sessions": "shown only where there are more than a hundred",
}
"""Names of numbers that are never one where they stand before a noun, and why."""


def test_no_text_says_one_sessions() -> None:
    """Where a number stands before a noun in the plural, the text has a singular too."""
    wrong = []
    for application in catalogues.applications():
        for one in catalogues.read(application):
            for text in () if not one.id or one.pluralizable else (one.string,):
                wrong += [text for name in MANY.findall(text) if name not in NEVER_ONE]
            if one.id and one.pluralizable:
                wrong += [one.string[1] for name in MANY.findall(one.string[1]) if f"%({name})" not in one.string[0]]
    assert wrong == []
