"""`interval-coach-server upgrade` and `rollback`: another version, tried on a copy of the data before it is used.

A version is a virtual environment below /opt/interval-coach-server; the link `current` names the one in use. An upgrade
installs the new one beside the others, lets it migrate a copy of the database, and only then stops the services. Where
the new version does not answer, the one before and its data come back by themselves.
"""

import os
import pwd
import re
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from server.clinic_folder.restored_mark import FILE as MARK_FILE
from server.clinic_folder.settings import ClinicFolder, read_clinic
from server.installation.host import (
    pages_answer,
    require_root,
    run_program,
    run_version,
    settings_of_services,
    systemctl,
)
from server.installation.system_files import (
    ACCOUNT,
    SERVICES,
    InstallError,
    SystemPlaces,
    link_current,
    unit_name,
)

Say = Callable[[str], None]


class UpgradeStep(Struct, frozen=True, kw_only=True):
    """The newest upgrade, kept for the way back: both versions, and the backup taken before the database changed."""

    before: str
    after: str
    backup: str


def upgrade(
    places: SystemPlaces, wheel: Path, say: Say, *, trial_database: str | None = None, unverified: bool = False
) -> None:
    """Install a wheel beside the version in use, try it on a copy, and change over. Raises InstallError.

    `unverified`: take a wheel that no known key has signed (docs/release.md).
    """
    require_root()
    clinic = read_clinic(places.folder)
    before = places.current.resolve()
    if not unverified:
        _verify(before, wheel.resolve())
    after = _install_version(places, wheel.resolve(), say)
    try:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        trial = places.folder / "backups" / f"trial-{stamp}.tar"
        run_version(before, ["backup", str(trial)], places.folder)
        try:
            _try_on_copy(places, clinic, after, trial, trial_database)
        finally:
            trial.unlink(missing_ok=True)
        say(f"{after.name}: the migration of a copy of the database went well. The services stop now.")
    except InstallError:
        shutil.rmtree(after, ignore_errors=True)
        raise
    _stop()
    backup = places.folder / "backups" / f"before-{after.name}-{stamp}.tar"
    step = UpgradeStep(before=before.name, after=after.name, backup=str(backup))
    try:
        run_version(before, ["backup", str(backup)], places.folder)
    except InstallError as error:
        _start(places, before)
        raise InstallError(f"{error} {before.name} runs again, and nothing was changed.") from error
    _record(places).write_bytes(msgspec.json.encode(step))
    try:
        run_version(after, ["migrate"], places.folder)
        _start(places, after)
        _require_answer(clinic)
    except InstallError as error:
        _go_back(places, clinic, step)
        raise InstallError(
            f"{after.name} does not run: {error} {before.name} and its data are in use again."
        ) from error
    say(f"{after.name} is in use, and the pages answer. Back: interval-coach-server rollback. The backup: {backup}")


def rollback(places: SystemPlaces, say: Say, *, lose: bool = False) -> None:
    """Return to the version before the newest upgrade, and to its data. Raises InstallError.

    `lose`: what was stored since the upgrade may be lost; without it, that is refused in a sentence.
    """
    require_root()
    try:
        step = msgspec.json.decode(_record(places).read_bytes(), type=UpgradeStep)
    except (OSError, msgspec.MsgspecError) as error:
        raise InstallError("No upgrade is recorded here, so there is no version to go back to.") from error
    if not (places.version.parent / step.before / "bin").is_dir() or not Path(step.backup).exists():
        raise InstallError(f"The version {step.before} or its backup {step.backup} is gone. Restore a backup by hand.")
    if not lose:
        raise InstallError(
            f"This puts the data of {step.backup} back. Plans, notes and accounts made since are lost; sessions that "
            "had a receipt since are asked of the machines again. To do it: interval-coach-server rollback --yes"
        )
    clinic = read_clinic(places.folder)
    _stop()
    kept = places.folder / "backups" / f"before-rollback-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.tar"
    run_version(places.version.parent / step.after, ["backup", str(kept)], places.folder)
    _go_back(places, clinic, step)
    _record(places).unlink()
    say(f"{step.before} is in use again, with its data. What was there just now: {kept}")


def _verify(before: Path, wheel: Path) -> None:
    """Verify a wheel by the keys that the version in use trusts."""
    try:
        run_program([str(before / "share/interval-coach/systemd/verify-release.sh"), str(wheel)])
    except InstallError as error:
        raise InstallError(
            f"{error} Nothing was changed. If you know where {wheel.name} comes from, add --unverified."
        ) from error


