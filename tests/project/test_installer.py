"""What the installer edits, each time the same; the whole of it is tried by `make test-install`."""

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from firmware.commands.machine import SourceError, unpack_installer

ROOT = Path(__file__).resolve().parents[2]
SYSTEMD = ROOT / "systemd"
WANTED = ("dtparam=i2c_arm=on", "dtparam=audio=on")

BOOT_CONFIG = """\
# For more options and information see the documentation
#dtparam=i2c_arm=on
dtparam=audio=on

[cm4]
otg_mode=1

[pi5]
dtparam=i2c_arm=on

[all]
"""


def boot_config(*words: str) -> str:
    """Runs the script that edits config.txt; gives what it said."""
    return subprocess.run(
        ["bash", str(SYSTEMD / "boot-config.sh"), *words], check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.txt"
    path.write_text(BOOT_CONFIG, encoding="utf-8")
    return path


def in_force(text: str) -> list[str]:
    """The lines that hold for every Pi."""
    section, lines = "[all]", []
    for line in text.splitlines():
        if line.startswith("["):
            section = line
        elif section == "[all]" and line and not line.startswith("#"):
            lines.append(line)
    return lines


def test_what_is_missing_for_every_pi_is_added_and_only_that(file: Path) -> None:
    assert boot_config("add", str(file), *WANTED) == "dtparam=i2c_arm=on\n"
    assert in_force(file.read_text(encoding="utf-8")) == ["dtparam=audio=on", "dtparam=i2c_arm=on"]
    assert file.read_text(encoding="utf-8").startswith(BOOT_CONFIG)


def test_a_second_run_changes_nothing_and_says_nothing(file: Path) -> None:
    boot_config("add", str(file), *WANTED)
    before = (file.read_bytes(), file.stat().st_mtime_ns)
    assert boot_config("add", str(file), *WANTED) == ""
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


BOOT_LINE = 'console=serial0,115200 console=tty1 root=PARTUUID=4e639091-02 rootwait quiet name="a b"\r\n'
QUIET = ("console=tty1>console=tty3", "quiet", "loglevel=3")


@pytest.fixture
def line(tmp_path: Path) -> Path:
    path = tmp_path / "cmdline.txt"
    path.write_text(BOOT_LINE, encoding="utf-8", newline="")
    return path


def test_the_boots_messages_are_moved_from_the_participants_terminal_once(line: Path) -> None:
    assert boot_config("add-words", str(line), *QUIET) == "console=tty3\nloglevel=3\n"
    quiet = 'console=serial0,115200 console=tty3 root=PARTUUID=4e639091-02 rootwait quiet name="a b" loglevel=3\n'
    assert line.read_text(encoding="utf-8") == quiet
    assert boot_config("add-words", str(line), *QUIET) == ""
    assert line.read_text(encoding="utf-8") == quiet


def test_words_that_stood_there_before_stay_when_the_others_are_taken_out(line: Path) -> None:
    boot_config("add-words", str(line), *QUIET)
    line.write_text(line.read_text(encoding="utf-8").replace("rootwait", "rootwait somebodys=own"), encoding="utf-8")
    assert boot_config("remove-words", str(line), *QUIET) == "console=tty3\nloglevel=3\n"
    expected = BOOT_LINE.strip().replace("rootwait", "rootwait somebodys=own")
    assert line.read_text(encoding="utf-8") == expected + "\n"
    assert boot_config("remove-words", str(line), *QUIET) == ""


def test_a_line_without_a_terminals_console_keeps_the_consoles_that_it_has(line: Path) -> None:
    line.write_text("console=ttyS0 root=/dev/vda\n", encoding="utf-8")
    assert boot_config("add-words", str(line), *QUIET) == "quiet\nloglevel=3\n"
    assert line.read_text(encoding="utf-8") == "console=ttyS0 root=/dev/vda quiet loglevel=3\n"


def test_a_later_line_joins_the_earlier_ones(file: Path) -> None:
    boot_config("add", str(file), *WANTED)
    assert boot_config("add", str(file), "dtoverlay=hifiberry-dac") == "dtoverlay=hifiberry-dac\n"
    assert in_force(file.read_text(encoding="utf-8")) == [
        "dtparam=audio=on",
        "dtparam=i2c_arm=on",
        "dtoverlay=hifiberry-dac",
    ]
    assert file.read_text(encoding="utf-8").count("begin interval-coach") == 1


def test_taking_it_away_leaves_the_file_as_it_was(file: Path) -> None:
    boot_config("add", str(file), *WANTED, "dtoverlay=hifiberry-dac")
    boot_config("remove", str(file))
    assert file.read_text(encoding="utf-8") == BOOT_CONFIG
    assert file.with_name("config.txt.before-interval-coach").read_text(encoding="utf-8") == BOOT_CONFIG


def test_a_file_written_on_windows_is_understood(file: Path) -> None:
    file.write_bytes(BOOT_CONFIG.replace("\n", "\r\n").encode())
    assert boot_config("add", str(file), "dtparam=audio=on") == ""


def test_only_root_can_install(tmp_path: Path) -> None:
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("nobody else to be here: no setpriv")
    # Outside the checkout, which another account may not be able to read.
    script = tmp_path / "systemd" / "install.sh"
    script.parent.mkdir()
    shutil.copy2(SYSTEMD / "install.sh", script)
    (tmp_path / "pyproject.toml").touch()
    as_nobody = ["setpriv", "--reuid", "65534", "--clear-groups"] if os.geteuid() == 0 else []
    with script.open("rb") as source:
        finished = subprocess.run(
            [*as_nobody, "bash", "-s"], stdin=source, cwd="/", capture_output=True, text=True, check=False
        )
    assert finished.returncode == 1
    assert "only root can install" in finished.stderr or "no checkout" in finished.stderr


def test_words_that_the_installer_does_not_know_change_nothing() -> None:
    finished = subprocess.run(
        ["bash", str(SYSTEMD / "install.sh"), "remove"], capture_output=True, text=True, check=False
    )
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "uninstall" in finished.stderr


def keep_sessions(run: Path, state: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(SYSTEMD / "keep-sessions.sh"), str(run), str(state)], capture_output=True, text=True, check=False
    )


