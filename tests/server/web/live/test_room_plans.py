"""Plans on their way to the machines: written with what they tell, published in order, again until confirmed."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from django.db import transaction

from server.accounts.models import Clinic
from server.clinic_folder.settings import ClinicFolder as Folder
from server.live import plan_outbox
from server.live.models import Outgoing, PublishingTurn
from server.live.outbox_publisher import Publisher
from server.live.wire_plans import holds, plan_on_wire, valid_until_wall_s
from server.models import MachineState
from server.people.models import Participant, PlanVersion
from sync.wire.codec import read
from sync.wire.envelope import Unreadable
from sync.wire.messages import PlanOnWire


@pytest.fixture
def participant(database: Folder) -> Participant:
    del database
    clinic = Clinic.objects.create(code="trondheim", name="Trondheim")
    beside = Clinic.objects.create(code="bergen", name="Bergen")
    for code, machine in (("trondheim", "molle-1"), ("trondheim", "molle-2"), ("bergen", "molle-9")):
        MachineState.objects.create(
            clinic=code, machine=machine, online=True, connection=1, waiting=0, state={}, heard_wall_s=0.0
        )
    Participant.objects.create(clinic=beside, pseudonym="p-9", name="Per", nickname="Elg", birth_year=1990)
    return Participant.objects.create(
        clinic=clinic, pseudonym="p-1", name="Kari Nordmann", nickname="Rev", birth_year=1984
    )


def version_of(participant: Participant, number: int = 1, **more: object) -> PlanVersion:
    usual = {"hr_max_bpm": 187.0, "hr_max_source": "measured", "ceiling_bpm": 180.0, "start_speed_kmh": 6.4}
    return PlanVersion.objects.create(participant=participant, version=number, **{**usual, **more})


def waiting() -> list[tuple[str, bytes]]:
    return [(row.topic, bytes(row.payload)) for row in Outgoing.objects.filter(published_at=None).order_by("pk")]


class Broker:
    """A broker as a publisher sees it: takes, refuses, is away, or says nothing."""

    def __init__(self) -> None:
        """Everything is taken."""
        self.took: list[tuple[str, bytes]] = []
        self.away = False
        self.refuses: set[str] = set()
        self.publisher = Publisher("web-1", self.publish)

    def publish(self, topic: str, payload: bytes) -> int | None:
        """Take a message, and confirm it."""
        if self.away:
            return None
        self.took.append((topic, payload))
        self.publisher.confirmed(len(self.took), topic not in self.refuses)
        return len(self.took)


def test_a_plan_goes_to_each_machine_of_its_clinic_and_to_no_other(participant: Participant) -> None:
    assert plan_outbox.hand_out_plan(version_of(participant)) == 2
    assert [topic for topic, _ in waiting()] == ["ic/1/trondheim/molle-1/plan/p-1", "ic/1/trondheim/molle-2/plan/p-1"]


def test_the_wire_carries_pseudonym_and_nickname_and_no_name(participant: Participant) -> None:
    plan = version_of(participant, start_incline_percent=5.0, questions=["chest_pain"], valid_until=date(2026, 12, 24))
    told = plan_on_wire(plan)
    assert (told.plan.participant, told.plan.nickname, told.version) == ("p-1", "Rev", 1)
    assert (told.plan.hr_max_bpm, told.plan.ceiling_bpm, told.plan.questions) == (187.0, 180.0, ("chest_pain",))
    assert told.plan.start is not None
    assert (told.plan.start.speed_kmh, told.plan.start.incline_percent) == (6.4, 5.0)
    assert b"Kari" not in msgspec.json.encode(told)
    assert b"Nordmann" not in msgspec.json.encode(told)


def test_a_plan_holds_until_the_end_of_its_last_day_where_the_clinic_is(participant: Participant) -> None:
    plan = version_of(participant, valid_until=date(2026, 7, 1))
    end_s = datetime(2026, 7, 1, 22, 0, tzinfo=UTC).timestamp()
    assert valid_until_wall_s(plan) == end_s
    assert holds(plan, datetime.fromtimestamp(end_s - 1, UTC))
    assert not holds(plan, datetime.fromtimestamp(end_s, UTC))


def test_a_plan_that_does_not_hold_is_withdrawn(participant: Participant) -> None:
    plan_outbox.hand_out_plan(version_of(participant, withdrawn=True))
    assert {payload for _, payload in waiting()} == {b""}


def test_a_plan_that_is_not_saved_is_not_on_its_way(participant: Participant) -> None:
    class ChangedTheirMindError(Exception):
        pass

    def hand_out_and_fail() -> None:
        with transaction.atomic():
            plan_outbox.hand_out_plan(version_of(participant))
            raise ChangedTheirMindError

    with pytest.raises(ChangedTheirMindError):
        hand_out_and_fail()
    assert waiting() == []


def test_whoever_publishes_is_woken_after_the_commit(participant: Participant) -> None:
    seen = []
    wake = lambda: seen.append(len(waiting()))  # noqa: E731 - unregistered below by its identity
    plan_outbox.on_waiting(wake)
    try:
        with transaction.atomic():
            plan_outbox.hand_out_plan(version_of(participant))
            assert seen == []
        assert seen == [2]
    finally:
        plan_outbox.no_longer(wake)


def test_a_machine_heard_for_the_first_time_gets_all_plans_that_hold_once(participant: Participant) -> None:
    clinic = participant.clinic
    version_of(participant, 1)
    version_of(participant, 2, hr_max_bpm=190.0)
    other = Participant.objects.create(clinic=clinic, pseudonym="p-2", name="Ola", nickname="Ørn", birth_year=1990)
    version_of(other, 1, valid_until=datetime.now(UTC).date() - timedelta(days=3))
    assert plan_outbox.supply_machine(clinic, "molle-3") == 1
    assert plan_outbox.supply_machine(clinic, "molle-3") == 0
    ((topic, payload),) = waiting()
    told = read(payload, PlanOnWire)
    assert not isinstance(told, Unreadable)
    assert (topic, told.version, told.plan.hr_max_bpm) == ("ic/1/trondheim/molle-3/plan/p-1", 2, 190.0)
    assert "molle-3" in plan_outbox.machines_of(clinic)


def test_what_waits_is_published_in_order_and_marked_when_confirmed(participant: Participant) -> None:
    broker = Broker()
    plan_outbox.hand_out_plan(version_of(participant))
    plan_outbox.withdraw_plan(participant)
    there = waiting()
    assert broker.publisher.publish_waiting()
    assert broker.took == there
    assert waiting() == []


def test_without_a_broker_everything_waits_and_then_goes_out(participant: Participant) -> None:
    broker = Broker()
    broker.away = True
    plan_outbox.hand_out_plan(version_of(participant))
    assert not broker.publisher.publish_waiting()
    assert len(waiting()) == 2
    broker.away = False
    assert broker.publisher.publish_waiting()
    assert waiting() == []


def test_what_the_broker_refuses_waits_and_the_rest_goes_out(participant: Participant) -> None:
    broker = Broker()
    broker.refuses = {"ic/1/trondheim/molle-1/plan/p-1"}
    plan_outbox.hand_out_plan(version_of(participant))
    assert not broker.publisher.publish_waiting()
    assert [topic for topic, _ in waiting()] == ["ic/1/trondheim/molle-1/plan/p-1"]


def test_one_process_publishes_at_a_time_and_a_dead_ones_turn_ends_by_itself(participant: Participant) -> None:
    broker = Broker()
    plan_outbox.hand_out_plan(version_of(participant))
    turn = PublishingTurn.objects.create(pk=1, holder="web-2", until=datetime.now(UTC) + timedelta(seconds=60))
    assert not broker.publisher.publish_waiting()
    assert broker.took == []
    PublishingTurn.objects.filter(pk=turn.pk).update(until=datetime.now(UTC) - timedelta(seconds=1))
    assert broker.publisher.publish_waiting()
    assert len(broker.took) == 2


def test_confirmations_of_another_time_confirm_nothing(participant: Participant) -> None:
    publisher = Publisher("web-1", lambda _topic, _payload: None)
    publisher.confirmed(1, taken=True)
    plan_outbox.hand_out_plan(version_of(participant))
    assert not publisher.publish_waiting()
    assert len(waiting()) == 2


def test_what_a_broker_that_died_had_not_saved_goes_out_once_more(participant: Participant) -> None:
    """Mosquitto writes its retained messages to disk every half minute; a crash takes what it confirmed since."""
    broker = Broker()
    for version in (1, 2):
        plan_outbox.hand_out_plan(version_of(participant, version))
    broker.publisher.publish_waiting()
    Outgoing.objects.filter(topic__contains="molle-2").update(published_at=datetime.now(UTC) - timedelta(minutes=5))
    took = list(broker.took)
    broker.publisher.broker_gone()
    broker.publisher.publish_waiting()
    assert broker.took == took
    broker.publisher.broker_back()
    broker.publisher.publish_waiting()
    # The newest of the machine's topic alone: the earlier version must not come back for a moment.
    assert broker.took[len(took) :] == [took[2]]
    assert waiting() == []
