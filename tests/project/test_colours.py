"""No colour stands anywhere but among the pages' variables, where each has a light and a dark value with contrast."""

import re
from itertools import product
from pathlib import Path

SERVER = Path(__file__).resolve().parents[2] / "server"
PAGE = SERVER / "web" / "static" / "web" / "page.css"
PAIR = re.compile(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
GROUNDS = ("ground", "surface", "surface-soft")
LEAST_TEXT, LEAST_LINE = 4.5, 3.0


def colours() -> dict[str, tuple[str, str]]:
    return {name: (light, dark) for name, light, dark in PAIR.findall(PAGE.read_text(encoding="utf-8"))}


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def too_weak(pairs: list[tuple[str, str]], least: float) -> list[str]:
    known = colours()
    return [
        f"{text} on {ground}, {look}: {found:.2f}"
        for text, ground in pairs
        for at, look in enumerate(("light", "dark"))
        if (found := contrast(known[text][at], known[ground][at])) < least
    ]


def test_text_has_contrast_in_both_looks() -> None:
    words = [name for name in colours() if name.endswith("-text") and name != "old-text"]
    plain = list(product(("text", "text-soft", "text-faint", "link", *words), GROUNDS))
    soft = [(one, f"{one.removesuffix('-text')}-soft") for one in words]
    fills = [("on-fill", one) for one in ("in", "in-strong", "above", "above-strong", "stop")]
    noticed = list(product(("text",), ("in-soft", "below-soft", "above-soft", "stop-soft", "lost-soft", "signal-soft")))
    assert too_weak([*plain, *soft, *fills, *noticed, ("old-text", "old")], LEAST_TEXT) == []


def test_lines_that_mean_something_have_contrast_in_both_looks() -> None:
    meant = ("in", "below", "above", "lost", "signal", "stop", "line-strong")
    assert too_weak(list(product(meant, ("surface",))), LEAST_LINE) == []


def test_no_colour_stands_anywhere_else() -> None:
    files = [
        file
        for kind in ("*.css", "*.js")
        for file in SERVER.glob(f"*/static/**/{kind}")
        if "vendor" not in file.parts and file != PAGE
    ]
    assert len(files) > 10
    found = [
        f"{file.name}: {one}"
        for file in files
        for one in re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;,) \"])", file.read_text(encoding="utf-8"))
    ]
    assert found == []
