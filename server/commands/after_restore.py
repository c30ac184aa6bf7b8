"""Finishing a restore, as a part of `migrate`: a backup must not bring back what was taken away since it was made.

Deleted participants are deleted again, revoked certificates are revoked again, and certificates given since are known
again, all by the lists that lie with the backups. What proved who someone was is ended: browsers' sessions, one-time
links, enrolment codes and calendar addresses, for one that was used or ended since would count again. The access log
says that lines may be gone, and which. Machines are asked for the sessions that they delivered since.
"""

from datetime import UTC, datetime

from django.contrib.sessions.models import Session as BrowserSession
from django.db import transaction

from server.accounts.commands import WHO
from server.accounts.models import Invitation
from server.appointments.models import CalendarFeed
from server.audit.models import Head
from server.audit.record import record
from server.clinic_folder.restored_mark import FILE, RestoredMark, read_mark
from server.clinic_folder.settings import ClinicFolder
from server.documents.deletion import delete_again
from server.identity.registering import take_up_register
from server.models import EnrolmentCode, Restoration


def finish_restore(clinic: ClinicFolder) -> list[str]:
    """Take up what lies with the backups, and remove the folder's mark. Return what to say. Raises ServerError.

    It may be run again after a fall: each step finds what the one before it did.
    """
    folder = clinic.places.folder
    told = delete_again(folder, WHO)
    mark = read_mark(folder)
    if mark is None:
        return told
    with transaction.atomic():
        unknown, unrevoked = take_up_register(folder)
        BrowserSession.objects.all().delete()
        links = Invitation.objects.filter(used_at=None).delete()[0]
        codes = EnrolmentCode.objects.all().delete()[0]
        feeds = CalendarFeed.objects.all().delete()[0]
        told += [
            f"Certificates: {unrevoked} revoked again, {unknown} given since the backup are known again.",
            f"Everyone is logged out; {links} one-time links, {codes} codes and {feeds} calendars have ended.",
            *_note(mark),
        ]
    (folder / FILE).unlink()
    made = _moment(mark.made_wall_s)
    return [
        *told,
        f"Machines are asked for the sessions that they delivered since {made}; 'machines' shows who has not yet.",
        f"Accounts, roles, passwords, plans and notes are those of {made}.",
        "Close accounts and change plans again that were changed since; then run hand-out-plans.",
    ]


def _note(mark: RestoredMark) -> list[str]:
    """Write the restore into the access log and the database. Return what to say of the log."""
    head = Head.objects.filter(pk=1).first()
    last = 0 if head is None else head.number
    # Only lines beyond the backup's are lost.
    lost = mark.lost_line if mark.lost_line > last else 0
    _, is_new = Restoration.objects.get_or_create(
        restored_wall_s=mark.restored_wall_s,
        defaults={"made_wall_s": mark.made_wall_s, "log_line": last, "lost_line": lost},
    )
    if is_new:
        span = f"{_moment(mark.made_wall_s)} – {_moment(mark.restored_wall_s)}"
        record(WHO, "server_restored", span=span, last_line=last, lost_line=lost or None)
    if lost:
        return [
            f"The access log of the backup ends with line {last}; lines {last + 1} to {lost} at least are lost here.",
            "Keep each export that holds them: 'audit verify --since EXPORT' counts them.",
        ]
    return [f"The access log of the backup ends with line {last}; what was written after it is lost here."]


def _moment(wall_s: float) -> str:
    return datetime.fromtimestamp(wall_s, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
