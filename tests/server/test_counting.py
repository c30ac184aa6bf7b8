"""What one machine is told of the sessions at another: a plan's cap and rest hold wherever one trains (hazard H13)."""

import threading
import time
from datetime import date
from uuid import UUID

import pytest
from django.db import connection, transaction
from msgspec.structs import replace

from coach.guidance.defaults import default_guidance
from coach.model.plan import KnownSession
from coach.session.state import begin
from firmware.participants.protocol_files import load
from firmware.services.server_commands import plan_of
from firmware.services.training_history import TrainingHistory
from firmware.system.known_time import KnownTime, trusted_moment
from server.accounts.models import Account, Clinic
from server.assessment.clearance import LATEST
from server.assessment.models import Clearance
from server.collector import parser, store
from server.diary.ingest import adopt, enter_all, enter_waiting
from server.diary.models import DiaryEntry
from server.diary.reassignment import reassign
from server.live import plan_outbox
from server.live.models import Outgoing
from server.models import MachineState
from server.people.models import Participant, PlanVersion
from server.people.plan_rules import values_of
from server.people.plan_service import save_plan
from sync.wire.codec import encode_session, read
from sync.wire.envelope import Unreadable
from sync.wire.messages import Clocks, ClocksAt, PlanOnWire, SessionDelivery
from tests.support.broker.delivery_factory import delivery, session_id

pytestmark = pytest.mark.usefixtures("database")

HOUR_S = 3600.0


@pytest.fixture(autouse=True)
def trondheim(database: object) -> Clinic:
    """A clinic with two machines."""
    del database
    for machine in ("a", "b"):
        MachineState.objects.create(
            clinic="trondheim", machine=machine, online=True, connection=1, waiting=0, state={}, heard_wall_s=0.0
        )
    return Clinic.objects.create(code="trondheim", name="Trondheim")


@pytest.fixture
def kari(trondheim: Clinic) -> Participant:
    """May train twice a week."""
    return person(trondheim, "p1")


def person(clinic: Clinic, pseudonym: str, **limits: object) -> Participant:
    made = Participant.objects.create(
        clinic=clinic, pseudonym=pseudonym, name="Kari Nordmann", nickname="Rev", birth_year=1990
    )
    plan = {"hr_max_bpm": 187.0, "hr_max_source": "measured", **(limits or {"weekly_cap": 2})}
    Clearance.objects.create(participant=made, cleared_by="Lege", cleared_on=date(2026, 1, 1), valid_until=LATEST)
    PlanVersion.objects.create(participant=made, version=1, **plan)
    return made


def trained(
    number: int, hours_ago: float, *, machine: str = "a", who: str = "p1", training_s: float = 2400.0, revision: int = 1
) -> SessionDelivery:
    """A session of 40 min that ended so long ago."""
    made = delivery(number, machine=machine, revision=revision, seed=0)
    begun_s = time.time() - hours_ago * HOUR_S - 2400.0
    return replace(
        made,
        participant=who,
        samples=type(made.samples)(),
        events=(),
        inputs=(),
        clocks=(ClocksAt(0.0, Clocks("b", 1.0, begun_s, synchronised=True)),),
        summary=replace(made.summary, participant=who, duration_s=2400.0, training_s=training_s),
    )


def store_all(*deliveries: SessionDelivery) -> None:
    store.commit(
        [
            parser.arrival(f"ic/1/{one.clinic}/{one.machine}/session/{one.session_id}", encode_session(one))
            for one in deliveries
        ]
    )


def come(*deliveries: SessionDelivery) -> None:
    store_all(*deliveries)
    enter_waiting()


def newest(machine: str, who: str = "p1") -> PlanOnWire | None:
    """The plan that this machine gets last; None where it gets none."""
    row = Outgoing.objects.filter(topic=f"ic/1/trondheim/{machine}/plan/{who}").order_by("pk").last()
    if row is None:
        return None
    told = read(bytes(row.payload), PlanOnWire)
    assert not isinstance(told, Unreadable)
    return told


