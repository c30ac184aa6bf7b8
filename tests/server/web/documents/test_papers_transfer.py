"""A package goes to another clinic whole, once, or not at all; the file is one that other programs read."""

import contextlib
import os
import pty
import re
import secrets
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from server.audit.models import Entry
from server.diary import selectors
from server.diary.models import DiaryEntry, ImportedSession
from server.documents import deletion
from server.documents.errors import HandoverError
from server.documents.export import activity, transfer, transfer_file
from server.documents.models import HeldPackage, KnownSender, ProcedureCode
from server.models import Session
from server.people.models import Course, Note, Participant, PlanVersion
from tests.server.web.conftest import People
from tests.server.web.papers_ground import fetched, keep, trained, weeks

BASE = "/c/trondheim/participants/p-1/papers/"
NAME = "Kari Nordmann"


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


def everything_of(person: Participant) -> tuple[int, int, int, int]:
    return person.entries.count(), person.notes.count(), person.courses.count(), person.plans.count()


def test_a_package_makes_one_person_and_a_second_time_is_merged(people: People) -> None:
    opened = transfer.open_package(package(people), PASSPHRASE)
    account = people.account("bergen-therapist")
    made = transfer.take_over(opened, people.other, account)
    count, before = Participant.objects.count(), everything_of(made)
    keep(trained(40))
    again = transfer.make(people.participant, people.account("therapist"), "x", [], "Bergen")
    later = transfer.open_package(again, "x")
    for one in (opened, later):
        with pytest.raises(HandoverError, match=made.pseudonym):
            transfer.take_over(one, people.other, account)
        assert [(match.participant, match.sure) for match in transfer.find_matches(one.package, people.other)] == [
            (made, True)
        ]
    assert transfer.take_over(opened, people.other, account, made) == made
    assert everything_of(made) == before
    transfer.take_over(later, people.other, account, made)
    assert everything_of(made) == (before[0] + 1, *before[1:])
    assert Participant.objects.count() == count


def test_within_the_same_clinic_and_back_again_nothing_is_doubled(people: People) -> None:
    """The package of a person who never left, and of one who comes home from another clinic with more."""
    opened = transfer.open_package(package(people), PASSPHRASE)
    therapist, there = people.account("therapist"), people.account("bergen-therapist")
    before = everything_of(people.participant)
    with pytest.raises(HandoverError, match="p-1"):
        transfer.take_over(opened, people.clinic, therapist)
    transfer.take_over(opened, people.clinic, therapist, people.participant)
    assert everything_of(people.participant) == before
    made = transfer.take_over(opened, people.other, there)
    (new,) = keep(trained(60, participant=made.pseudonym, clinic="bergen"))
    back = transfer.open_package(transfer.make(made, there, "x", [], "Trondheim"), "x")
    transfer.take_over(back, people.clinic, therapist, people.participant)
    assert everything_of(people.participant)[0] == before[0] + 1
    marked = ImportedSession.objects.filter(session_id__in=people.participant.entries.values("session_id"))
    assert [(one.clinic_code, one.first_id) for one in marked] == [("bergen", str(new.session_id))]
    assert ImportedSession.objects.filter(clinic_code="trondheim").count() == 2
    people.participant.refresh_from_db()
    assert (people.participant.active, people.participant.handed_over_to) == (True, "")


def test_a_person_of_the_same_name_and_year_is_asked_about(people: People) -> None:
    opened = transfer.open_package(package(people), PASSPHRASE)
    person = people.participant
    alike = Participant.objects.create(
        clinic=people.other, pseudonym="b-7", name="kari  nordmann", nickname="Elg", birth_year=person.birth_year
    )
    assert [(one.participant, one.sure) for one in transfer.find_matches(opened.package, people.other)] == [
        (alike, False)
    ]
    sealed = transfer.make(person, people.account("therapist"), PASSPHRASE, [], "Bergen")
    page = uploaded(people, sealed, PASSPHRASE).content.decode()
    assert f"Ja, slå sammen med kari  nordmann (Elg, {person.birth_year})" in page
    assert confirm(people, page).status_code == 422
    assert confirm(people, page, into="new").status_code == 302
    assert Participant.objects.filter(clinic=people.other).exclude(pk=alike.pk).filter(name=NAME).count() == 1


