"""The locks install the locked versions after every package has had a newer release, with old and new pip.

The field fault: pip < 23.3 takes the newest release for a requirement with an extra (coverage[toml]), then refuses it
because the lock has no hash for it. A lock that installed yesterday then fails today.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.markers import Marker

from scripts.lock_files import LOCKS, REQUIREMENTS, read_lock
from scripts.newer_releases import NEWER, write_newer_releases, write_stub

INSTALL_LOCKED = REQUIREMENTS.parent / "systemd" / "locked-packages.sh"
OLDEST = "23.0.1"
"""The pip of Debian 12."""


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The Python of one virtual environment for the oldest promised pip and one for the newest."""
    folder = tmp_path_factory.mktemp("pips")
    pythons, refused = {}, []
    for name, wanted in (("oldest", f"pip=={OLDEST}"), ("newest", "pip")):
        download = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-qq",
            "--no-deps",
            "--retries",
            "1",
            "-d",
            str(folder / name),
        ]
        got = subprocess.run([*download, wanted], capture_output=True, text=True, check=False)
        if got.returncode != 0:
            refused.append(got.stderr.strip().splitlines()[-1])
            continue
        [wheel] = (folder / name).glob("pip-*.whl")
        place = folder / f"environment-{name}"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
        pythons[name] = place / "bin" / "python"
        install = [
            sys.executable,
            "-m",
            "pip",
            "-qq",
            "--python",
            str(pythons[name]),
            "install",
            "--no-index",
            str(wheel),
        ]
        subprocess.run(install, check=True)
    if len(refused) == 2:
        pytest.skip(f"no package index can be reached, so no other pip was tried: {refused[0]}")
    assert refused == []
    return pythons


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a stub wheel of each package as locked and of a newer release, and locks with the stubs' hashes."""
    folder = tmp_path_factory.mktemp("index")
    write_newer_releases(folder / "wheels")
    for lock in LOCKS:
        lines = []
        for package in read_lock(lock):
            stub = write_stub(folder / "wheels", package.name, package.version)
            marker = f" ; {package.marker}" if package.marker else ""
            lines.append(f"{package.name}=={package.version}{marker} --hash=sha256:{stub}\n")
        (folder / f"{lock}.txt").write_text("".join(lines))
    return folder


def pip_environment(index: Path) -> dict[str, str]:
    """An environment in which pip sees the stub wheels and nothing else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index / "wheels")}


def applicable(lock: str) -> dict[str, str]:
    """Each package of a lock that this Python on this processor gets, with its version."""
    return {one.name: one.version for one in read_lock(lock) if not one.marker or Marker(one.marker).evaluate()}


@pytest.mark.parametrize("pip", ["oldest", "newest"])
def test_every_lock_resolves_to_what_it_locks_when_everything_has_a_newer_release(
    environments: dict[str, Path], index: Path, pip: str, tmp_path: Path
) -> None:
    resolved = {}
    for lock in LOCKS:
        report = tmp_path / f"{lock}.json"
        options = ["--dry-run", "--ignore-installed", "--report", str(report)]
        finished = subprocess.run(
            [str(INSTALL_LOCKED), "install", str(environments[pip]), *options, str(index / f"{lock}.txt")],
            env=pip_environment(index),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (finished.returncode, finished.stderr) == (0, "")
        items = [one["metadata"] for one in json.loads(report.read_text())["install"]]
        resolved[lock] = {re.sub(r"[-_.]+", "-", one["name"]).lower(): one["version"] for one in items}
    assert resolved == {lock: applicable(lock) for lock in LOCKS}


def test_the_index_has_the_trap_an_old_pip_that_resolves_takes_a_newer_release(
    environments: dict[str, Path], index: Path
) -> None:
    """A control: without this failure, the test above would prove nothing."""
    words = [
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--ignore-installed",
        "--require-hashes",
        "-r",
        str(index / "dev.txt"),
    ]
    finished = subprocess.run(
        [str(environments["oldest"]), *words], env=pip_environment(index), capture_output=True, text=True, check=False
    )
    assert finished.returncode != 0
    assert "In --require-hashes mode" in finished.stderr
    assert NEWER in finished.stderr


def test_a_failure_quotes_pip_and_names_the_lock(index: Path, tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(f"not-in-this-index==1.0 --hash=sha256:{'0' * 64}\n")
    finished = subprocess.run(
        [str(INSTALL_LOCKED), "install", sys.executable, "--dry-run", str(lock)],
        env=pip_environment(index),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 1
    assert finished.stderr.startswith(f"pip could not install {lock}. It said:\n    ERROR: ")
    assert "No matching distribution found for not-in-this-index==1.0" in finished.stderr
    assert "network" not in finished.stderr


def test_nothing_installs_a_lock_in_another_way() -> None:
    """Every script that calls pip with hashes is the shared one."""
    root = REQUIREMENTS.parent
    scripts = [*root.glob("scripts/*.sh"), *root.glob("systemd/*.sh"), root / "Makefile"]
    calling = [file.name for file in scripts if re.search(r"--require-hashes|pip[^\n#]* -r ", file.read_text())]
    # uv checks in lock.sh what it has just locked; nothing is installed there.
    assert sorted(calling) == ["lock.sh", "locked-packages.sh"]
