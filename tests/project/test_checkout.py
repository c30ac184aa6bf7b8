"""The checkout as a newcomer finds it: commands that exist, documents that agree, nothing of one machine in it."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def tracked_files() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("this copy was not made by git, so nothing says which files belong to it")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_make_alone_explains_every_target() -> None:
    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert set(re.findall(r"^  make ([a-z-]+) ", shown, re.MULTILINE)) == make_targets()


def test_every_make_command_in_the_documents_exists() -> None:
    documents = [path for path in tracked_files() if path.suffix == ".md"]
    named = {
        target
        for path in documents
        for target in re.findall(r"(?:^ {4}|[`«])make ([a-z][a-z-]*)", path.read_text(), re.MULTILINE)
    }
    assert named - make_targets() == set()


def test_every_link_in_the_documents_leads_somewhere() -> None:
    dead = [
        f"{path.relative_to(ROOT)}: {link}"
        for path in tracked_files()
        if path.suffix == ".md"
        for link in re.findall(r"\]\(([^)#\s]+)", path.read_text())
        if "://" not in link and not (path.parent / link).exists()
    ]
    assert dead == []


def test_every_decision_record_is_in_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text()
    assert [path.name for path in sorted((ROOT / "docs/adr").glob("*.md")) if f"adr/{path.name}" not in index] == []


def test_the_changelog_mentions_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.search(rf"^## {re.escape(version)}\b", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_no_tracked_file_names_a_registry_or_a_home_of_one_machine() -> None:
    # Put together here, so that this file does not hold what it looks for.
    hosts = [
        "files.python" + "hosted",
        "pypi" + r"\.org/simple",
        "deb.deb" + r"ian\.org",
        "registry.npm" + "js",
        "pi" + r"wheels\.org",
    ]
    homes = r"(?<![\w.~$}<-])/(?:" + "|".join(["roo" + "t", "wor" + "k", "hom" + "e"]) + r")/\w"
    forbidden = re.compile("|".join([*hosts, homes]))
    found = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in forbidden.finditer(text)]
    assert found == []
