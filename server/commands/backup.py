"""Backup and restore: one file with the database, the authority, the certificates and the settings.

It holds keys and health data, so it is readable by its owner alone and belongs on an encrypted disk. A restored backup
is checked before anything is put in place: every file by its hash, SQLite by its own integrity check.
"""

import hashlib
import io
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import IO

import msgspec
from django.conf import settings
from msgspec import Struct

from server.audit.seal import KEY_FILE, TAIL_FILE, Tail
from server.clinic_folder.atomic_file import PRIVATE, private_folder
from server.clinic_folder.database import address_of, django_database
from server.clinic_folder.deleted_list import FILE as DELETED_FILE
from server.clinic_folder.deleted_list import read_list, write_list
from server.clinic_folder.kept_apart import copy_apart, remember_place
from server.clinic_folder.restored_mark import RestoredMark, write_mark
from server.clinic_folder.settings import ClinicFolder, read_clinic
from server.errors import BackupError
from server.identity.certificate_register import FILE as REGISTER_FILE
from server.identity.certificate_register import merge, read_register, write_certificates

FORMAT = 1
_CONTENTS = "contents.json"
_LITE, _POSTGRES = "diary.sqlite3", "database.dump"
_FOLDERS = ("authority", "certificates")
_MOST_CONTENTS_BYTES, _MOST_DEPTH = 4 * 1024 * 1024, 4
_FILES = ("clinic.toml", "secret-key", "shared-group", KEY_FILE, DELETED_FILE, REGISTER_FILE)
_APART = (DELETED_FILE, REGISTER_FILE, TAIL_FILE)


class Contents(Struct, frozen=True, kw_only=True):
    """What a backup holds: SHA-256 by name."""

    format: int = FORMAT
    clinic: str
    made_wall_s: float
    database: str
    files: dict[str, str]


def back_up(clinic: ClinicFolder, file: Path) -> str:
    """Write a backup while everything runs. Gives a sentence about it. Raises BackupError; no half a file is left."""
    file = file.resolve()
    if file.exists():
        raise BackupError(f"{file} is there already. Choose another name; a backup is never written over.")
    with tempfile.TemporaryDirectory(prefix="interval-coach-backup-") as folder:
        work = Path(folder)
        # Before the database: the tail may then be older than the log, which is sound, and never the other way round.
        if (clinic.places.folder / TAIL_FILE).exists():
            shutil.copyfile(clinic.places.folder / TAIL_FILE, work / TAIL_FILE)
        kind = _dump(clinic, work)
        for name in _kept_files(clinic.places.folder):
            target = work / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(clinic.places.folder / name, target)
        names = sorted(str(path.relative_to(work)) for path in work.rglob("*") if path.is_file())
        contents = Contents(
            clinic=clinic.settings.clinic,
            made_wall_s=time.time(),
            database=kind,
            files={name: _sha256(work / name) for name in names},
        )
        _pack(work, contents, file)
    _lay_beside(clinic, file.parent)
    return f"{file}: {len(names)} files, {file.stat().st_size} bytes. It holds keys and health data."


def back_up_into(clinic: ClinicFolder, folder: Path, keep: int | None = None) -> list[str]:
    """Write a backup named by the time into a folder. `keep`: so many of the newest stay. Raises BackupError."""
    told = [back_up(clinic, folder / time.strftime("interval-coach-%Y%m%dT%H%M%SZ.tar", time.gmtime()))]
    if keep is not None:
        if keep < 1:
            raise BackupError("--keep is the number of backups that stay, 1 or more.")
        for old in sorted(folder.glob("interval-coach-????????T??????Z.tar"))[:-keep]:
            old.unlink()
            told.append(f"{old}: removed, {keep} newer ones are there.")
    return told


def _lay_beside(clinic: ClinicFolder, folder: Path) -> None:
    """Copy with the backups what an older one must not undo, now and at each change from now on."""
    try:
        remember_place(clinic.places.folder, folder)
    except OSError as error:
        raise BackupError(f"{clinic.places.folder} cannot be written ({error.strerror}).") from error
    copy_apart(clinic.places.folder, _APART)