def test_sessions_in_memory_are_copied_to_the_card_before_their_folder_is_taken_away(tmp_path: Path) -> None:
    run, state = tmp_path / "run", tmp_path / "state"
    run.mkdir()
    state.mkdir()
    nothing = keep_sessions(run, state)
    assert (nothing.returncode, nothing.stdout, list(state.iterdir())) == (0, "", [])
    (run / "diary-in-memory.db").write_bytes(b"one")
    (run / "diary-in-memory.db-wal").write_bytes(b"log")
    assert keep_sessions(run, state).stdout == f"{state / 'diary-in-memory.db'}\n"
    (run / "diary-in-memory.db").write_bytes(b"two")
    assert keep_sessions(run, state).stdout == f"{state / 'diary-in-memory-2.db'}\n"
    assert {path.name: path.read_bytes() for path in state.iterdir()} == {
        "diary-in-memory.db": b"one",
        "diary-in-memory.db-wal": b"log",
        "diary-in-memory-2.db": b"two",
        "diary-in-memory-2.db-wal": b"log",
    }


def test_sessions_in_memory_that_cannot_be_copied_stay_there(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "diary-in-memory.db").write_bytes(b"one")
    assert keep_sessions(run, tmp_path / "no card").returncode == 1
    assert (run / "diary-in-memory.db").read_bytes() == b"one"


def test_taking_it_away_keeps_the_sessions_in_memory_before_it_removes_their_folder() -> None:
    script = (SYSTEMD / "install.sh").read_text(encoding="utf-8").partition("uninstall_all() {")[2]
    assert script.index("mktemp") < script.index("systemctl stop") < script.index('rm -rf "$opt"')
    assert script.index('bash -c "$keep"') < script.index('rm -rf "/run/$name"')


def test_a_packages_installer_is_unpacked_and_can_be_run(tmp_path: Path) -> None:
    package = tmp_path / "interval_coach-9-py3-none-any.whl"
    with zipfile.ZipFile(package, "w") as archive:
        inside = "interval_coach-9.data/data/share/interval-coach/systemd/"
        archive.writestr(inside + "install.sh", "#!/bin/sh\necho new\n")
        archive.writestr(inside + "units/one.service", "[Unit]\n")
        archive.writestr(inside + "../../outside", "no")
    installer = unpack_installer(package, tmp_path / "unpacked")
    assert subprocess.run([str(installer)], capture_output=True, text=True, check=True).stdout == "new\n"
    unpacked = sorted(path.name for path in (tmp_path / "unpacked").rglob("*") if path.is_file())
    assert unpacked == ["install.sh", "one.service"]


@pytest.mark.parametrize("content", [b"", b"not a package"])
def test_what_is_no_package_is_refused(tmp_path: Path, content: bytes) -> None:
    package = tmp_path / "interval_coach-9-py3-none-any.whl"
    package.write_bytes(content)
    with pytest.raises(SourceError, match="copied whole"):
        unpack_installer(package, tmp_path / "unpacked")
