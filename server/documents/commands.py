"""`participant export` and `participant delete`, for whoever runs the server. Each is in the access log."""

import os
from pathlib import Path

from server.accounts.models import Clinic
from server.audit.record import record
from server.diary.models import DiaryEntry
from server.documents import deletion
from server.documents.errors import PaperError
from server.documents.export.data_export import everything
from server.errors import ServerError
from server.people.models import Participant

WHO = "command"
"""How the access log names whoever runs the server."""


def export(code: str, pseudonym: str, out: Path | None) -> str:
    """Write everything about a participant into a file that only its owner can read. Raises ServerError."""
    participant = _participant(code, pseudonym)
    path = out or Path(f"{pseudonym}-all.zip")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ServerError(
            f"{path}: cannot be written ({error.strerror}). Name a file that is not there, with --out."
        ) from error
    record(WHO, "papers.everything", clinic=participant.clinic, participant=participant)
    left_out: list[str] = []
    with os.fdopen(descriptor, "wb") as file, everything(participant, left_out) as made:
        while piece := made.read(1 << 20):
            file.write(piece)
    lacking = f" {len(left_out)} session(s) cannot be written; left-out.txt names them." if left_out else ""
    said = f"{path}: {path.stat().st_size} bytes, all that is kept about {pseudonym}. It holds name and health data."
    return said + lacking


def describe_deletion(code: str, pseudonym: str) -> str:
    """Return what a deletion would take away, in a sentence. Raises PaperError."""
    found = Participant.objects.filter(clinic__code=code, pseudonym=pseudonym).first()
    if found is None:
        left = DiaryEntry.objects.filter(clinic__code=code, pseudonym=pseudonym, participant=None).count()
        if left:
            return f"{left} session(s) that came as {pseudonym}, who is no participant, would be deleted."
        raise PaperError(f"There is no participant {pseudonym} at «{code}», and no session under that pseudonym.")
    sessions = DiaryEntry.objects.filter(participant=found).count()
    return (
        f"All about {pseudonym} at «{code}», {sessions} session(s) with it, would be deleted, here and on the machines."
    )


def delete(code: str, pseudonym: str) -> list[str]:
    """Delete all about a participant, or what came after they were deleted. Raises PaperError."""
    found = Participant.objects.select_related("clinic").filter(clinic__code=code, pseudonym=pseudonym).first()
    if found is None:
        clinic = Clinic.objects.filter(code=code).first()
        count = deletion.delete_left(clinic, pseudonym, WHO) if clinic else 0
        if not count:
            raise PaperError(f"There is no participant {pseudonym} at «{code}», and no session under that pseudonym.")
        return [f"{count} session(s) that came as {pseudonym} are deleted."]
    done = deletion.delete(found, WHO)
    lines = [
        f"All about {pseudonym} is deleted: {done.sessions} session(s), {done.notes} note(s), {done.plans} plan(s).",
        f"The withdrawal of the plan is on its way to {done.machines} machine(s).",
        "The access log keeps the pseudonym; backups keep the rest until they expire.",
    ]
    if done.kept_for_others:
        lines.append(f"{done.kept_for_others} session(s) count for somebody else; the pseudonym is taken from them.")
    if done.mentioned:
        lines.append(f"The name stands in {done.mentioned} note(s) on others: look them up and change them.")
    return lines


def _participant(code: str, pseudonym: str) -> Participant:
    found = Participant.objects.select_related("clinic").filter(clinic__code=code, pseudonym=pseudonym).first()
    if found is None:
        raise PaperError(f"There is no participant {pseudonym} at «{code}». «participants» on the pages lists them.")
    return found