def restore(file: Path, folder: Path, deleted: Path | None = None, register: Path | None = None) -> str:
    """Put a backup into a new folder and its database. Raises BackupError, and leaves the folder as it was.

    `migrate` finishes it, and no service starts before: who was deleted since is deleted again, and what was revoked
    is revoked again, by the lists that lie with the backup, or by `deleted` and `register`.

    For PostgreSQL the database that the settings or DATABASE_URL name must be there, and empty.
    """
    folder = folder.resolve()
    if folder.exists() and any(folder.iterdir()):
        raise BackupError(f"{folder} is not empty. Restore into a new folder; nothing is ever overwritten.")
    with tempfile.TemporaryDirectory(prefix="interval-coach-restore-") as place:
        work = Path(place)
        contents = _unpack(file, work)
        if contents.database == "sqlite":
            _check_lite(work / _LITE)
        private_folder(folder)
        try:
            for name in contents.files:
                if name != _POSTGRES:
                    target = folder / name
                    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    shutil.copyfile(work / name, target)
                    target.chmod(PRIVATE)
            _merge_deleted(folder, [file.parent / DELETED_FILE, *([deleted] if deleted else [])])
            _merge_registers(folder, [file.parent / REGISTER_FILE, *([register] if register else [])])
            write_mark(folder, RestoredMark(contents.made_wall_s, time.time(), _last_line(file.parent / TAIL_FILE)))
            clinic = read_clinic(folder)
            if contents.database == "postgresql":
                _load(clinic, work / _POSTGRES)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    made = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(contents.made_wall_s))
    return "\n".join(
        [
            f"{folder} is the clinic '{contents.clinic}' as it was on {made}.",
            "Now run init, or migrate and renew, then start the services.",
            *(_age_of(file.parent / name, what, made) for name, what in _LISTS),
        ]
    )


_LISTS = ((DELETED_FILE, "deleted participants"), (REGISTER_FILE, "certificates and revocations"))


def _age_of(file: Path, what: str, made: str) -> str:
    """Say how new a list in the backup's folder is, and what to do about what came after it."""
    try:
        at = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(file.stat().st_mtime))
    except OSError:
        return f"No list of {what} lies with the backup: what was deleted or revoked since {made} must be done again."
    return f"The list of {what} with the backup was written on {at}; what came after that must be done again."


def _merge_deleted(folder: Path, lists: list[Path]) -> None:
    """Add to the folder's list of deleted participants what these lists know, and only what is such a list."""
    known = {(one.clinic, one.pseudonym): one for one in read_list(folder / DELETED_FILE)}
    for one in lists:
        known |= {(tombstone.clinic, tombstone.pseudonym): tombstone for tombstone in read_list(one)}
    if known:
        write_list(folder / DELETED_FILE, known.values())


def _merge_registers(folder: Path, files: list[Path]) -> None:
    """Add to the folder's register of certificates what these files know."""
    known = read_register(folder / REGISTER_FILE)
    for file in files:
        for serial, one in read_register(file).items():
            known[serial] = merge(known.get(serial), one)
    if known:
        write_certificates(folder / REGISTER_FILE, known.values())


def _last_line(tail: Path) -> int:
    """Return the number of the access log's last line as it lies with the backups; 0 where it does not."""
    try:
        return msgspec.json.decode(tail.read_bytes(), type=Tail).number
    except (OSError, msgspec.MsgspecError):
        return 0


def _kept_files(folder: Path) -> list[str]:
    found = [name for name in _FILES if (folder / name).exists()]
    for part in _FOLDERS:
        found += [str(path.relative_to(folder)) for path in sorted((folder / part).rglob("*")) if path.is_file()]
    return found


def _dump(clinic: ClinicFolder, work: Path) -> str:
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        # SQLite's own online backup: a whole copy while others write.
        with (
            closing(sqlite3.connect(database["NAME"], timeout=60)) as source,
            closing(sqlite3.connect(work / _LITE)) as target,
        ):
            source.backup(target)
        return "sqlite"
    _run_postgres(clinic, "pg_dump", "--format=custom", "--no-owner", f"--file={work / _POSTGRES}")
    return "postgresql"


def _load(clinic: ClinicFolder, dump: Path) -> None:
    _run_postgres(clinic, "pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", str(dump))


