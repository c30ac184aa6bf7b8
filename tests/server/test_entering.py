"""How diary entries are made from stored sessions: each once, the newest revision, none passed over."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime

import msgspec
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.accounts.models import Clinic
from server.collector import parser, store
from server.diary import ingest
from server.diary.ingest import Entered, adopt, enter_all, enter_some, enter_waiting
from server.diary.models import DiaryEntry, Progress, Reassignment
from server.models import Session
from server.people.models import Participant
from sync.wire.codec import encode_session
from sync.wire.messages import SessionDelivery
from tests.support.broker.delivery_factory import BEGUN_WALL_S, delivery, session_id

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def trondheim(database: object) -> Clinic:  # noqa: ARG001 - it must be there first
    return Clinic.objects.create(code="trondheim", name="Trondheim")


def keep(*deliveries: SessionDelivery) -> None:
    store.commit(
        [
            parser.arrival(f"ic/1/{one.clinic}/{one.machine}/session/{one.session_id}", encode_session(one))
            for one in deliveries
        ]
    )


def small(number: int, *, revision: int = 1, clinic: str = "trondheim", **changed: object) -> SessionDelivery:
    """Session `number`, without what no entry holds."""
    made = delivery(number, revision=revision, clinic=clinic, seed=0)
    empty = msgspec.structs.replace(made, samples=type(made.samples)(), events=(), inputs=())
    return msgspec.structs.replace(empty, **changed)


def person(clinic: Clinic, pseudonym: str = "p1") -> Participant:
    return Participant.objects.create(
        clinic=clinic, pseudonym=pseudonym, name="Kari Nordmann", nickname="Rev", birth_year=1990
    )


def entered() -> set[tuple[str, int]]:
    return {(str(one.session_id), one.stored.revision) for one in DiaryEntry.objects.select_related("stored")}


def test_an_entry_holds_what_the_summary_says(trondheim: Clinic) -> None:
    kari = person(trondheim)
    keep(small(1))
    assert enter_some() == Entered(1, more=False)
    [entry] = DiaryEntry.objects.values()
    summary = delivery(1).summary
    third = summary.intervals[0].third_minute_bpm
    assert third is not None
    assert entry == {
        "id": entry["id"],
        "session_id": entry["session_id"],
        "stored_id": Session.objects.get().pk,
        "clinic_id": trondheim.pk,
        "participant_id": kari.pk,
        "pseudonym": "p1",
        "machine": "machine-1",
        "begun_at": datetime.fromtimestamp(BEGUN_WALL_S, UTC),
        "begun_on": date(2026, 11, 22),
        "clock_trusted": True,
        "protocol": "4x4",
        "completed": True,
        "end_reason": "done",
        "training_s": 2400.0,
        "planned_intervals": 4,
        "completed_intervals": 4,
        "zone_s": 580.0,
        "above_95_s": 0.0,
        "load": 112.0,
        "hr_max_bpm": 185.0,
        "peak_bpm": 169.0,
        "third_minute_bpm": third,
        "third_minute_fraction": third / 185.0,
        "speed_kmh": 6.4,
        "incline_percent": 5.0,
        "first_time_to_zone_s": 95.0,
        "recovery_fall_bpm": 24.0,
        "borg": 16,
        "mood": 4,
        "live_fraction": 0.98,
    }
    assert str(entry["session_id"]) == session_id(1)


def test_the_day_is_the_clinics_own() -> None:
    Clinic.objects.create(code="west", name="West", time_zone="America/Los_Angeles")
    keep(small(1, clinic="west"))
    enter_some()
    assert DiaryEntry.objects.get().begun_on == date(2026, 11, 21)


def test_entering_again_changes_nothing(trondheim: Clinic) -> None:
    person(trondheim)
    keep(small(1), small(2))
    enter_waiting()
    before = list(DiaryEntry.objects.values().order_by("id"))
    assert enter_all() == 2
    assert list(DiaryEntry.objects.values().order_by("id")) == before
    assert enter_waiting() == 0


def test_the_newest_revision_wins_in_whatever_order_they_come() -> None:
    keep(small(1, revision=2), small(2))
    enter_waiting()
    keep(small(1), small(2, revision=3))
    enter_waiting()
    assert entered() == {(session_id(1), 2), (session_id(2), 3)}


def test_a_pseudonym_that_nobody_here_has_is_unassigned(trondheim: Clinic) -> None:
    elsewhere = Clinic.objects.create(code="oslo", name="Oslo")
    person(elsewhere)
    keep(small(1))
    enter_waiting()
    assert list(DiaryEntry.objects.values_list("participant", "pseudonym")) == [(None, "p1")]
    kari = person(trondheim)
    assert adopt(kari) == 1
    assert DiaryEntry.objects.get().participant == kari


def test_a_reassignment_outlasts_a_newer_revision_and_a_rebuild(trondheim: Clinic) -> None:
    kari, ola = person(trondheim), person(trondheim, "p2")
    keep(small(1), small(2))
    enter_waiting()
    for number, after in ((1, ola), (2, None)):
        entry = DiaryEntry.objects.get(session_id=session_id(number))
        entry.participant = after
        entry.save()
        Reassignment.objects.create(entry=entry, before=kari, after=after, reason="changed places")
    keep(small(1, revision=2), small(2, revision=2))
    enter_all()
    assert entered() == {(session_id(1), 2), (session_id(2), 2)}
    assert dict(DiaryEntry.objects.values_list("stored__session_id", "participant")) == {
        Session.objects.filter(session_id=session_id(1)).first().session_id: ola.pk,  # type: ignore[union-attr]
        Session.objects.filter(session_id=session_id(2)).first().session_id: None,  # type: ignore[union-attr]
    }


def test_a_newer_revision_under_another_pseudonym_follows_it(trondheim: Clinic) -> None:
    person(trondheim)
    ola = person(trondheim, "p2")
    keep(small(1))
    enter_waiting()
    keep(small(1, revision=2, participant="p2"))
    enter_waiting()
    assert DiaryEntry.objects.get().participant == ola


def test_a_session_that_is_committed_after_others_with_higher_ids_is_entered() -> None:
    keep(small(1), small(2), small(3))
    late = Session.objects.get(session_id=session_id(2))
    Session.objects.filter(pk=late.pk).delete()
    enter_waiting()
    assert entered() == {(session_id(1), 1), (session_id(3), 1)}
    late.save(force_insert=True)
    assert enter_waiting() == 1
    assert entered() == {(session_id(1), 1), (session_id(2), 1), (session_id(3), 1)}
    assert Progress.objects.get().missing == []


def test_an_id_that_never_comes_is_looked_for_for_a_day() -> None:
    keep(small(1), small(2))
    first, second = Session.objects.order_by("id")
    first.delete()
    enter_some(clock=lambda: 1000.0)
    assert Progress.objects.get().missing == [{"first": first.pk or 1, "last": second.pk - 1, "since_wall_s": 1000.0}]
    enter_some(clock=lambda: 1000.0 + 86_399.0)
    assert Progress.objects.get().missing != []
    enter_some(clock=lambda: 1000.0 + 86_400.0)
    assert Progress.objects.get().missing == []


def test_a_clinic_that_is_not_in_the_table_is_entered_once_it_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "AT_A_TIME", 2)
    keep(*(small(number, clinic="bodo") for number in range(1, 6)), small(6))
    enter_waiting()
    assert entered() == {(session_id(6), 1)}
    Clinic.objects.create(code="bodo", name="Bodø")
    while enter_some(2).more:
        pass
    assert entered() == {(session_id(number), 1) for number in range(1, 7)}
    assert Progress.objects.get().passed_over == {}


def test_numbers_that_no_training_has_stop_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    # The border refuses them today (`sync.wire.ranges`); a database of an earlier version may hold them.
    for reader in ("sync.wire.codec", "server.collector.parser"):
        monkeypatch.setattr(f"{reader}.find_out_of_range", lambda _message: "")
    summary = delivery(1).summary
    wild = msgspec.structs.replace(
        summary, planned_intervals=10**9, completed_intervals=-3, borg=10**7, end_reason="x" * 500, intervals=()
    )
    clocks = delivery(1).clocks[0]
    late = msgspec.structs.replace(clocks, clocks=msgspec.structs.replace(clocks.clocks, wall_s=1e300))
    keep(small(1, summary=wild, clocks=(late,)), small(2))
    enter_waiting()
    entry = DiaryEntry.objects.get(session_id=session_id(1))
    assert (entry.planned_intervals, entry.completed_intervals, entry.borg) == (32_767, 0, 32_767)
    assert (entry.end_reason, entry.begun_at.year, entry.third_minute_bpm) == ("x" * 64, 9999, None)


def test_a_summary_that_this_version_cannot_read_stops_no_other() -> None:
    keep(small(1), small(2))
    Session.objects.filter(session_id=session_id(1)).update(summary={"of": "another time"})
    enter_waiting()
    assert entered() == {(session_id(2), 1)}


def test_several_at_once_enter_each_session_once() -> None:
    keep(*(small(number) for number in range(1, 41)))
    began = threading.Barrier(4)

    def work(failed: list[BaseException]) -> None:
        try:
            began.wait()
            for _ in range(30):
                enter_some(3)
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits
            failed.append(error)
        finally:
            connection.close()

    failed: list[BaseException] = []
    threads = [threading.Thread(target=work, args=(failed,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    enter_waiting()
    assert failed == []
    assert entered() == {(session_id(number), 1) for number in range(1, 41)}


@pytest.fixture
def emptied() -> Callable[[], None]:
    def empty() -> None:
        for model in (DiaryEntry, Session, Progress):
            model.objects.all().delete()

    return empty


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    came=st.lists(
        st.tuples(st.integers(1, 5), st.integers(1, 3), st.booleans()), unique_by=lambda one: one[:2], max_size=12
    )
)
def test_whatever_comes_when_each_session_has_its_newest_revision(
    emptied: Callable[[], None], came: list[tuple[int, int, bool]]
) -> None:
    emptied()
    for number, revision, enters in came:
        keep(small(number, revision=revision))
        if enters:
            enter_some(2)
    enter_waiting()
    newest = {number: max(revision for other, revision, _ in came if other == number) for number, _, _ in came}
    assert entered() == {(session_id(number), revision) for number, revision in newest.items()}
