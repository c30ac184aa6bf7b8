"""What the machine's services are allowed, and the files that the installer puts into /etc."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from firmware.system.supervisor import LEAN

ROOT = Path(__file__).resolve().parents[2]
SYSTEMD = ROOT / "systemd"
SERVICES = sorted(path.name for path in (SYSTEMD / "units").glob("*.service"))
LEADING = ("interval-coach-coach.service", "interval-coach-display.service", "interval-coach-sync.service")
WORST_EXPOSURE = 20
"""In tenths, as `--threshold` takes it: 2.0."""

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd-analyze here (Debian: the package systemd)"
)


def settings(unit: str) -> dict[str, list[str]]:
    """The values of each key of a unit, in order."""
    found: dict[str, list[str]] = {}
    for line in (SYSTEMD / "units" / unit).read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


@needs_systemd
@pytest.mark.parametrize("unit", SERVICES)
def test_the_sandbox_of_every_service_is_tight(unit: str) -> None:
    threshold = f"--threshold={WORST_EXPOSURE}"
    finished = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", threshold, str(SYSTEMD / "units" / unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    found = re.search(r"exposure level for .*: ([\d.]+)", finished.stdout)
    assert found is not None
    print(f"{unit}: exposure {found[1]}, target ≤ {WORST_EXPOSURE / 10}")  # noqa: T201 - a figure with its target


@needs_systemd
def test_systemd_finds_no_fault_with_any_unit(tmp_path: Path) -> None:
    units = tmp_path / "etc/systemd/system"
    shutil.copytree(SYSTEMD / "units", units)
    # What the units start and wait for stands in the system, not in this checkout.
    for version in ("current", "steady"):
        for program in ("interval-coach", "python"):
            _make_program(tmp_path / "opt/interval-coach" / version / "bin" / program)
        guard = tmp_path / "opt/interval-coach" / version / "share/interval-coach/systemd/version-guard.sh"
        _make_program(guard)
    _make_program(tmp_path / "bin/sh")
    finished = subprocess.run(
        ["systemd-analyze", "verify", f"--root={tmp_path}", "--man=no", "--generators=no", "--recursive-errors=no"]
        + [f"/etc/systemd/system/{path.name}" for path in sorted(units.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (finished.returncode, finished.stdout + finished.stderr) == (0, "")


def _make_program(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.mark.parametrize("unit", LEADING)
def test_a_service_is_watched_started_again_for_ever_and_waits_for_no_network(unit: str) -> None:
    found = settings(unit)
    assert (found["Type"], found["Restart"], found["StartLimitIntervalSec"]) == (["notify"], ["always"], ["0"])
    assert found["WatchdogSec"] != []
    waits_for = " ".join(found["After"] + found.get("Requires", []) + found.get("Wants", []))
    assert "network" not in waits_for
    assert "time-sync" not in waits_for


@pytest.mark.parametrize("unit", LEADING)
def test_a_service_has_the_small_machines_environment(unit: str) -> None:
    environment = dict(pair.partition("=")[::2] for line in settings(unit)["Environment"] for pair in line.split())
    assert {name: environment.get(name) for name in LEAN} == LEAN


@pytest.mark.parametrize("unit", ["interval-coach-coach.service", "interval-coach-display.service"])
def test_coach_and_display_reach_no_network(unit: str) -> None:
    found = settings(unit)
    assert (found["PrivateNetwork"], found["IPAddressDeny"]) == (["yes"], ["any"])
    assert "AF_INET" not in found["RestrictAddressFamilies"][0]


def test_the_display_owns_the_terminal_that_is_shown_and_no_log_in_stands_under_its_picture() -> None:
    found = settings("interval-coach-display.service")
    assert (found["StandardInput"], found["TTYPath"]) == (["tty-force"], ["/dev/tty1"])
    assert {key: found[key] for key in ("TTYReset", "TTYVHangup", "TTYVTDisallocate")} == {
        "TTYReset": ["yes"],
        "TTYVHangup": ["yes"],
        "TTYVTDisallocate": ["yes"],
    }
    assert "/dev/tty1 rw" in found["DeviceAllow"]
    assert found["Conflicts"] == ["getty@tty1.service"]
    assert "getty@tty1.service" in found["After"][0].split()


def test_a_frozen_coach_runs_again_within_fifteen_seconds() -> None:
    found = settings("interval-coach-coach.service")
    limit_s, last_words_s = (float(found[key][0].removesuffix("s")) for key in ("WatchdogSec", "TimeoutAbortSec"))
    pause_s = float(found["RestartSec"][0].removesuffix("ms")) / 1000
    longest_start_s = 5.0
    assert limit_s + last_words_s + pause_s + longest_start_s <= 15


def test_the_courier_owns_the_identity_and_only_the_services_group_may_read_the_rest() -> None:
    lines = (SYSTEMD / "etc/tmpfiles.d/interval-coach.conf").read_text(encoding="utf-8").splitlines()
    folders = {line.split()[1]: tuple(line.split()[2:5]) for line in lines if not line.startswith("#")}
    assert folders["/var/lib/interval-coach/identity"] == ("0750", "interval-coach-sync", "interval-coach")
    for_all = {"/etc/interval-coach", "/etc/interval-coach/protocols"}
    assert {folder for folder, (mode, _, _) in folders.items() if mode[-1] != "0"} == for_all


@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="no systemd-sysusers here")
def test_the_accounts_are_made_without_password_or_shell(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    accounts = SYSTEMD / "etc/sysusers.d/interval-coach.conf"
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", str(accounts)], check=True, capture_output=True)
    users = [line.split(":") for line in (tmp_path / "etc/passwd").read_text(encoding="utf-8").splitlines()]
    names = ["interval-coach", "interval-coach-display", "interval-coach-sync"]
    assert sorted(user[0] for user in users) == names
    assert {user[3] for user in users} == {users[0][3]}
    assert all(user[6].endswith("/nologin") for user in users)


@pytest.mark.skipif(shutil.which("systemd-tmpfiles") is None, reason="no systemd-tmpfiles here")
def test_the_folders_are_made_with_their_rights(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    accounts, folders = (SYSTEMD / f"etc/{kind}.d/interval-coach.conf" for kind in ("sysusers", "tmpfiles"))
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", str(accounts)], check=True, capture_output=True)
    made = subprocess.run(
        ["systemd-tmpfiles", f"--root={tmp_path}", "--create", str(folders)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode and "Operation not permitted" in made.stderr:
        pytest.skip("only root may give folders to other accounts")
    assert (made.returncode, made.stderr) == (0, "")
    modes = {
        name: oct((tmp_path / name).stat().st_mode & 0o7777)
        for name in ("run/interval-coach", "etc/interval-coach", "var/backups/interval-coach")
    }
    assert modes == {
        "run/interval-coach": "0o1770",
        "etc/interval-coach": "0o755",
        "var/backups/interval-coach": "0o700",
    }
