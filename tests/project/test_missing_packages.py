"""What each command says where packages of an optional part are missing: one sentence, and never a traceback.

The packages are hidden from a process of its own, as on a machine that has the bare wheel.
"""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sync.missing_package import install_command

ROOT = Path(__file__).resolve().parents[2]
RECORDING = "t_s,hr_bpm\n" + "".join(f"{t},{90 + min(t, 1200) // 20}\n" for t in range(0, 2700, 5))

EXTRAS = {
    "screen": ("pygame", "luma"),
    "diary": ("garmin_fit_sdk", "matplotlib"),
    "device": ("bleak", "dbus_fast", "evdev", "gpiozero", "lgpio", "paho"),
    "server": (
        "argon2",
        "authlib",
        "axes",
        "cryptography",
        "csp",
        "django",
        "django_otp",
        "fhir",
        "joserfc",
        "psycopg",
        "pyarrow",
        "prometheus_client",
        "requests",
        "segno",
        "uvicorn",
        "weasyprint",
        "whitenoise",
    ),
}
EXTRAS["all"] = tuple(name for names in EXTRAS.values() for name in names)
HIDE = """
import os, sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in os.environ["HIDDEN_PACKAGES"].split(","):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
"""
MACHINE = (
    ["--version"],
    ["--help"],
    ["run", "--speed", "100", "--screen", "headless", "--no-sound", "--oled", "none"],
    ["demo", "--speed", "600", "--headless", "--no-sound"],
    ["display", "--png", "now.png"],
    ["sync", "--state"],
    ["sync"],
    ["enrol", "--server", "localhost"],
    ["protocols", "list"],
    ["config", "check"],
    ["config", "show"],
    ["doctor"],
    ["self-test"],
    ["setup"],
    ["upgrade", "nothing"],
    ["sessions", "list"],
    ["sessions", "export", "last", "--format", "fit"],
    ["sessions", "export", "last", "--format", "png"],
    ["participants", "list"],
    ["replay", "recording.csv", "--json"],
    ["replay", "recording.csv", "--png", "out.png"],
    ["replay", "watch.fit", "--json"],
    ["engine", "--stdio"],
)
SERVER = (
    ["--help"],
    ["demo", "--no-stay", "--people", "3"],
    ["init", "clinic", "--clinic", "oslo", "--host", "localhost"],
    ["migrate"],
    ["collect"],
    ["broker"],
    ["enrol-service"],
    ["web"],
    ["machines"],
    ["sessions"],
    ["enroll", "machine-1"],
    ["revoke", "machine-1"],
    ["renew"],
    ["diary", "enter"],
    ["quarantine", "list"],
    ["backup", "b.tar"],
    ["restore", "b.tar", "new"],
    ["account", "list"],
    ["clinic", "list"],
    ["audit", "verify"],
    ["monitoring", "monitoring"],
)
TOLD = "Install it with: pip install "


def said(module: str, words: list[str], hidden: str, folder: Path) -> tuple[int, str, str]:
    """The exit status, standard output and standard error of a command that cannot see an extra's packages."""
    (folder / "hide").mkdir()
    (folder / "hide" / "sitecustomize.py").write_text(HIDE, encoding="utf-8")
    (folder / "recording.csv").write_text(RECORDING, encoding="utf-8")
    (folder / "watch.fit").write_bytes(b"\x0e\x10\x00\x00\x00\x00\x00\x00.FIT\x00\x00")
    finished = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": f"{folder / 'hide'}:{ROOT}",
            "HIDDEN_PACKAGES": ",".join(EXTRAS[hidden]),
            "XDG_DATA_HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "HOME": str(folder),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return finished.returncode, finished.stdout, finished.stderr


@pytest.mark.parametrize("words", MACHINE, ids=" ".join)
def test_with_the_bare_wheel_each_command_works_or_says_in_a_sentence_what_to_do(
    words: list[str], tmp_path: Path
) -> None:
    status, out, errors = said("firmware.cli", words, "all", tmp_path)
    assert "Traceback" not in out + errors
    assert "ModuleNotFoundError" not in out + errors
    assert errors.count(TOLD) <= 1
    assert status in (0, 1, 2)
    if "not installed" in errors:
        assert TOLD in errors or "pip install" in errors


@pytest.mark.parametrize(
    ("hidden", "words", "extra"),
    [
        ("diary", ["replay", "recording.csv", "--png", "out.png"], "diary"),
        ("diary", ["replay", "watch.fit", "--json"], "diary"),
        ("screen", ["run"], "desk"),
        ("screen", ["demo", "--headless"], "desk"),
        ("screen", ["display"], "desk"),
        ("device", ["run"], "desk"),
        ("device", ["sync"], "desk"),
        ("device", ["coach", "--strap", "bluetooth", "--diary", "d.db", "--socket", "s.sock"], "device"),
    ],
    ids=lambda one: one if isinstance(one, str) else " ".join(one),
)
def test_the_extra_that_is_missing_is_named_once(hidden: str, words: list[str], extra: str, tmp_path: Path) -> None:
    status, _, errors = said("firmware.cli", words, hidden, tmp_path)
    assert (status, errors.count(TOLD), "Traceback" in errors) == (2, 1, False), errors
    assert f"[{extra}]" in errors


@pytest.mark.parametrize("words", SERVER, ids=" ".join)
def test_without_the_servers_packages_each_of_its_commands_says_how_to_install_them(
    words: list[str], tmp_path: Path
) -> None:
    status, out, errors = said("server", words, "server", tmp_path)
    assert (status, out, len(errors.splitlines())) == (1, "", 1), errors
    assert TOLD in errors
    assert "[server]" in errors


def test_a_recording_is_replayed_with_nothing_but_the_bare_wheel(tmp_path: Path) -> None:
    status, out, errors = said("firmware.cli", ["replay", "recording.csv", "--json"], "all", tmp_path)
    assert (status, '"completed": true' in out) == (0, True)
    assert "150 bpm, its highest rate, was taken as HRmax" in errors


@pytest.mark.parametrize(
    ("recorded", "command"),
    [
        (None, "pip install 'interval-coach[server]'"),
        ("", "pip install 'interval-coach[server]'"),
        ('{"url": "file:///gone/interval_coach-1-py3-none-any.whl"}', "pip install 'interval-coach[server]'"),
        ('{"url": "file://FOLDER/a.whl", "archive_info": {}}', "pip install 'FOLDER/a.whl[server]'"),
        ('{"url": "file://FOLDER", "dir_info": {"editable": true}}', "pip install -e 'FOLDER[server]'"),
        ('{"url": "https://example.org/a.whl"}', "pip install 'interval-coach[server]'"),
    ],
)
def test_the_command_takes_the_extra_from_where_the_installation_came_from(
    recorded: str | None, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.whl").touch()

    class Recorded:
        def read_text(self, _name: str) -> str | None:
            return recorded and recorded.replace("FOLDER", str(tmp_path))

    monkeypatch.setattr(importlib.metadata, "distribution", lambda _name: Recorded())
    assert install_command("server") == command.replace("FOLDER", str(tmp_path))
