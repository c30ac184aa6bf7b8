"""The programs of the system that an installation runs: systemd, accounts, and each version's own commands."""

import os
import pwd
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from server.clinic_folder.settings import ClinicSettings
from server.installation.system_files import ACCOUNT, ENVIRONMENT, FOLDER, InstallError, SystemPlaces

READY_WITHIN_S = 120.0
_MOST_HEALTH_BYTES = 64 * 1024
_USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def require_root() -> None:
    """Raise InstallError unless this process is root's."""
    if os.geteuid() != 0:
        raise InstallError("Only root may change this computer's services. Run it again with sudo.")


def systemd_runs(places: SystemPlaces) -> bool:
    """Return whether systemd runs this very system."""
    return places.root == Path("/") and Path("/run/systemd/system").is_dir()


def systemctl(*words: str, may_fail: bool = False) -> str:
    """Run systemctl. Return its output. Raises InstallError."""
    return run_program(["systemctl", *words], may_fail=may_fail)


def run_program(words: Sequence[str], *, may_fail: bool = False) -> str:
    """Run a program of the system. Return its output. Raises InstallError with its last words."""
    program = shutil.which(words[0], path=_USUAL_PATH)
    if program is None:
        raise InstallError(f"{words[0]} is not installed here, and this needs it.")
    done = subprocess.run([program, *words[1:]], capture_output=True, text=True, check=False)  # noqa: S603 - words of our own
    if done.returncode and not may_fail:
        raise InstallError(f"{' '.join(words[:3])} failed: {_last_words(done.stderr or done.stdout)}")
    return done.stdout


def make_account(places: SystemPlaces) -> None:
    """Make the account that owns the clinic's folder, without password or shell. Raises InstallError."""
    try:
        pwd.getpwnam(ACCOUNT)
    except KeyError:
        run_program(
            [
                *("useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"),
                *("--home-dir", str(places.folder), ACCOUNT),
            ]
        )


def settings_of_services() -> dict[str, str]:
    """Return the variables of ENVIRONMENT, as systemd reads them."""
    try:
        lines = ENVIRONMENT.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    pairs = (line.strip().partition("=") for line in lines if "=" in line and not line.lstrip().startswith(("#", ";")))
    return {name: value.strip().strip("'\"") for name, _, value in pairs}


def run_version(
    version: Path,
    words: Sequence[str],
    folder: Path = FOLDER,
    more: Mapping[str, str] | None = None,
    program: str = "interval-coach-server",
) -> str:
    """Run a version's own interval-coach-server as the clinic's account. Return its output. Raises InstallError."""
    account = pwd.getpwnam(ACCOUNT)
    done = subprocess.run(  # noqa: S603 - our own program
        [str(version / "bin" / program), *words],
        user=account.pw_uid,
        group=account.pw_gid,
        extra_groups=[],
        umask=0o077,
        cwd=folder,
        env={
            "PATH": _USUAL_PATH,
            "HOME": "/tmp",  # noqa: S108 - no file is written there; the account has no home of its own
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "INTERVAL_COACH_SERVER": str(folder),
            **settings_of_services(),
            **(more or {}),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise InstallError(f"{program} {words[0]} failed: {_last_words(done.stderr or done.stdout)}")
    return done.stdout


def pages_answer(settings: ClinicSettings, within_s: float = READY_WITHIN_S) -> bool:
    """Return whether the pages of this computer say that they are ready, waiting so long at most."""
    return read_health(settings, within_s) is not None


def read_health(settings: ClinicSettings, within_s: float = READY_WITHIN_S) -> dict[str, object] | None:
    """Return what the pages of this computer say of themselves; None where they are not ready within this time."""
    until_s = time.monotonic() + within_s
    # Only whether it answers: the certificate is of the clinic's own authority, and nothing is sent.
    context = ssl._create_unverified_context()  # noqa: S323, SLF001 - as said above
    while time.monotonic() < until_s:
        for scheme in ("https", "http"):
            try:
                address = f"{scheme}://127.0.0.1:{settings.web_port}/health/ready"
                asked = urllib.request.Request(address, headers={"Host": settings.host})  # noqa: S310 - loopback
                with urllib.request.urlopen(asked, timeout=5, context=context) as answer:  # noqa: S310 - as above
                    if answer.status == 200:  # noqa: PLR2004 - HTTP's own number
                        return msgspec.json.decode(answer.read(_MOST_HEALTH_BYTES), type=dict[str, object])
            except (OSError, ValueError, msgspec.MsgspecError):
                continue
        time.sleep(0.5)
    return None


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[-3:])[:600] or "it said nothing"
