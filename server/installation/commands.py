"""The commands for the system itself: install, uninstall, upgrade, rollback, health. None of them needs Django."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from server.clinic_folder.settings import FOLDER_VARIABLE, read_clinic
from server.installation.host import read_health
from server.installation.installing import InstallRequest, install, uninstall
from server.installation.system_files import FOLDER, SystemPlaces
from server.installation.upgrading import rollback, upgrade

Command = Callable[[str, Callable[[argparse.Namespace], int | None], str], argparse.ArgumentParser]
WITHOUT_CLINIC = ("install", "uninstall", "upgrade", "rollback")
"""Commands whose --dir has a usual value of its own."""


def add_commands(command: Command) -> None:
    """Add them."""
    one = command("install", _install, "make account, clinic and services of systemd on this computer, and start them")
    one.add_argument("--clinic", required=True, help="its name on the wire: small letters, digits, hyphens")
    one.add_argument("--host", required=True, help="name or address by which machines and browsers reach this server")
    one.add_argument("--existing-broker", metavar="HOST", help="a broker stands there; none is started here")
    one.add_argument("--listen", default="", metavar="ADDRESS", help="be reached there only (every address)")
    one.add_argument("--no-start", action="store_false", dest="start", help="start and enable nothing")
    command("uninstall", _uninstall, "stop and remove the services; the clinic's data stay")
    newer = command("upgrade", _upgrade, "install a newer package, try it on a copy of the data, and change over")
    newer.add_argument("wheel", type=Path, metavar="WHEEL", help="interval_coach-VERSION-py3-none-any.whl")
    newer.add_argument("--unverified", action="store_true", help="take a package that no known key has signed")
    newer.add_argument("--trial-database", metavar="URL", help="an empty PostgreSQL database for the copy")
    back = command("rollback", _rollback, "return to the version and the data before the newest upgrade")
    back.add_argument("--yes", action="store_true", help="what was stored since the upgrade may be lost")
    health = command(
        "health", _health, "what waits; 0 where pages and database answer and the access log is whole, else 1"
    )
    health.add_argument("--wait", type=float, default=5.0, metavar="SECONDS", help="so long at most (5)")


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Add --dir with the place of an installed clinic."""
    parser.add_argument("--dir", type=Path, default=FOLDER, help="the clinic's folder (%(default)s)")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _places(given: argparse.Namespace) -> SystemPlaces:
    return SystemPlaces(folder=given.dir.resolve())


def _install(given: argparse.Namespace) -> None:
    words = []
    if given.existing_broker:
        words += ["--existing-broker", given.existing_broker]
    if given.listen:
        words += ["--listen", given.listen]
    request = InstallRequest(
        clinic=given.clinic,
        host=given.host,
        init=tuple(words),
        start=given.start,
        own_broker=not given.existing_broker,
    )
    install(_places(given), request, _say)


def _uninstall(given: argparse.Namespace) -> None:
    uninstall(_places(given), _say)


def _upgrade(given: argparse.Namespace) -> None:
    upgrade(_places(given), given.wheel, _say, trial_database=given.trial_database, unverified=given.unverified)


def _rollback(given: argparse.Namespace) -> None:
    rollback(_places(given), _say, lose=given.yes)


def _health(given: argparse.Namespace) -> int:
    clinic = read_clinic(Path(given.dir or os.environ.get(FOLDER_VARIABLE) or "."))
    found = read_health(clinic.settings, given.wait)
    if found is None:
        _say("The pages do not answer: journalctl -u interval-coach-server@web")
        return 1
    _say("ready")
    for name, value in found.items():
        _say(f"  {name.replace('_', ' ')}: {'–' if value is None else value}")
    if found.get("access_log") == "broken":
        _say("The access log is broken: 'interval-coach-server audit verify' says where.")
        return 1
    return 0
