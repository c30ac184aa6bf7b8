"""Every text of the pages has its bokmål, and no catalogue keeps what nobody says."""

import ast

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