def test_imported_sessions_count_in_the_course_and_in_no_activity(people: People) -> None:
    opened = transfer.open_package(package(people), PASSPHRASE)
    made = transfer.take_over(opened, people.other, people.account("bergen-therapist"))
    ProcedureCode.objects.create(clinic=people.other, code="OBAB00", text="Trening")
    keep(trained(70, participant=made.pseudonym, clinic="bergen"))
    today = timezone.localdate()
    period = activity.ActivityPeriod(today - timedelta(days=30), today)
    found = activity.report(people.other, period)
    assert (found.total.sessions, found.total.codes, found.elsewhere) == (1, (1,), 2)
    assert activity.report(people.clinic, period).total.sessions == 2
    assert selectors.entries_of(made).count() == 3
    browser = people.clients["bergen-therapist"]
    listed = browser.get(f"/c/bergen/participants/{made.pseudonym}/diary/list/").content.decode()
    assert listed.count("trent ved Trondheim") == 2
    assert (
        "2 økter i perioden ble trent ved andre klinikker"
        in browser.get(f"/c/bergen/papers/?first={period.first}&last={period.last}").content.decode()
    )


# --- the file and its sender ------------------------------------------------------------------------------------------


def uploaded(people: People, content: bytes, passphrase: str) -> Any:  # noqa: ANN401 - Django's answer
    """Choose the file at the other clinic."""
    given = {"file": SimpleUploadedFile("p.age", content), "passphrase": passphrase}
    return people.clients["bergen-therapist"].post("/c/bergen/papers/take-over/", given)


def confirm(people: People, page: str, **more: str) -> Any:  # noqa: ANN401 - Django's answer
    """Press the button of the page that shows what the file is."""
    order = re.search(r'name="order" value="([^"]+)"', page)
    assert order is not None
    return people.clients["bergen-therapist"].post("/c/bergen/papers/take-over/", {"order": order[1], **more})


def test_the_program_age_opens_a_file_and_openssl_proves_its_sender(people: People, tmp_path: Path) -> None:
    """Two programs that are not this one read what the format promises."""
    age, openssl = shutil.which("age"), shutil.which("openssl")
    if age is None or openssl is None:
        pytest.skip("age or openssl is not installed")
    (tmp_path / "p.age").write_bytes(package(people))
    assert by_terminal([age, "-d", "-o", "p.zip", "p.age"], PASSPHRASE, tmp_path) == 0
    with zipfile.ZipFile(tmp_path / "p.zip") as archive:
        archive.extractall(tmp_path)
    verify = [openssl, "pkeyutl", "-verify", "-pubin", "-inkey", "sender.pem", "-rawin", "-in", "package.zip"]
    subprocess.run([*verify, "-sigfile", "package.zip.sig"], cwd=tmp_path, check=True, capture_output=True)
    with zipfile.ZipFile(tmp_path / "package.zip") as archive:
        assert msgspec.json.decode(archive.read("package.json"))["from_clinic"] == "trondheim"


def test_a_file_that_the_program_age_encrypted_is_read(people: People, tmp_path: Path) -> None:
    age = shutil.which("age")
    if age is None:
        pytest.skip("age is not installed")
    (tmp_path / "p.zip").write_bytes(pyrage.passphrase.decrypt(package(people), PASSPHRASE))
    assert by_terminal([age, "-p", "-o", "q.age", "p.zip"], PASSPHRASE, tmp_path, times=2) == 0
    assert transfer.open_package((tmp_path / "q.age").read_bytes(), PASSPHRASE).package.name == NAME


def by_terminal(words: list[str], typed: str, folder: Path, times: int = 1) -> int:
    """Run a program that asks for a passphrase at its terminal, and type it. Gives its exit status."""
    terminal, inside = pty.openpty()
    controlled = ["setsid", "--ctty", "--wait", *words]
    with subprocess.Popen(controlled, cwd=folder, stdin=inside, stdout=inside, stderr=inside) as program:
        os.close(inside)
        said = b""
        with contextlib.suppress(OSError):
            while chunk := os.read(terminal, 1024):
                said += chunk
                if said.rstrip().endswith(b":") and times:
                    times, said = times - 1, b""
                    os.write(terminal, typed.encode() + b"\n")
        os.close(terminal)
    return program.returncode