def told(machine: str, who: str = "p1") -> dict[str, bool]:
    """Which sessions this machine is told last, and whether they count."""
    plan = newest(machine, who)
    assert plan is not None
    return {one.session_id: one.counts for one in plan.plan.known_sessions or ()}


def now() -> KnownTime:
    """Return what is known of the time now where the clock is set."""
    return KnownTime(trusted_moment(time.time()))


def own_diary(*deliveries: SessionDelivery) -> TrainingHistory:
    past = TrainingHistory()
    for one in deliveries:
        past = past.with_session(one.session_id, trusted_moment(one.clocks[0].clocks.wall_s), one.summary)
    return past


def stage(machine: str, past: TrainingHistory) -> str:
    """What becomes of somebody who wants to train now at this machine."""
    came = newest(machine)
    assert came is not None
    plan = replace(past.informed(plan_of(came), now()), questions=())
    return begin(plan, load("4x4"), default_guidance).stage


def rows() -> int:
    return Outgoing.objects.count()


@pytest.mark.usefixtures("kari")
def test_who_trained_up_to_the_cap_at_one_machine_is_closed_out_at_the_other() -> None:
    first, second = trained(1, 30.0), trained(2, 2.0)
    come(first)
    assert stage("b", TrainingHistory()) == "ready"
    come(second)
    assert stage("b", TrainingHistory()) == "not_today"
    assert stage("a", own_diary(first, second)) == "not_today"


@pytest.mark.usefixtures("kari")
def test_a_session_of_ones_own_that_was_delivered_is_counted_once() -> None:
    own = trained(1, 30.0, machine="b")
    come(own)
    assert stage("b", own_diary(own)) == "ready"


@pytest.mark.usefixtures("kari")
def test_what_is_not_delivered_yet_counts_beside_what_the_server_knows() -> None:
    come(trained(1, 30.0))
    assert stage("b", own_diary(trained(2, 3.0, machine="b"))) == "not_today"


@pytest.mark.usefixtures("kari")
def test_a_plan_says_how_many_there_were_for_a_machine_that_only_counts() -> None:
    come(trained(1, 30.0), trained(2, 4.0), trained(3, 175.0))
    plan = newest("b")
    assert plan is not None
    assert (plan.plan.sessions_last_7_days, plan.plan.hours_since_last) == (2, pytest.approx(4.0, abs=0.02))
    assert plan.plan.counted_at_wall_s == pytest.approx(time.time(), abs=600)
    assert plan.version == 1


@pytest.mark.usefixtures("kari")
def test_what_counts_for_nothing_sends_nothing() -> None:
    come(trained(1, 300.0), trained(2, 3.0, training_s=300.0), trained(3, 3.0, who="nobody"))
    assert rows() == 0


def test_a_plan_without_cap_and_rest_is_not_told_again(trondheim: Clinic) -> None:
    person(trondheim, "p1", weekly_cap=None)
    come(trained(1, 3.0))
    assert rows() == 0


def test_a_plan_with_hours_of_rest_alone_is_told(trondheim: Clinic) -> None:
    person(trondheim, "p1", rest_hours=20.0)
    come(trained(1, 3.0))
    assert stage("b", TrainingHistory()) == "not_today"


def test_a_plan_that_holds_no_more_is_not_told_again(kari: Participant) -> None:
    PlanVersion.objects.create(participant=kari, version=2, withdrawn=True, weekly_cap=2)
    come(trained(1, 3.0))
    assert rows() == 0


@pytest.mark.usefixtures("kari")
def test_a_newer_revision_and_a_rebuilt_diary_tell_nothing_anew_unless_it_counts_otherwise() -> None:
    session = trained(1, 3.0)
    come(session)
    assert rows() == 2
    come(replace(session, revision=2, sha256="1" * 64, summary=replace(session.summary, borg=15)))
    enter_all()
    assert rows() == 2
    come(replace(session, revision=3, sha256="2" * 64, summary=replace(session.summary, training_s=300.0)))
    assert rows() == 4
    assert told("b") == {}


