"""Reads TOML text into a struct, and knows at which line each key stands, so that a refusal can point at it."""

import re
import tomllib
from typing import Any, TypeVar

from msgspec import Struct, ValidationError, convert

from coach.errors import CoachError

Read = TypeVar("Read", bound=Struct)


class TomlFault(CoachError, ValueError):  # noqa: N818 - what is wrong in a file that a person wrote
    """What is wrong in a text, and at which line of it (1-based)."""

    def __init__(self, line: int, reason: str) -> None:
        """Keep the line beside the reason; who knows the file's name adds it."""
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


def read_toml(text: str, kind: type[Read]) -> tuple[Read, "TomlLines"]:
    """Return what the text says, as `kind`, and the lines of its keys. Raises `TomlFault` with line and reason."""
    tree = parse_toml(text)
    lines = TomlLines(text)
    try:
        return convert(tree, kind), lines
    except ValidationError as error:
        reason, _, path = str(error).partition(" - at `")
        where = path.rstrip("`") or "$"
        key = where.removeprefix("$").lstrip(".") or "the file"
        unknown = re.search(r"unknown field `(.*)`", reason)
        line = lines.of(f"{where}.{unknown[1]}" if unknown else where)
        raise TomlFault(line, f"{key}: {reason[0].lower()}{reason[1:]}") from error


MOST_CHARACTERS = 256 * 1024
MOST_PARTS = 16
"""Of a dotted key. Our settings have two."""

_LONG_KEY = re.compile(
    r"""(?<![\w\-])(?:(?:[\w\-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){%d}""" % MOST_PARTS  # noqa: UP031 - braces
)


def parse_toml(text: str) -> dict[str, Any]:
    """Return what the text says, as a tree. Raises `TomlFault` with line and reason.

    Size and keys are bounded before the parser runs: a dotted key of 100,000 parts costs it minutes and gigabytes.
    """
    if len(text) > MOST_CHARACTERS:
        raise TomlFault(0, f"has {len(text)} characters; at most {MOST_CHARACTERS} are read")
    if long := _LONG_KEY.search(text):
        raise TomlFault(
            text.count("\n", 0, long.start()) + 1, f"a key has more than {MOST_PARTS} parts; write it shorter"
        )
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise TomlFault(0, "brackets within brackets without end") from error
    except ValueError as error:
        # TOMLDecodeError, and what Python says to a number of thousands of digits.
        found = re.search(r"at line (\d+)", str(error))
        at_end = text.count("\n") + 1
        raise TomlFault(int(found[1]) if found else at_end, f"not valid TOML: {error}") from error


class TomlLines:
    """Finds the line of a key path such as `$.block[1].phase[0].zone` in TOML text that is known to be valid."""

    def __init__(self, text: str) -> None:
        """Note where each key stands."""
        self.found: dict[str, int] = {"$": 1}
        counts: dict[str, int] = {}
        prefix = "$"
        for number, line in enumerate(text.splitlines(), 1):
            header = re.match(r"\s*(\[\[?)\s*([\w.\-\"]+)\s*\]", line)
            key = re.match(r"\s*([\w\-\"]+(?:\.[\w\-\"]+)*)\s*=", line)
            if header:
                prefix = self._enter(header[2], array=header[1] == "[[", counts=counts)
                self._note(prefix, number)
            elif key:
                self._note(f"{prefix}.{key[1]}", number)

    def _note(self, path: str, number: int) -> None:
        """Find a path, and everything around it, at its first line."""
        while path != "$":
            self.found.setdefault(path, number)
            path = _around(path)

    @staticmethod
    def _enter(name: str, *, array: bool, counts: dict[str, int]) -> str:
        path = "$"
        parts = name.split(".")
        for part in parts[:-1]:
            path = f"{path}.{part}"
            if path in counts:
                path = f"{path}[{counts[path]}]"
        path = f"{path}.{parts[-1]}"
        if array:
            counts[path] = counts.get(path, -1) + 1
            path = f"{path}[{counts[path]}]"
        return path

    def of(self, path: str) -> int:
        """Return the line of `path`, or of the nearest thing around it."""
        while path not in self.found and path != "$":
            path = _around(path)
        return self.found[path]


def _around(path: str) -> str:
    """Return the path without its last step; in the end `$`."""
    return path[: max(path.rfind("."), path.rfind("["), 1)]
