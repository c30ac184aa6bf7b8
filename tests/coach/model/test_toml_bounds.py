"""TOML whose keys would cost the parser minutes and gigabytes is refused before it is parsed."""

import time

import pytest

from coach.model.toml_lines import MOST_PARTS, TomlFault, parse_toml

FAST_S = 1.0


@pytest.mark.parametrize(
    "text",
    [
        "a." * 100_000 + "b = 1",
        "[" + "a." * 100_000 + "b]\nx = 1",
        "[[" + '"a".' * 40_000 + "b]]",
        "x = {" + "'a' . " * 30_000 + "b = 1}",
        "name = 1\n" * 3 + "a . " * 50_000 + "b = 1",
        "[" * 100_000,
        "x = " + "[" * 100_000,
        "x = '" + "a" * 300_000 + "'",
    ],
    ids=["key", "heading", "quoted", "inline", "spaced", "open", "nested", "long"],
)
def test_hostile_keys_are_refused_at_once(text: str) -> None:
    began_s = time.perf_counter()
    with pytest.raises(TomlFault):
        parse_toml(text)
    assert time.perf_counter() - began_s < FAST_S


@pytest.mark.parametrize(
    "text",
    ["a" * 250_000 + " = 1", "x = '" + '"' * 200_000 + "'", "# " + "a-" * 120_000, "x = '" + "a.b " * 60_000 + "'"],
)
def test_long_words_and_comments_cost_no_time(text: str) -> None:
    began_s = time.perf_counter()
    parse_toml(text)
    assert time.perf_counter() - began_s < FAST_S


def test_the_refusal_names_the_line_and_usual_keys_are_read() -> None:
    with pytest.raises(TomlFault, match=f"line 3: a key has more than {MOST_PARTS} parts"):
        parse_toml("# one\nx = 1\n" + "a." * MOST_PARTS + "b = 1")
    assert (
        parse_toml('[machine]\nname = "e.g. this. and. that."\nsound.device = "x"\n')["machine"]["name"]
        == "e.g. this. and. that."
    )
