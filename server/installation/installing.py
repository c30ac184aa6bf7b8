"""`interval-coach-server install` and `uninstall`: the clinic's server as services of this computer."""

import os
import pwd
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from server.clinic_folder.settings import read_clinic
from server.installation.host import make_account, pages_answer, require_root, run_version, systemctl, systemd_runs
from server.installation.system_files import (
    ACCOUNT,
    SERVICES,
    TARGET,
    TIMERS,
    InstallError,
    SystemPlaces,
    link_current,
    remove_system_files,
    unit_name,
    write_system_files,
)

HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 - places that services must not use
"""Services see nothing below these (ProtectHome, PrivateTmp)."""

Say = Callable[[str], None]


class InstallRequest(Struct, frozen=True, kw_only=True):
    """What an installation was asked for. `init`: further words for `interval-coach-server init`."""

    clinic: str
    host: str
    init: tuple[str, ...] = ()
    start: bool = True
    own_broker: bool = True


def install(places: SystemPlaces, request: InstallRequest, say: Say) -> None:
    """Make account, clinic and services, and start them. Run again, it keeps what is there. Raises InstallError."""
    require_root()
    _check_version(places)
    if request.own_broker and shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin") is None:
        raise InstallError("mosquitto is not installed. Debian: apt-get install mosquitto. Nothing was changed.")
    make_account(places)
    _make_folder(places.folder)
    say(f"The account {ACCOUNT} owns {places.folder}.")
    words = ["init", str(places.folder), "--clinic", request.clinic, "--host", request.host, *request.init]
    run_version(places.version, words, places.folder)
    say(f"The clinic «{request.clinic}» is in {places.folder}.")
    link_current(places, places.version)
    written = write_system_files(places)
    say(
        f"{len(written)} files of the system are new or changed." if written else "The system's files are as they were."
    )
    if not request.own_broker:
        say("Another broker stands there: interval-coach-server init printed what it needs when it was first run.")
    if not request.start or not systemd_runs(places):
        say(f"Nothing was started. Later: systemctl enable --now {' '.join(_units(request))}")
        return
    _free_broker_port(say)
    systemctl("daemon-reload")
    systemctl("enable", "--quiet", TARGET, *TIMERS, *_services(request))
    systemctl("start", *TIMERS)
    systemctl("restart", *_services(request))
    systemctl("start", TARGET)
    settings = read_clinic(places.folder).settings
    if not pages_answer(settings):
        raise InstallError(
            f"The services were started, but the pages do not answer on port {settings.web_port}. Look at: "
            "journalctl -u 'interval-coach-server@*' -n 50"
        )
    say(f"The pages answer on port {settings.web_port}. The first who logs in, who lets the others in:")
    say("  interval-coach-server account add NAME --role clinic_admin")
    say("Each machine:")
    say("  interval-coach-server enroll MACHINE")


def uninstall(places: SystemPlaces, say: Say) -> None:
    """Stop and remove the services. The clinic's folder, its database and the account stay. Raises InstallError."""
    require_root()
    if systemd_runs(places):
        systemctl("disable", "--now", "--quiet", *TIMERS, TARGET, *map(unit_name, SERVICES), may_fail=True)
    removed = remove_system_files(places)
    if systemd_runs(places):
        systemctl("daemon-reload")
    for path in removed:
        say(f"Removed: {path}")
    say(
        f"The clinic's data stay in {places.folder}, with the account {ACCOUNT}; the programs stay in "
        f"{places.version.parent}."
    )
    say(
        "The same «install» starts the server again. Delete the folder only when its backup is no longer needed either."
    )


def _units(request: InstallRequest) -> list[str]:
    return [TARGET, *TIMERS, *_services(request)]


def _services(request: InstallRequest) -> list[str]:
    return [unit_name(one) for one in SERVICES if one != "broker" or request.own_broker]


def _check_version(places: SystemPlaces) -> None:
    version = places.version
    if sys.prefix == sys.base_prefix:
        raise InstallError(
            "This is the system's own Python. Install interval-coach into a virtual environment: "
            "python3 -m venv /opt/interval-coach-server/first"
        )
    if str(version).startswith(HIDDEN):
        raise InstallError(
            f"{version} cannot be seen by services. Make the virtual environment below /opt, for example: "
            "python3 -m venv /opt/interval-coach-server/first"
        )
    if version.name == "current":
        raise InstallError(f"{version} is the link's own name. Name the virtual environment otherwise.")


def _make_folder(folder: Path) -> None:
    account = pwd.getpwnam(ACCOUNT)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "backups").mkdir(mode=0o700, exist_ok=True)
    for path in (folder, *folder.rglob("*")):
        # An older installation, or commands run as root, may have left files that the services cannot use.
        if path.lstat().st_uid != account.pw_uid:
            os.lchown(path, account.pw_uid, account.pw_gid)


def _free_broker_port(say: Say) -> None:
    """Switch Debian's own mosquitto service off: the clinic's broker is a service of its own."""
    if systemctl("is-enabled", "mosquitto.service", may_fail=True).strip() == "enabled":
        systemctl("disable", "--now", "--quiet", "mosquitto.service")
        say("Debian's own mosquitto service is switched off; the clinic's broker runs as interval-coach-server@broker.")
