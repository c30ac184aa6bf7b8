"""Deleting a participant leaves nothing; a package goes to another clinic whole, once, or not at all."""

import json
import re
import secrets
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from server.audit.models import Entry
from server.diary.models import DiaryEntry
from server.diary.reassignment import reassign
from server.documents import commands, deletion
from server.documents.errors import HandoverError, PaperError
from server.documents.export import transfer
from server.errors import ServerError
from server.live.models import GivenCommand, Outgoing, RaisedNotice
from server.models import DeadLetter, MachineState, QuarantinedSession, Session, SessionPart
from server.people.models import Course, Note, Participant, PlanVersion
from sync.wire.chunks import cut
from sync.wire.codec import encode_session, read_session
from sync.wire.envelope import unseal
from sync.wire.messages import SessionDelivery
from tests.server.web.conftest import People
from tests.server.web.papers_ground import fetched, keep, trained, weeks

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
    assert everywhere(NAME, "p-1", *ids) == ["audit.Entry.participant", "room.Outgoing.topic"]
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
    assert everywhere(NAME, "p-1") == ["audit.Entry.detail", "audit.Entry.participant"]
    stored = Session.objects.get()
    found = read_session(bytes(stored.payload))
    assert isinstance(found, SessionDelivery)
    assert (found.participant, found.plan.participant, stored.participant) == ("p-2", "p-2", "p-2")


def test_a_session_that_comes_after_the_deletion_is_deleted_by_the_same_command(people: People) -> None:
    deletion.delete(people.participant, "command")
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


# --- from one clinic to another ---------------------------------------------------------------------------------------


PASSPHRASE = "abcde-fghjk-mnpqr-stuvw-xyz23"  # noqa: S105 - a test's own


def package(people: People) -> bytes:
    weeks(2)
    person = people.participant
    Course.objects.create(participant=person, begins_on=timezone.localdate())
    PlanVersion.objects.create(participant=person, version=1, hr_max_bpm=185, reason="først")
    chosen = Note.objects.create(participant=person, text="Følger med")
    Note.objects.create(participant=person, text="Blir igjen")
    return transfer.make(person, people.account("therapist"), PASSPHRASE, [chosen], "Bergen", ends=True)


def test_a_package_makes_the_participant_anew_at_the_other_clinic(people: People) -> None:
    sealed = package(people)
    opened = transfer.open_package(sealed, "ABCDE fghjk mnpqr stuvw xyz23")
    made = transfer.take_over(opened, people.other, people.account("bergen-therapist"))
    assert (made.name, made.clinic, made.research_consent_at) == (NAME, people.other, None)
    assert made.pseudonym not in ("p-1", "")
    entries = list(DiaryEntry.objects.filter(participant=made).order_by("begun_at"))
    first = list(DiaryEntry.objects.filter(participant=people.participant).order_by("begun_at"))
    assert [(one.begun_at, one.zone_s) for one in entries] == [(one.begun_at, one.zone_s) for one in first]
    assert {one.session_id for one in entries}.isdisjoint(one.session_id for one in first)
    assert [bytes(Session.objects.get(pk=one.stored_id).payload) for one in entries] == [
        bytes(Session.objects.get(pk=one.stored_id).payload) for one in first
    ]
    assert [note.text.rsplit(": ", 1)[1] for note in made.notes.all()] == ["Følger med"]
    assert [(one.version, one.withdrawn) for one in made.plans.order_by("version")] == [(1, False), (2, True)]
    assert made.courses.count() == 1
    taken = made.taken_over.get()
    assert (taken.from_clinic, taken.from_pseudonym) == ("Trondheim (trondheim)", "p-1")
    people.participant.refresh_from_db()
    assert (people.participant.handed_over_to, people.participant.active) == ("Bergen", False)
    told = Entry.objects.filter(action__in=("papers.handed_over", "papers.taken_over")).order_by("number")
    assert [(one.action, one.clinic, one.participant) for one in told] == [
        ("papers.handed_over", "trondheim", "p-1"),
        ("papers.taken_over", "bergen", made.pseudonym),
    ]


def test_a_package_is_taken_over_once(people: People) -> None:
    opened = transfer.open_package(package(people), PASSPHRASE)
    account = people.account("bergen-therapist")
    made = transfer.take_over(opened, people.other, account)
    count = Participant.objects.count()
    with pytest.raises(HandoverError, match=made.pseudonym):
        transfer.take_over(opened, people.other, account)
    again = transfer.make(people.participant, people.account("therapist"), "x", [], "Bergen")
    with pytest.raises(HandoverError, match=made.pseudonym):
        transfer.take_over(transfer.open_package(again, "x"), people.other, account)
    assert Participant.objects.count() == count


