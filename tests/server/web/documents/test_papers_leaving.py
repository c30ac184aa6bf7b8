"""Deleting a participant leaves nothing but the log."""

import json
import re
import time
from pathlib import Path

import pytest
from django.apps import apps
from django.utils import timezone

from server.audit.models import Entry
from server.clinic_folder.deleted_list import FILE, Tombstone, write_list
from server.diary.models import DiaryEntry
from server.diary.reassignment import reassign
from server.documents import commands, deletion
from server.documents.errors import PaperError
from server.errors import ServerError
from server.live.models import GivenCommand, Outgoing, RaisedNotice
from server.models import DeadLetter, DeletedPseudonym, MachineState, QuarantinedSession, Session, SessionPart
from server.people.models import Course, Note, Participant, PlanVersion
from sync.wire.chunks import cut
from sync.wire.codec import encode_session, read_session
from sync.wire.envelope import unseal
from sync.wire.messages import SessionDelivery
from tests.server.web.conftest import People
from tests.server.web.papers_ground import keep, trained, weeks

BASE = "/c/trondheim/participants/p-1/papers/"
NAME = "Kari Nordmann"


def everywhere(*wanted: str) -> list[str]:
    """Each table and field in which one of these words stands, also inside sealed sessions."""
    found = []
    for model in apps.get_models():
        for row in model.objects.all():
            for field in row._meta.concrete_fields:
                value = getattr(row, field.attname)
                if isinstance(value, bytes | memoryview):
                    raw = bytes(value)
                    opened = unseal(raw)
                    text = (opened if isinstance(opened, bytes) else raw).decode("utf-8", "replace")
                else:
                    text = json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)
                if any(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) for word in wanted):
                    found.append(f"{model._meta.label}.{field.name}")
    return sorted(set(found))


def fill(people: People) -> list[DiaryEntry]:
    """Everything that can name a participant."""
    person, account = people.participant, people.account("therapist")
    entries = weeks(2)
    MachineState.objects.create(
        clinic="trondheim", machine="machine-1", online=True, connection=1, waiting=0, heard_wall_s=1.0,
        state={"findings": [{"code": "plan_refused", "detail": "the plan of p-1"}, {"code": "certificate_soon"}]},
    )  # fmt: skip
    Note.objects.create(participant=person, text="Notat", made_by=account)
    Note.objects.create(participant=person, text="Notat", session_id=entries[0].session_id)
    Course.objects.create(participant=person, begins_on=timezone.localdate())
    PlanVersion.objects.create(participant=person, version=1, hr_max_bpm=185, made_by=account)
    now = timezone.now()
    common = {"clinic": people.clinic, "machine": "machine-1"}
    GivenCommand.objects.create(command_id="c1", participant="p-1", action={}, made_at=now, expires_at=now, **common)
    RaisedNotice.objects.create(participant="p-1", code="x", level="information", since_s=1, heard_at=now, **common)
    Outgoing.objects.create(clinic=people.clinic, topic="ic/1/trondheim/machine-1/plan/p-1", payload=b'{"p":"p-1"}')
    sealed = encode_session(trained(77))
    QuarantinedSession.objects.create(
        payload_sha256="1" * 64, clinic="trondheim", machine="machine-1", session_id="x", why="conflict", reason="",
        first_wall_s=1, last_wall_s=1, payload=sealed,
    )  # fmt: skip
    DeadLetter.objects.create(
        payload_sha256="2" * 64, topic="ic/1/trondheim/machine-1/session/x", machine="machine-1", why="damaged",
        reason="", first_wall_s=1, last_wall_s=1, payload_bytes=10, payload=b'{"participant":"p-1"}',
    )  # fmt: skip
    for number, part in enumerate(cut(sealed, 4096)):
        SessionPart.objects.create(
            clinic="trondheim", machine="machine-1", session_id="y", whole="3" * 64, number=number, parts=9,
            total_bytes=len(sealed), came_wall_s=1, content=part[44:],
        )  # fmt: skip
    return entries


def test_after_a_deletion_nothing_is_left_but_the_log_and_the_withdrawal(people: People) -> None:
    entries = fill(people)
    others = keep(trained(50, participant="p-2"))[0]
    ids = [str(one.session_id) for one in entries]
    done = deletion.delete(people.participant, people.account("clinic_admin"))
    assert (done.sessions, done.notes, done.plans, done.machines) == (2, 2, 1, 1)
    assert everywhere(NAME, "p-1", *ids) == [
        "audit.Entry.participant",
        "room.Outgoing.topic",
        "server.DeletedPseudonym.pseudonym",
    ]
    assert [bytes(one.payload) for one in Outgoing.objects.all()] == [b""]
    assert [one.action for one in Entry.objects.filter(participant="p-1")] == ["papers.participant_deleted"]
    assert DiaryEntry.objects.get().session_id == others.session_id
    assert MachineState.objects.get().state["findings"] == [{"code": "certificate_soon"}]
    assert not SessionPart.objects.exists()