def _run_postgres(clinic: ClinicFolder, program: str, *words: str) -> None:
    """Run one of PostgreSQL's programs. The password goes through its environment, never through the process list."""
    found = shutil.which(program)
    if found is None:
        raise BackupError(f"{program} is not installed. Debian: apt-get install postgresql-client")
    database = django_database(address_of(clinic), clinic.places.folder)
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    told = {key: str(database[name]) for key, name in names.items() if database[name]}
    told |= {
        f"PG{key.upper()}": str(value)
        for key, value in database["OPTIONS"].items()
        if key in ("sslmode", "sslrootcert")
    }
    if host := database["OPTIONS"].get("host"):
        told["PGHOST"] = str(host)
    where = ["--dbname", str(database["NAME"])] if program == "pg_restore" else []
    run = subprocess.run(  # noqa: S603 - PostgreSQL's own program with our own words
        [found, *where, *words], env={**os.environ, **told}, capture_output=True, text=True, check=False
    )
    if run.returncode != 0:
        raise BackupError(f"{program} failed: {run.stderr.strip()[:500]}")


def _pack(work: Path, contents: Contents, file: Path) -> None:
    beside = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
        with os.fdopen(handle, "wb") as raw:
            with tarfile.open(fileobj=raw, mode="w") as archive:
                told = msgspec.json.encode(contents)
                head = tarfile.TarInfo(_CONTENTS)
                head.size = len(told)
                archive.addfile(head, io.BytesIO(told))
                for name in contents.files:
                    archive.add(work / name, name, recursive=False)
            raw.flush()
            os.fsync(raw.fileno())
        beside.rename(file)
    except OSError as error:
        raise BackupError(f"{file} cannot be written ({error.strerror}).") from error
    finally:
        beside.unlink(missing_ok=True)


def _unpack(file: Path, work: Path) -> Contents:
    try:
        # Uncompressed, as a backup is written: an archive that unpacks to a thousand times its size is none.
        with tarfile.open(file, "r:") as archive:
            members = {one.name: one for one in archive}
            head = _member(archive, members, _CONTENTS, file)
            contents = msgspec.json.decode(head.read(_MOST_CONTENTS_BYTES), type=Contents)
            if contents.format != FORMAT:
                raise BackupError(f"{file} is a backup of format {contents.format}; this program reads {FORMAT}.")
            for name, digest in contents.files.items():
                place = PurePosixPath(name)
                if not _is_written_by_a_backup(place):
                    raise BackupError(
                        f"{file} names {name[:80]!r}, which no backup holds. It was tampered with; do not use it."
                    )
                source = _member(archive, members, name, file)
                target = work / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as out:
                    shutil.copyfileobj(source, out)
                if _sha256(target) != digest:
                    raise BackupError(f"{file} is damaged: {name} differs from its checksum. Use another backup.")
    except (OSError, KeyError, tarfile.TarError, msgspec.MsgspecError) as error:
        raise BackupError(f"{file} is no backup that can be read ({type(error).__name__}).") from error
    return contents


def _member(archive: tarfile.TarFile, members: Mapping[str, tarfile.TarInfo], name: str, file: Path) -> IO[bytes]:
    """Return a plain file of an archive; a link, a device or a folder is none. Raises BackupError."""
    found = members.get(name)
    source = archive.extractfile(found) if found is not None and _is_plain(found, file) else None
    if source is None:
        raise BackupError(f"{file} lacks {name}, or has something else than a file there. Use another backup.")
    return source


def _is_plain(member: tarfile.TarInfo, file: Path) -> bool:
    """Whether a member is a file that the archive holds whole: a sparse one may unpack to any size."""
    return member.isreg() and not member.issparse() and member.size <= file.stat().st_size


def _is_written_by_a_backup(place: PurePosixPath) -> bool:
    """Whether `back_up` writes such a name: nothing else comes back, above all no program and no broker's setting."""
    if len(place.parts) == 1:
        return place.name in (*_FILES, TAIL_FILE, _LITE, _POSTGRES)
    # Only keys, certificates and lists lie below these.
    return (
        not place.is_absolute()
        and 1 < len(place.parts) <= _MOST_DEPTH
        and place.parts[0] in _FOLDERS
        and ".." not in place.parts
    )


def _check_lite(file: Path) -> None:
    try:
        with closing(sqlite3.connect(file)) as lite:
            found = lite.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error as error:
        raise BackupError(f"The backup's database cannot be opened ({error}). Use another backup.") from error
    if found != ("ok",):
        raise BackupError("The backup's database is damaged. Use another backup.")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
