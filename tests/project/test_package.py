"""The package as it is built, and the set-up that installs it."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("coach", "display", "firmware", "server", "sync")


def committed_sources(target: Path) -> list[str]:
    """Copies the rooms and what a build needs to `target`; gives the names of all files of the rooms."""
    if not (ROOT / ".git").exists():
        pytest.skip("this copy was not made by git, so nothing says which files belong to it")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    for name in names:
        if name.startswith((*ROOMS, "systemd/", "requirements/")) or "/" not in name:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return [name for name in names if name.startswith(tuple(f"{room}/" for room in ROOMS))]


def built_wheel(sources: Path, path: str) -> tuple[set[str], str]:
    """The names inside a wheel built with `path` as the search path for programs, and what the build said."""
    finished = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-v", "--no-deps", "--no-build-isolation", "--wheel-dir", "built", "."],
        cwd=sources,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    [wheel] = (sources / "built").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist()), finished.stdout + finished.stderr


def test_the_wheel_holds_every_room_the_licence_and_a_voice_for_each_language(tmp_path: Path) -> None:
    if shutil.which("espeak-ng") is None:
        pytest.skip("no espeak-ng here, so no voice can be built")
    rooms = committed_sources(tmp_path)
    names, _ = built_wheel(tmp_path, os.environ["PATH"])
    assert set(rooms) - names == set()
    assert [name for name in names if name.endswith("/licenses/LICENSE")] != []
    assert {"display/voices/nb/hold.wav", "display/voices/en/hold.wav"} - names == set()
    assert [name for name in names if name.startswith(("tests/", "benchmarks/", "scripts/", "docs/"))] == []
    shared = {name.partition("/data/share/interval-coach/")[2] for name in names if "/data/share/" in name}
    wanted = {"device.txt", "server.txt", "systemd/install.sh", "systemd/units/interval-coach-coach.service"}
    assert wanted - shared == set()


def test_what_is_in_the_wheel_runs_outside_the_checkout(tmp_path: Path) -> None:
    """Files that only a checkout has would be missed here. What missing packages say is in test_missing_packages.py."""
    committed_sources(tmp_path / "sources")
    built_wheel(tmp_path / "sources", os.environ["PATH"])
    [wheel] = (tmp_path / "sources" / "built").glob("*.whl")
    unpacked, elsewhere = tmp_path / "unpacked", tmp_path / "elsewhere"
    elsewhere.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    shutil.rmtree(tmp_path / "sources")
    (elsewhere / "r.csv").write_text(
        "t_s,hr_bpm\n" + "".join(f"{t},{90 + min(t, 1200) // 20}\n" for t in range(0, 2700, 5)), encoding="utf-8"
    )

    def ran(module: str, *words: str, given: str = "") -> str:
        finished = subprocess.run(
            [sys.executable, "-m", module, *words],
            cwd=elsewhere,
            env={**os.environ, "PYTHONPATH": str(unpacked)},
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    assert '"completed": true' in ran("firmware.cli", "replay", "r.csv", "--json")
    plan = '{"type":"plan","t":0,"participant":"p1","protocol":"4x4","hr_max_bpm":185,"age":35}\n'
    assert '"stage":"ready"' in ran("firmware.cli", "engine", "--stdio", given=plan)
    assert ran("server", "init", "clinic", "--clinic", "oslo", "--host", "localhost")
    assert "interval-coach-alerts.yml" in ran("server", "monitoring", "monitoring")


def test_without_a_synthesiser_the_wheel_is_built_without_voices_and_the_build_says_so(tmp_path: Path) -> None:
    rooms = committed_sources(tmp_path)
    names, said = built_wheel(tmp_path, str(tmp_path / "no-programs-here"))
    assert set(rooms) - names == set()
    assert [name for name in names if name.startswith("display/voices/")] == []
    assert "espeak-ng is not installed, so no voice pack was built" in said


def set_up(lock: str, path: str) -> tuple[int, str]:
    finished = subprocess.run(
        ["bash", "scripts/set-up.sh", lock],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return finished.returncode, finished.stderr


def test_set_up_refuses_a_lock_that_does_not_exist() -> None:
    assert set_up("phone", os.environ["PATH"]) == (
        1,
        "set-up: there is no lock «phone». Choose dev, demo, desk, device or server.\n",
    )


def test_set_up_refuses_a_32_bit_system_and_says_what_to_install(tmp_path: Path) -> None:
    uname = tmp_path / "uname"
    uname.write_text("#!/bin/sh\necho armv7l\n")
    uname.chmod(0o755)
    status, said = set_up("device", f"{tmp_path}:{os.environ['PATH']}")
    assert status == 1
    assert said.startswith("set-up: this is armv7l")
    assert said.endswith("on a Raspberry Pi 3 or newer, install the 64-bit Raspberry Pi OS.\n")