def test_a_pseudonym_that_begins_alike_is_somebody_else(people: People) -> None:
    Participant.objects.create(clinic=people.clinic, pseudonym="p-10", name="Eva", nickname="Elg", birth_year=1990)
    (entry,) = keep(trained(60, participant="p-10"))
    DeadLetter.objects.create(
        payload_sha256="2" * 64, topic="ic/1/trondheim/m/plan/p-10", machine="m", why="damaged", reason="of p-10",
        first_wall_s=1, last_wall_s=1, payload_bytes=1, payload=b"x",
    )  # fmt: skip
    deletion.delete(people.participant, "command")
    assert DiaryEntry.objects.get() == entry
    assert DeadLetter.objects.count() == 1


def test_a_session_that_counts_for_another_stays_theirs_without_the_pseudonym(people: People) -> None:
    (entry,) = keep(trained(1))
    second = people.participants[1]
    reassign(entry, people.participant, second, people.account("therapist"), "Kari Nordmann valgte feil navn")
    done = deletion.delete(people.participant, "command")
    assert done.kept_for_others == 1
    assert everywhere(NAME, "p-1") == [
        "audit.Entry.detail",
        "audit.Entry.participant",
        "server.DeletedPseudonym.pseudonym",
    ]
    stored = Session.objects.get()
    found = read_session(bytes(stored.payload))
    assert isinstance(found, SessionDelivery)
    assert (found.participant, found.plan.participant, stored.participant) == ("p-2", "p-2", "p-2")


def test_a_session_that_comes_after_the_deletion_is_not_stored(people: People) -> None:
    deletion.delete(people.participant, "command")
    with pytest.raises(DiaryEntry.DoesNotExist):
        keep(trained(1))
    assert not Session.objects.exists()


def test_an_older_database_deletes_again_whom_the_folders_list_knows(people: People, tmp_path: Path) -> None:
    keep(trained(1))
    until_s = time.time() + 86_400
    write_list(tmp_path / FILE, [Tombstone("trondheim", "p-1", 1.0, until_s), Tombstone("oslo", "p-1", 1.0, until_s)])
    assert deletion.delete_again(tmp_path, "command") == ["p-1 of trondheim was deleted before, and is deleted again."]
    assert not Session.objects.exists()
    assert not Participant.objects.filter(clinic=people.clinic, pseudonym="p-1").exists()
    assert deletion.delete_again(tmp_path, "command") == []


def test_a_session_that_lies_there_without_its_participant_is_deleted_by_the_same_command(people: People) -> None:
    deletion.delete(people.participant, "command")
    DeletedPseudonym.objects.all().delete()
    keep(trained(1))
    assert commands.delete("trondheim", "p-1") == ["1 session(s) that came as p-1 are deleted."]
    with pytest.raises(PaperError, match="There is no participant p-1"):
        commands.delete("trondheim", "p-1")


def test_the_page_deletes_only_after_two_confirmations(people: People) -> None:
    weeks(1)
    assert people.admin.post(f"{BASE}delete/", {"pseudonym": "p-2"}).status_code == 422
    page = people.admin.post(f"{BASE}delete/", {"pseudonym": "p-1"})
    assert "Slette for alltid?" in page.content.decode()
    assert Participant.objects.filter(pseudonym="p-1").exists()
    assert people.admin.post(f"{BASE}delete/", {"pseudonym": "p-1", "sure": "yes"}).status_code == 302
    assert not Participant.objects.filter(pseudonym="p-1").exists()


def test_a_therapist_may_not_delete(people: People) -> None:
    assert people.therapist.post(f"{BASE}delete/", {"pseudonym": "p-1", "sure": "yes"}).status_code == 404


@pytest.mark.usefixtures("people")
def test_the_command_writes_the_export_for_its_owner_alone(tmp_path: Path) -> None:
    weeks(1)
    out = tmp_path / "all.zip"
    told = commands.export("trondheim", "p-1", out)
    assert str(out) in told
    assert out.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ServerError, match="cannot be written"):
        commands.export("trondheim", "p-1", out)