def _install_version(places: SystemPlaces, wheel: Path, say: Say) -> Path:
    """Make a virtual environment with the wheel and its locked packages."""
    found = re.fullmatch(r"interval_coach-([0-9][^-]*)-py3-none-any\.whl", wheel.name)
    if found is None or not zipfile.is_zipfile(wheel):
        raise InstallError(f"{wheel} is no package of interval-coach (interval_coach-VERSION-py3-none-any.whl).")
    number = 1
    while (places.version.parent / (name := f"{found[1]}-{number}")).exists():
        number += 1
    version = places.version.parent / name
    say(f"{name} is installed beside {places.current.resolve().name}; the services go on meanwhile.")
    try:
        run_program([sys.executable, "-m", "venv", str(version)])
        pip = [
            str(version / "bin" / "python"),
            "-m",
            "pip",
            "--quiet",
            "--no-input",
            "--disable-pip-version-check",
            "install",
        ]
        run_program([*pip, "--no-deps", str(wheel)])
        share = version / "share/interval-coach"
        # In the unpacked archive the packages lie beside the wheel.
        unpacked = (wheel.parent / "server.txt").is_file()
        source = ["--no-index", "--find-links", str(wheel.parent / "wheels")] if unpacked else []
        locked = [str(share / "systemd/locked-packages.sh"), "install", str(version / "bin/python"), *source]
        run_program([*locked, str(share / "server.txt")])
    except InstallError:
        shutil.rmtree(version, ignore_errors=True)
        raise
    return version


def _try_on_copy(
    places: SystemPlaces, clinic: ClinicFolder, after: Path, backup: Path, trial_database: str | None
) -> None:
    """Let the new version restore a backup elsewhere and migrate it."""
    account = pwd.getpwnam(ACCOUNT)
    with (
        tempfile.TemporaryDirectory(prefix="trial-", dir=places.folder) as name,
        _copy_database(places, clinic, after, trial_database) as more,
    ):
        os.chown(name, account.pw_uid, account.pw_gid)
        copy = Path(name) / "clinic"
        run_version(after, ["restore", str(backup), str(copy)], places.folder, more)
        run_version(after, ["migrate", "--dir", str(copy)], places.folder, more)
        run_version(after, ["sessions", "--dir", str(copy)], places.folder, more)


@contextmanager
def _copy_database(
    places: SystemPlaces, clinic: ClinicFolder, after: Path, trial_database: str | None
) -> Iterator[dict[str, str]]:
    """Yield the variables that let a command use a copy: SQLite's in the folder, PostgreSQL's an empty database."""
    address = settings_of_services().get("DATABASE_URL", clinic.settings.database)
    if not address.startswith("postgres"):
        yield {}
        return
    if trial_database is None:
        raise InstallError(
            "This clinic's database is PostgreSQL, and the migration is tried on a copy first. Make an empty database "
            "for it, and name it: interval-coach-server upgrade WHEEL --trial-database postgresql://user:password@host/name"
        )
    try:
        yield {"DATABASE_URL": trial_database}
    finally:
        # A copy of health data stays nowhere.
        _empty_postgres(after, trial_database, places.folder)


def _go_back(places: SystemPlaces, clinic: ClinicFolder, step: UpgradeStep) -> None:
    """Put the version and the data of a step's beginning in use again."""
    _stop()
    before = places.version.parent / step.before
    _put_data_back(places, clinic, before, Path(step.backup))
    _start(places, before)
    _require_answer(clinic)


def _put_data_back(places: SystemPlaces, clinic: ClinicFolder, before: Path, backup: Path) -> None:
    address = settings_of_services().get("DATABASE_URL", clinic.settings.database)
    postgres = address.startswith("postgres")
    if postgres:
        _empty_postgres(before, address, places.folder)
    account = pwd.getpwnam(ACCOUNT)
    with tempfile.TemporaryDirectory(prefix="back-", dir=places.folder) as name:
        os.chown(name, account.pw_uid, account.pw_gid)
        run_version(before, ["restore", str(backup), str(Path(name) / "clinic")], places.folder)
        if not postgres:
            database = address.removeprefix("sqlite:///")
            for end in ("-journal", "-wal", "-shm"):
                (places.folder / f"{database}{end}").unlink(missing_ok=True)
            (Path(name) / "clinic" / database).replace(places.folder / database)
        if (mark := Path(name) / "clinic" / MARK_FILE).exists():
            mark.replace(places.folder / MARK_FILE)
            run_version(before, ["migrate", "--dir", str(places.folder)], places.folder)


_EMPTY = """
import os, psycopg
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    connection.execute("DROP SCHEMA public CASCADE")
    connection.execute("CREATE SCHEMA public")
"""


def _empty_postgres(version: Path, address: str, folder: Path) -> None:
    """Remove all tables of a PostgreSQL database. The address goes through the environment, not the process list."""
    run_version(version, ["-c", _EMPTY], folder, {"DATABASE_URL": address}, program="python")


def _start(places: SystemPlaces, version: Path) -> None:
    link_current(places, version)
    # The version's own units, which may differ from this one's.
    run_program([str(version / "bin" / "python"), "-m", "server.installation", str(places.folder)])
    systemctl("daemon-reload")
    systemctl("start", *_enabled())


def _stop() -> None:
    systemctl("stop", *map(unit_name, SERVICES), may_fail=True)


def _enabled() -> list[str]:
    return [
        unit_name(one)
        for one in SERVICES
        if systemctl("is-enabled", unit_name(one), may_fail=True).strip() == "enabled"
    ]


def _require_answer(clinic: ClinicFolder) -> None:
    if not pages_answer(clinic.settings):
        raise InstallError("the pages do not answer (journalctl -u interval-coach-server@web).")


def _record(places: SystemPlaces) -> Path:
    return places.version.parent / "upgrade.json"
