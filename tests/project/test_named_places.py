"""What units, scripts, documents and comments name of the product's files and modules is there."""

import importlib.util
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = "coach|display|firmware|server|sync|benchmarks|scripts|tests"
HISTORY = {"CHANGELOG.md"}


def texts() -> Iterator[tuple[str, str]]:
    """Every tracked text file, and what is in it."""
    if not (ROOT / ".git").exists():
        pytest.skip("this copy was not made by git, so nothing says which files belong to it")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in names.split("\0"):
        if name and name not in HISTORY and (ROOT / name).is_file():
            try:
                yield name, (ROOT / name).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def test_every_module_that_is_started_by_name_exists() -> None:
    """A unit or an installer that starts a module under an old name fails on the machine, and nowhere else."""
    pattern = re.compile(rf"-m[\s\",]+((?:{PACKAGES})(?:\.\w+)+)")
    named = {(name, module) for name, text in texts() for module in pattern.findall(text)}
    assert len({module for _, module in named}) > 10
    assert sorted(f"{name}: {module}" for name, module in named if importlib.util.find_spec(module) is None) == []


def test_every_file_of_the_product_that_is_named_exists() -> None:
    pattern = re.compile(rf"(?<![\w./<>$}}-])((?:{PACKAGES})/[\w/-]+\.py)\b")
    lost = sorted(
        f"{name}: {path}"
        for name, text in texts()
        for path in set(pattern.findall(text))
        if not (ROOT / path).is_file()
    )
    assert lost == []


def test_the_upgrade_is_found_where_units_and_installers_of_other_versions_look() -> None:
    """A steady version is started by the unit of a newer one, and the other way round."""
    assert (ROOT / "firmware" / "upgrade.py").is_file()
    started = "".join((ROOT / "systemd" / name).read_text() for name in ("install.sh", "version-guard.sh"))
    # The installer asks its own version for the coach's rights, so no other version looks for that module.
    assert set(re.findall(r"-m (firmware\S*)", started)) == {"firmware.upgrade", "firmware.setup.optional_files"}
    assert (ROOT / "firmware" / "setup" / "optional_files.py").is_file()
