"""Every place of the machine's code that reads wall time stands in the table of docs/clock.md, with what it decides."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("coach", "display", "firmware", "sync/delivery")
CALLS = {("time", "time"), ("time", "localtime"), ("datetime", "now"), ("datetime", "today"), ("date", "today")}


def reads_wall_time(node: ast.AST) -> bool:
    """Whether it is `….wall_s`, a file's date, or a call for the time now."""
    if not isinstance(node, ast.Attribute):
        return False
    of = node.value.id if isinstance(node.value, ast.Name) else ""
    return node.attr in ("wall_s", "st_mtime") or (of, node.attr) in CALLS


def places(node: ast.AST, within: str = "") -> Iterator[str]:
    """Give the dotted name of each function or class with such a read."""
    for child in ast.iter_child_nodes(node):
        name = within
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{within}.{child.name}".lstrip(".")
        if reads_wall_time(child):
            yield within
        yield from places(child, name)


def in_code() -> set[tuple[str, str]]:
    return {
        (str(path.relative_to(ROOT)), name)
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        for name in places(ast.parse(path.read_text(encoding="utf-8")))
    }


def test_the_table_of_the_clock_names_every_place_that_reads_wall_time() -> None:
    text = (ROOT / "docs/clock.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `([\w/]+\.py)` `([\w.]+)` \|", text, re.MULTILINE))
    assert sorted(in_code() - told) == []
    assert sorted(told - in_code()) == []
