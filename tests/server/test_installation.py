"""The server as services of a computer: its units, its system files, and what an installation refuses.

The whole way, with a booted Debian, is scripts/test-server-install.sh.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from server.cli import main
from server.installation import host, installing
from server.installation.host import settings_of_services
from server.installation.installing import InstallRequest, install
from server.installation.system_files import (
    SERVICES,
    InstallError,
    SystemPlaces,
    link_current,
    remove_system_files,
    rendered,
    unit_name,
    write_system_files,
)
from server.installation.upgrading import rollback, upgrade
from server.sd_notify import notify_ready

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
WORST_EXPOSURE = 25
"""In tenths, as `--threshold` takes it: 2.5."""
MOST_COMMANDS = 12

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd-analyze here (Debian: the package systemd)"
)


@pytest.fixture
def places(tmp_path: Path) -> SystemPlaces:
    version = tmp_path / "opt/interval-coach-server/1.0"
    (version / "bin").mkdir(parents=True)
    return SystemPlaces(version=version, root=tmp_path / "root", folder=Path("/srv/interval-coach"))


def units(places: SystemPlaces) -> list[Path]:
    write_system_files(places)
    return sorted((places.root / "etc/systemd/system").iterdir())


@needs_systemd
def test_the_sandbox_of_each_service_is_tight(places: SystemPlaces) -> None:
    for unit in units(places):
        if unit.suffix != ".service":
            continue
        one = unit.with_name(unit.name.replace("@.", "@web."))
        if one != unit:
            shutil.copy(unit, one)
        finished = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={WORST_EXPOSURE}", str(one)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        found = re.search(r"exposure level for .*: ([\d.]+)", finished.stdout)
        assert found is not None
        print(f"{one.name}: exposure {found[1]}, target ≤ {WORST_EXPOSURE / 10}")  # noqa: T201 - a figure with its target


@needs_systemd
def test_systemd_finds_no_fault_with_any_unit(places: SystemPlaces) -> None:
    names = [unit.name for unit in units(places)]
    program = places.root / places.current.relative_to("/") / "bin/interval-coach-server"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    for service in SERVICES:
        template = places.root / "etc/systemd/system/interval-coach-server@.service"
        shutil.copy(template, template.with_name(unit_name(service)))
    finished = subprocess.run(
        ["systemd-analyze", "verify", f"--root={places.root}", "--man=no", "--generators=no", "--recursive-errors=no"]
        + [f"/etc/systemd/system/{name}" for name in names if "@" not in name]
        + [f"/etc/systemd/system/{unit_name(service)}" for service in SERVICES],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (finished.returncode, finished.stdout + finished.stderr) == (0, "")


def test_every_service_notifies_is_started_again_and_may_hold_many_connections(places: SystemPlaces) -> None:
    text = (places.root / "etc/systemd/system/interval-coach-server@.service") if units(places) else Path()
    lines = text.read_text(encoding="utf-8").splitlines()
    for line in (
        "Type=notify",
        "Restart=always",
        "StartLimitIntervalSec=0",
        "LimitNOFILE=65536",
        "SystemCallFilter=setpriority sched_setaffinity",
        "LimitCORE=0",
    ):
        assert line in lines


def test_files_are_written_once_and_all_of_them_are_removed(places: SystemPlaces) -> None:
    written = write_system_files(places)
    assert set(written) == set(rendered(places))
    assert [path for path, (text, _) in rendered(places).items() if re.search("@[A-Z]+@", text)] == []
    assert write_system_files(places) == ()
    command = places.root / "usr/local/bin/interval-coach-server"
    assert command.stat().st_mode & 0o777 == 0o755
    assert set(remove_system_files(places)) == set(written)
    assert [path for path in places.root.rglob("*") if path.is_file()] == []


def test_the_version_in_use_changes_in_one_step(places: SystemPlaces) -> None:
    newer = places.version.with_name("2.0")
    newer.mkdir()
    for version in (places.version, newer, places.version):
        link_current(places, version)
        assert places.current.resolve() == version


REQUEST = InstallRequest(clinic="oslo", host="localhost")


def test_only_root_may_install(places: SystemPlaces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for act in (
        lambda: install(places, REQUEST, print),
        lambda: upgrade(places, Path("a.whl"), print),
        lambda: rollback(places, print),
    ):
        with pytest.raises(InstallError, match="sudo"):
            act()
    assert not places.root.exists()


@pytest.mark.parametrize(
    ("version", "said"),
    [
        (str(Path("/home", "kari", "venv")), "cannot be seen by services"),
        (str(Path("/root", "venv")), "cannot be seen by services"),
        ("/opt/interval-coach-server/current", "the link's own name"),
    ],
)
def test_a_place_that_services_cannot_use_is_refused(
    version: str, said: str, places: SystemPlaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host.os, "geteuid", lambda: 0)
    with pytest.raises(InstallError, match=said):
        install(SystemPlaces(version=Path(version), root=places.root), REQUEST, print)


def test_without_mosquitto_nothing_is_changed(places: SystemPlaces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host.os, "geteuid", lambda: 0)
    monkeypatch.setattr(installing, "HIDDEN", ())
    monkeypatch.setattr(installing.shutil, "which", lambda *_words, **_more: None)
    with pytest.raises(InstallError, match="apt-get install mosquitto"):
        install(places, REQUEST, print)
    assert not places.root.exists()


def test_a_rollback_without_an_upgrade_is_refused(places: SystemPlaces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host.os, "geteuid", lambda: 0)
    with pytest.raises(InstallError, match="No upgrade is recorded"):
        rollback(places, print, lose=True)


def test_the_services_variables_are_read_as_systemd_reads_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "env"
    monkeypatch.setattr(host, "ENVIRONMENT", file)
    assert settings_of_services() == {}
    file.write_text("# a note\n\nDATABASE_URL='postgresql://a:b=c@h/n'\n; B=1\nA=1\n", encoding="utf-8")
    assert settings_of_services() == {"DATABASE_URL": "postgresql://a:b=c@h/n", "A": "1"}


def test_a_backup_into_a_folder_is_named_by_the_time_and_only_the_newest_stay(tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    for day in range(1, 9):
        (backups / f"interval-coach-202601{day:02}T030000Z.tar").touch()
    (backups / "mine.tar").touch()
    program = [sys.executable, "-m", "server"]
    clinic = str(tmp_path / "clinic")
    subprocess.run([*program, "init", clinic, "--clinic", "oslo", "--host", "localhost"], check=True, cwd=ROOT)
    subprocess.run([*program, "backup", str(backups), "--keep", "3", "--dir", clinic], check=True, cwd=ROOT)
    left = sorted(path.name for path in backups.glob("*.tar"))
    assert left[:2] == ["interval-coach-20260107T030000Z.tar", "interval-coach-20260108T030000Z.tar"]
    assert (len(left), left[-1]) == (4, "mine.tar")


def test_a_service_that_is_ready_says_so_to_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        notify_ready("The pages are served.")
        assert systemd.recv(200) == b"READY=1\nSTATUS=The pages are served."
    notify_ready("Nobody listens any more, which is no fault.")


@pytest.mark.parametrize("way", ["wheel", "archive"])
def test_each_documented_way_has_few_commands_and_ends_with_a_machines_code(way: str) -> None:
    """The commands themselves are run by scripts/test-server-install.sh."""
    found = re.search(rf"^<!-- {way} -->\n((?:    .*\n)+)", OPERATIONS, re.MULTILINE)
    assert found is not None
    commands = [line.strip() for line in found[1].splitlines()]
    assert len(commands) <= MOST_COMMANDS
    assert commands[-1].startswith("interval-coach-server enroll ")
    assert "--clinic trondheim --host coach.example.no" in " ".join(commands)


def test_every_command_is_in_the_operators_document(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    names = re.findall(r"^    ([a-z][a-z-]+)(?: |$)", capsys.readouterr().out, re.MULTILINE)
    assert "install" in names
    assert [name for name in names if f"interval-coach-server {name}" not in OPERATIONS] == []


def test_health_says_where_no_pages_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "clinic.toml").write_text('clinic = "oslo"\nhost = "localhost"\nweb_port = 1\n', encoding="utf-8")
    assert main(["health", "--dir", str(tmp_path), "--wait", "0.1"]) == 1
    assert "journalctl" in capsys.readouterr().out