def test_a_reassigned_session_leaves_one_persons_cap_and_enters_anothers(kari: Participant, trondheim: Clinic) -> None:
    ola = person(trondheim, "p2")
    account = Account.objects.create(username="t")
    session = trained(1, 3.0)
    come(session)
    entry = DiaryEntry.objects.get()
    reassign(entry, kari, ola, account, "Ola trained")
    assert (told("a"), told("a", "p2")) == ({session.session_id: False}, {session.session_id: True})
    plan = newest("a")
    assert plan is not None
    assert own_diary(session).informed(plan_of(plan), now()).sessions_last_7_days == 0
    reassign(entry, ola, kari, account, "it was Kari")
    assert (told("a"), told("a", "p2")) == ({session.session_id: True}, {})


def test_sessions_of_somebody_who_is_added_later_count_when_they_are_theirs(trondheim: Clinic) -> None:
    session = trained(1, 3.0)
    come(session)
    assert adopt(person(trondheim, "p1")) == 1
    assert told("b") == {session.session_id: True}


def test_every_way_of_handing_out_tells_the_sessions(kari: Participant, trondheim: Clinic) -> None:
    session = trained(1, 3.0)
    come(session)
    plan_outbox.supply_machine(trondheim, "c")
    assert told("c") == {session.session_id: True}
    Outgoing.objects.all().delete()
    account = Account.objects.create(username="t")
    save_plan(kari, account, replace(values_of(PlanVersion.objects.get()), weekly_cap=3), base=1, reason="")
    assert told("b") == {session.session_id: True}


def test_a_machines_clock_that_was_ahead_counts_from_the_storing_or_not_at_all(kari: Participant) -> None:
    come(trained(1, -5.0), trained(2, -500.0))
    [known] = newest("b").plan.known_sessions or ()  # type: ignore[union-attr] # it came
    assert known == KnownSession(session_id(1), known.ended_wall_s)
    stored_s = DiaryEntry.objects.get(participant=kari, session_id=UUID(session_id(1))).stored.stored_wall_s
    assert known.ended_wall_s == stored_s


@pytest.mark.usefixtures("kari")
def test_a_machine_gone_mad_makes_no_plan_too_large() -> None:
    come(*(trained(number, 3.0) for number in range(80)))
    plan = newest("b")
    assert plan is not None
    assert (len(plan.plan.known_sessions or ()), plan.plan.sessions_last_7_days) == (64, 64)


def test_a_plan_and_a_session_at_the_same_time_end_with_both(kari: Participant) -> None:
    """Whoever comes last tells the newest plan with the newest sessions, and neither waits for the other for ever."""
    account = Account.objects.create(username="t")
    sessions = [trained(number, 3.0) for number in range(1, 5)]
    values = values_of(PlanVersion.objects.get())
    failed: list[Exception] = []

    def in_thread(act: object) -> threading.Thread:
        def run() -> None:
            try:
                act()  # type: ignore[operator] # called as given below
            except Exception as error:  # noqa: BLE001 - told by the test
                failed.append(error)
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def change() -> None:
        for base in range(1, 5):
            save_plan(kari, account, replace(values, ceiling_bpm=170.0 + base), base=base, reason="")

    def deliver() -> None:
        for one in sessions:
            come(one)

    def supply() -> None:
        for _ in range(4):
            with transaction.atomic():
                plan_outbox.hand_out_all(kari.clinic)

    for thread in [in_thread(change), in_thread(deliver), in_thread(supply)]:
        thread.join()
    assert failed == []
    for machine in ("a", "b"):
        plan = newest(machine)
        assert plan is not None
        assert (plan.version, len(plan.plan.known_sessions or ())) == (5, 4)
