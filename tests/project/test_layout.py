"""Folders that a reader can take in at once, and no circle of files. The contracts of pyproject.toml say the rest."""

from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("coach", "display", "firmware", "server", "sync")
MOST_MODULES = 20


def test_no_folder_holds_more_modules_than_a_reader_takes_in() -> None:
    modules = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    counts = Counter(str(path.parent.relative_to(ROOT)) for path in modules)
    assert {folder: number for folder, number in counts.items() if number > MOST_MODULES} == {}


def test_every_folder_of_modules_says_what_it_holds() -> None:
    folders = {path.parent for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    inits = {folder: folder / "__init__.py" for folder in folders if folder.name not in ("formats", "en")}
    silent = [
        str(folder.relative_to(ROOT))
        for folder, init in inits.items()
        if folder.name not in ("migrations", "templatetags") and not (init.is_file() and init.read_text().strip())
    ]
    assert silent == []


def test_no_files_import_one_another_in_a_circle() -> None:
    """Imports for type annotations alone do not count: they are gone when the program runs."""
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    TopologicalSorter(imports).prepare()


def test_benchmarks_hold_benchmarks_and_campaigns_alone() -> None:
    names = [path.name for path in (ROOT / "benchmarks").glob("*.py")]
    assert [name for name in names if not name.startswith(("bench_", "campaign_"))] == []


def test_every_folder_of_a_package_is_on_the_map() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    inits = [init for package in PACKAGES for init in (ROOT / package).glob("*/__init__.py")]
    folders = [str(init.parent.relative_to(ROOT)) for init in inits if init.parent.name != "migrations"]
    assert [folder for folder in folders if f"| `{folder}/` |" not in text] == []