def test_a_changed_package_or_a_wrong_passphrase_changes_nothing_and_says_so(people: People) -> None:
    sealed = package(people)
    before = (Participant.objects.count(), Session.objects.count())
    places = [5, 22, 40, len(sealed) - 1, *(secrets.randbelow(len(sealed) - 5) + 5 for _ in range(3))]
    for place in places:
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(HandoverError, match=r"passfrasen er en annen|passphrase is another"):
            transfer.open_package(bytes(changed), PASSPHRASE)
    answer = people.clients["bergen-therapist"].post(
        "/c/bergen/papers/take-over/",
        {"file": SimpleUploadedFile("p.ichp", sealed), "passphrase": "another"},
    )
    assert answer.status_code == 422
    assert "Ingenting er endret her" in answer.content.decode()
    for rubbish in (b"", b"PK", b"ICHP", b"ICHP\x09" + b"x" * 60):
        with pytest.raises(HandoverError):
            transfer.open_package(rubbish, "x")
    assert (Participant.objects.count(), Session.objects.count()) == before


def hostile(entries: dict[str, bytes], change: Callable[[zipfile.ZipInfo], None] = lambda _: None) -> bytes:
    """A package that decrypts with `x`, whose archive somebody else made."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    head = transfer.MAGIC + bytes((transfer.VERSION,)) + bytes(16)
    changed = bytearray(made.getvalue())
    probe = zipfile.ZipInfo()
    change(probe)
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = changed.find(mark)
        if probe.flag_bits:
            changed[place + at] |= probe.flag_bits
        if probe.compress_type:
            changed[place + at + 2] = probe.compress_type
    key = transfer._key("x", bytes(16))
    return head + bytes(12) + AESGCM(key).encrypt(bytes(12), bytes(changed), head)


def with_password(probe: zipfile.ZipInfo) -> None:
    probe.flag_bits = 1


def with_unknown_method(probe: zipfile.ZipInfo) -> None:
    probe.compress_type = 98


@pytest.mark.parametrize("change", [with_password, with_unknown_method])
def test_a_package_that_another_program_made_is_refused_in_words(change: Callable[[zipfile.ZipInfo], None]) -> None:
    with pytest.raises(HandoverError):
        transfer.open_package(hostile({"package.json": b"{}"}, change), "x")


def test_a_package_with_a_time_that_no_page_could_show_is_refused(people: People) -> None:
    opened = transfer.open_package(package(people), PASSPHRASE)
    wrong = msgspec.structs.replace(opened.package, made_at=datetime(1, 1, 1, tzinfo=UTC))
    with pytest.raises(HandoverError, match="made_at"):
        transfer.open_package(hostile({"package.json": msgspec.json.encode(wrong), **opened.payloads}), "x")


def test_the_passphrase_is_shown_once_and_opens_the_file_that_follows(people: People) -> None:
    weeks(1)
    page = people.therapist.post(f"{BASE}hand-over/", {"to": "Bergen"}).content.decode()
    passphrase = re.search(r'<code class="secret">([^<]+)</code>', page)
    order = re.search(r'name="order" value="([^"]+)"', page)
    assert passphrase is not None
    assert order is not None
    sealed = people.therapist.post(f"{BASE}hand-over/file/", {"order": order[1]}).content
    assert NAME.encode() not in sealed
    answer = people.clients["bergen-therapist"].post(
        "/c/bergen/papers/take-over/",
        {"file": SimpleUploadedFile("p.ichp", sealed), "passphrase": passphrase[1]},
    )
    assert answer.status_code == 302
    assert Participant.objects.filter(clinic=people.other, name=NAME).count() == 1


def test_an_order_for_a_package_cannot_be_made_up(people: People) -> None:
    answer = people.therapist.post(f"{BASE}hand-over/file/", {"order": "made:up:by-somebody"})
    assert answer.status_code == 302
    people.participant.refresh_from_db()
    assert people.participant.handed_over_to == ""


def test_a_fresh_passphrase_has_enough_chance_in_it() -> None:
    drawn = {transfer.new_passphrase() for _ in range(50)}
    assert len(drawn) == 50
    assert all(re.fullmatch(r"([a-z2-9]{5}-){4}[a-z2-9]{5}", one) for one in drawn)


def test_taken_over_sessions_can_be_exported_and_deleted_like_others(people: People) -> None:
    opened = transfer.open_package(package(people), PASSPHRASE)
    made = transfer.take_over(opened, people.other, people.account("bergen-therapist"))
    base = f"/c/bergen/participants/{made.pseudonym}/papers/"
    assert fetched(people.clients["bergen-therapist"], f"{base}everything.zip")
    kept = set(DiaryEntry.objects.filter(clinic=people.clinic).values_list("session_id", flat=True))
    deletion.delete(made, "command")
    assert set(DiaryEntry.objects.values_list("session_id", flat=True)) == kept