def test_a_file_of_an_earlier_version_is_read_and_says_that_it_proves_nothing(people: People) -> None:
    inside = zipfile.ZipFile(BytesIO(pyrage.passphrase.decrypt(package(people), PASSPHRASE))).read("package.zip")
    head = b"ICHP\x01" + bytes(16)
    key = transfer_file.old_key(PASSPHRASE, bytes(16))
    old = head + bytes(12) + AESGCM(key).encrypt(bytes(12), inside, head)
    assert transfer.open_package(old, PASSPHRASE.upper().replace("-", " ")).sender == ""
    page = uploaded(people, old, PASSPHRASE).content.decode()
    assert "Avsenderen er ikke bekreftet" in page
    assert confirm(people, page).status_code == 302
    changed = bytearray(old)
    changed[40] ^= 1
    with pytest.raises(HandoverError, match=r"passfrasen er en annen|passphrase is another"):
        transfer.open_package(bytes(changed), PASSPHRASE)


def test_an_unknown_sender_is_said_and_remembered_once_the_code_was_compared(people: People) -> None:
    inside = zipfile.ZipFile(BytesIO(pyrage.passphrase.decrypt(package(people), PASSPHRASE))).read("package.zip")
    elsewhere = Ed25519PrivateKey.generate()
    code = transfer_file.fingerprint(elsewhere.public_key())
    page = uploaded(people, transfer_file.seal(inside, "x", elsewhere), "x").content.decode()
    assert "Avsenderen er ikke kjent her" in page
    assert code in page
    assert confirm(people, page, known="on").status_code == 302
    known = KnownSender.objects.get()
    assert (known.clinic, known.fingerprint, known.name) == (people.other, code, "Trondheim")
    again = uploaded(people, transfer_file.seal(inside, "x", elsewhere), "x").content.decode()
    assert "Signert av Trondheim. Avsenderkoden er kjent her." in again


def test_a_signature_of_another_key_is_refused(people: People) -> None:
    first = zipfile.ZipFile(BytesIO(pyrage.passphrase.decrypt(package(people), PASSPHRASE)))
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("package.zip", first.read("package.zip"))
        archive.writestr("package.zip.sig", Ed25519PrivateKey.generate().sign(first.read("package.zip")))
        archive.writestr("sender.pem", first.read("sender.pem"))
    with pytest.raises(HandoverError, match=r"signatur|signature"):
        transfer.open_package(pyrage.passphrase.encrypt(made.getvalue(), "x"), "x")


def test_an_upload_is_kept_for_an_hour_and_is_its_uploaders_alone(people: People) -> None:
    sealed = package(people)
    page = uploaded(people, sealed, PASSPHRASE).content.decode()
    HeldPackage.objects.update(account=people.account("therapist"))
    answer = confirm(people, page)
    assert answer.status_code == 302
    assert not Participant.objects.filter(clinic=people.other, name=NAME).exists()
    HeldPackage.objects.update(made_at=timezone.now() - timedelta(hours=2))
    uploaded(people, sealed, PASSPHRASE)
    assert HeldPackage.objects.count() == 1


def test_a_changed_package_or_a_wrong_passphrase_changes_nothing_and_says_so(people: People) -> None:
    sealed = package(people)
    before = (Participant.objects.count(), Session.objects.count())
    # The header, its mark, the nonce, and the encrypted chunks.
    places = [30, 70, 180, len(sealed) - 1, *(secrets.randbelow(len(sealed) - 200) + 200 for _ in range(2))]
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
    """A package that decrypts with `x`, whose archive another program made."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    changed = bytearray(made.getvalue())
    probe = zipfile.ZipInfo()
    change(probe)
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = changed.find(mark)
        if probe.flag_bits:
            changed[place + at] |= probe.flag_bits
        if probe.compress_type:
            changed[place + at + 2] = probe.compress_type
    return transfer_file.seal(bytes(changed), "x", transfer_file.sending_key("trondheim"))


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
        {"file": SimpleUploadedFile("p.age", sealed), "passphrase": passphrase[1]},
    )
    assert "Signert av" in answer.content.decode()
    answer = confirm(people, answer.content.decode())
    assert answer.status_code == 302
    assert not HeldPackage.objects.exists()
    assert Participant.objects.filter(clinic=people.other, name=NAME).count() == 1


def test_an_order_for_a_package_cannot_be_made_up(people: People) -> None:
    answer = people.therapist.post(f"{BASE}hand-over/file/", {"order": "made:up:by-a-stranger"})
    assert answer.status_code == 302
    people.participant.refresh_from_db()
    assert people.participant.handed_over_to == ""


def test_a_fresh_passphrase_has_enough_chance_in_it() -> None:
    drawn = {transfer_file.new_passphrase() for _ in range(50)}
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
