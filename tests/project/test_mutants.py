"""The mutation runner and its list of survivors: what is listed exists, and the mutants are what they say."""

import ast
from pathlib import Path

import pytest

from scripts.mutants import mutants
from scripts.mutate import TESTS, listed, source_of

ROOT = Path(__file__).resolve().parents[2]


def changed(source: str) -> set[str]:
    """Every mutant of a line, as its own source."""
    return {ast.unparse(one.tree()) for one in mutants(source)}


def test_each_survivor_names_a_mutant_that_exists_and_a_reason() -> None:
    for (module, line, change), reason in listed().items():
        assert reason.endswith(".")
        assert (line, change) in {one.key for one in mutants(source_of(module).read_text(encoding="utf-8"))}


def test_each_module_has_tests_of_its_own_that_exist() -> None:
    assert [path for paths in TESTS.values() for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", {"a <= b", "a >= b"}),
        ("a and b", {"a or b", "a", "b"}),
        ("a + 1", {"a - 1", "a + 2"}),
        ("not a", {"a"}),
        ("A = 0.2", {"A = 0.25"}),
        ("A = 15.0", {"A = 16.0"}),
        ("f(Level.ATTENTION)", {"f(Level.STOP_NOW)", "pass"}),
        ("s.a = replace(s, a=b)", {"s.a = replace(s)", "pass"}),
        ("x = min(a, b)", {"x = max(a, b)"}),
        ('code = "lost"', {"code = 'lost_'"}),
        ('"""What it is."""', set()),
        ("raise Refused('no_skip', 'Wait.')", set()),
        ("assert_never(a)", set()),
        ("x: Literal['a'] = y", set()),
    ],
)
def test_a_mutant_differs_in_one_place_by_one_small_mistake(source: str, expected: set[str]) -> None:
    assert changed(source) == expected
