"""Pseudonyms of deleted participants: what still comes under them is cleared and not stored.

A machine that was away delivers sessions of someone who has been deleted then. The tombstone holds the pseudonym
alone, for as long as a machine's certificate can last and a little more (`deleted_kept_days`). It lies in the database,
and in a file of the clinic's folder that backups carry and lie with, so that a restored older backup knows it again.
"""

import logging
import time
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from server.audit.seal import TAIL_FILE
from server.clinic_folder.deleted_list import FILE, Tombstone, read_list, write_list
from server.clinic_folder.kept_apart import copy_apart
from server.errors import ServerError
from server.models import DeletedPseudonym
from server.people.models import Participant

DAY_S = 86_400.0
_log = logging.getLogger(__name__)


def bury(clinic: str, pseudonym: str, now_s: float | None = None) -> None:
    """Note a deletion in the database, within the transaction at hand."""
    now_s = time.time() if now_s is None else now_s
    until_s = now_s + settings.DELETED_KEPT_DAYS * DAY_S
    DeletedPseudonym.objects.update_or_create(
        clinic=clinic, pseudonym=pseudonym, defaults={"deleted_wall_s": now_s, "until_wall_s": until_s}
    )


def deleted_among(people: Iterable[tuple[str, str]], now_s: float | None = None) -> set[tuple[str, str]]:
    """Return those of these (clinic, pseudonym) who were deleted. A pseudonym that is someone's again is not."""
    now_s = time.time() if now_s is None else now_s
    wanted = set(people)
    if not wanted:
        return set()
    rows = DeletedPseudonym.objects.filter(pseudonym__in={one for _, one in wanted}, until_wall_s__gt=now_s)
    gone = wanted & set(rows.values_list("clinic", "pseudonym"))
    if not gone:
        return set()
    there = Participant.objects.filter(pseudonym__in={one for _, one in gone})
    return gone - set(there.values_list("clinic__code", "pseudonym"))


def forget_old(now_s: float) -> int:
    """Forget tombstones whose time is over. Return how many."""
    return DeletedPseudonym.objects.filter(until_wall_s__lte=now_s).delete()[0]


def write_file(folder: Path) -> None:
    """Write what the database and the folder's file know into that file. Log what cannot be done."""
    try:
        known = {(one.clinic, one.pseudonym): one for one in read_list(folder / FILE)}
        for row in DeletedPseudonym.objects.all():
            known[row.clinic, row.pseudonym] = Tombstone(
                row.clinic, row.pseudonym, row.deleted_wall_s, row.until_wall_s
            )
        write_list(folder / FILE, (one for one in known.values() if one.until_wall_s > time.time()))
        copy_apart(folder, (FILE, TAIL_FILE))
    except (OSError, ServerError) as error:
        # The deletion itself stands, and the next one writes this one too.
        _log.error("the list of deleted participants could not be written: %s", error)
