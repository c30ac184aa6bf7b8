"""The database's side of the register of certificates: written at each change, taken up after a restore."""

import logging
from pathlib import Path

import msgspec

from server.clinic_folder.kept_apart import copy_apart
from server.errors import ServerError
from server.identity.certificate_register import (
    FILE,
    RegisteredCertificate,
    merge,
    read_register,
    write_certificates,
)
from server.models import Certificate

_log = logging.getLogger(__name__)


def write_register(folder: Path) -> None:
    """Write what the database and the folder's file know into that file and the backups' folders. Log what fails."""
    try:
        known = read_register(folder / FILE)
        fields = ("serial", "name", "given_wall_s", "until_wall_s", "revoked_wall_s")
        for row in Certificate.objects.values_list(*fields):
            known[row[0]] = merge(known.get(row[0]), RegisteredCertificate(*row))
        write_certificates(folder / FILE, known.values())
    except (OSError, ServerError) as error:
        # The broker's own lists are written all the same.
        _log.error("the register of certificates could not be written: %s", error)
        return
    copy_apart(folder, (FILE,))


def take_up_register(folder: Path) -> tuple[int, int]:
    """Make the database know all that the folder's file knows. Return how many were unknown, and how many unrevoked.

    Raises ServerError where the file cannot be read.
    """
    unknown = unrevoked = 0
    for one in read_register(folder / FILE).values():
        row = Certificate.objects.filter(serial=one.serial).first()
        if row is None:
            Certificate.objects.create(**msgspec.structs.asdict(one))
            unknown += 1
        elif one.revoked_wall_s is not None and (row.revoked_wall_s is None or row.revoked_wall_s > one.revoked_wall_s):
            row.revoked_wall_s = one.revoked_wall_s
            row.save(update_fields=["revoked_wall_s"])
            unrevoked += 1
    return unknown, unrevoked
