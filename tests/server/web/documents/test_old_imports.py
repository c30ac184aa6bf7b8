"""Sessions imported before the mark was known: they count in the course, and in no sum of the clinic that has them."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from server.diary.models import DiaryEntry, ImportedSession, Reassignment
from server.documents.export import activity, transfer
from server.people.models import Course, Participant
from server.regional_statistics import aggregation
from server.regional_statistics.periods import span_until
from tests.server.web.conftest import People
from tests.server.web.documents.test_papers_transfer import PASSPHRASE, package

MARKS = (
    ("server.documents.migrations.0003_proved_senders", "mark_sessions_taken_over_before"),
    ("server.documents.migrations.0004_mark_reassigned_imports", "mark_the_others"),
    ("server.regional_statistics.migrations.0003_imported_elsewhere", "sum_again"),
)


def migrate() -> None:
    """Do what the migrations do with the rows."""
    with connection.schema_editor() as editor:
        for module, name in MARKS:
            getattr(import_module(module), name)(apps, editor)


@pytest.fixture
def imported(people: People) -> Participant:
    """A participant whose sessions were imported by a version that did not mark them."""
    made = transfer.take_over(
        transfer.open_package(package(people), PASSPHRASE), people.other, people.account("bergen-therapist")
    )
    ImportedSession.objects.all().delete()
    return made


def counted(people: People) -> tuple[int, int, int]:
    """Sessions of the receiving clinic: in its activity, in the network's sums, and in those by kind."""
    entries = DiaryEntry.objects.filter(clinic=people.other)
    days = [one.begun_on for one in entries]
    period = activity.ActivityPeriod(min(days), max(days))
    span = span_until(timezone.localdate())
    sums = aggregation.quarters_of({people.other.pk}, span)
    kinds = (aggregation.atoms_of({people.other.pk}, number) for number in span.numbers)
    atoms = [atom for one in kinds for atom in one.get(people.other.pk, [])]
    return (
        activity.report(people.other, period).total.sessions,
        sum(month.sessions for one in sums.values() for month in one.months),
        sum(atom.amount.sessions for atom in atoms),
    )


def test_what_was_imported_without_a_mark_is_marked_and_counts_in_no_sum(people: People, imported: Participant) -> None:
    there = imported.entries.count()
    assert there > 0
    assert counted(people) == (there, there, there)
    migrate()
    assert ImportedSession.objects.filter(clinic_code="trondheim", clinic_name="Trondheim").count() == there
    assert counted(people) == (0, 0, 0)
    migrate()
    assert ImportedSession.objects.count() == there


def test_one_that_counts_for_another_participant_now_is_marked_too(people: People, imported: Participant) -> None:
    other = Participant.objects.create(
        clinic=people.other, pseudonym="b-9", name="En Annen", nickname="Gaupe", birth_year=1980
    )
    entry = imported.entries.order_by("pk")[0]
    Reassignment.objects.create(entry=entry, before=imported, after=other, reason="feil person")
    DiaryEntry.objects.filter(pk=entry.pk).update(participant=other)
    migrate()
    assert ImportedSession.objects.get(session_id=entry.session_id).clinic_name == "Trondheim"
    assert counted(people) == (0, 0, 0)


def test_it_still_counts_in_the_course(imported: Participant) -> None:
    before = imported.entries.count()
    migrate()
    assert Course.objects.filter(participant=imported).exists()
    assert imported.entries.count() == before
