"""The documents: all of them can be found from docs/README.md, and the pictures of the screens are shown."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
INDEXES = (DOCS / "README.md", DOCS / "screens" / "README.md")
MOST_BYTES_OF_PICTURES = 4_000_000
PROGRAM = re.compile(r"python -m ((?:benchmarks|coach|display|firmware|scripts|server|sync|tests)\.[a-z_.]*[a-z_])")
IMPORTING = """
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        # Not of a package that the page itself asks for.
        if error.name.split(".")[0] in {one.split(".")[0] for one in sys.argv[1:]}:
            raise
"""


def links(page: Path) -> set[Path]:
    """The files and folders of this project that a page links to or shows."""
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    return {(page.parent / t.split("#")[0]).resolve() for t in targets if "://" not in t and not t.startswith("#")}


def test_the_index_lists_every_document() -> None:
    missing = {page.relative_to(DOCS) for page in DOCS.rglob("*.md")} - {Path("README.md")}
    missing -= {target.relative_to(DOCS) for target in links(DOCS / "README.md") if target.is_relative_to(DOCS)}
    assert sorted(map(str, missing)) == []


@pytest.mark.parametrize("page", INDEXES, ids=["documents", "screens"])
def test_every_link_of_an_index_leads_to_something_that_is_there(page: Path) -> None:
    assert sorted(str(target.relative_to(ROOT)) for target in links(page) if not target.exists()) == []


def test_every_picture_of_a_screen_is_shown_and_together_they_stay_small() -> None:
    pictures = set((DOCS / "screens").glob("*.png"))
    assert pictures == {target for target in links(DOCS / "screens" / "README.md") if target.suffix == ".png"}
    assert sum(picture.stat().st_size for picture in pictures) < MOST_BYTES_OF_PICTURES


def test_every_program_that_a_document_names_starts() -> None:
    """Import each in a process of its own: under pytest Django is set up, at a command line it is not."""
    pages = [*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    named = sorted({name for page in pages for name in PROGRAM.findall(page.read_text(encoding="utf-8"))})
    done = subprocess.run(
        [sys.executable, "-c", IMPORTING, *named], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (len(named) > 15, done.returncode, done.stderr) == (True, 0, "")
