"""Count what the plain-language rules forbid, for each package.

`python -m tests.support.language` writes the counts that have fallen to tests/project/language_debt.toml.
"""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEBT = ROOT / "tests" / "project" / "language_debt.toml"
PRODUCT = ("coach", "display", "firmware", "server", "sync")
PARTS = (*PRODUCT, "benchmarks", "docs", "scripts", "systemd", "tests")
BANNED = re.compile(r"\b(whoever|nobody|somebody|anew|beside|amid|meanwhile|tells? of|told of)\b|[«»]", re.IGNORECASE)
NORWEGIAN = re.compile(
    r"\.po$|setup_texts\.toml$|plot_texts\.toml$|/nb\.toml$|tests/data/|language\.py$|test_proofreading\.py$"
)


def tracked() -> list[str]:
    """Return the tracked files, or all files where git did not make this copy."""
    if not (ROOT / ".git").exists():
        return [str(path.relative_to(ROOT)) for part in PARTS for path in (ROOT / part).rglob("*.*") if path.is_file()]
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def english_lines(name: str) -> Iterator[str]:
    """Yield the lines of a file that are written for English readers."""
    if (
        name.split("/", maxsplit=1)[0] not in PARTS
        or NORWEGIAN.search(name)
        or not name.endswith((".py", ".md", ".toml", ".sh"))
    ):
        return
    yield from (ROOT / name).read_text(encoding="utf-8").splitlines()


def banned_words() -> dict[str, int]:
    """Count the lines with a banned word, for each part of the repository."""
    counts: Counter[str] = Counter()
    for name in tracked():
        counts[name.split("/")[0]] += sum(1 for line in english_lines(name) if BANNED.search(line))
    return {part: counts[part] for part in PARTS}


def docstrings_without_imperative() -> dict[str, int]:
    """Count the docstrings whose first line is not imperative (ruff D401), for each package."""
    run = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "D401", "--output-format", "json", *PRODUCT],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    found = Counter(Path(one["filename"]).relative_to(ROOT).parts[0] for one in json.loads(run.stdout))
    return {part: found[part] for part in PRODUCT}


def public_classes() -> dict[str, list[str]]:
    """Return the modules of the product that define each public class."""
    found: dict[str, list[str]] = {}
    for package in PRODUCT:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    return found


def debt() -> dict[str, dict[str, int]]:
    """Return the counts that are committed."""
    return tomllib.loads(DEBT.read_text(encoding="utf-8"))


def counted() -> dict[str, dict[str, int]]:
    """Return the counts of now."""
    return {"banned_words": banned_words(), "docstrings_without_imperative": docstrings_without_imperative()}


def main() -> None:
    """Lower the committed counts to those of now; never raise one."""
    before = debt() if DEBT.exists() else {}
    lines = ["# Made by `python -m tests.support.language`. A count may only fall.", ""]
    for kind, counts in counted().items():
        lines.append(f"[{kind}]")
        lines += [f"{part} = {min(number, before.get(kind, {}).get(part, number))}" for part, number in counts.items()]
        lines.append("")
    DEBT.write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
