"""What machines say of the plans they were given: each one's last word, and what it should let go of."""

import time
from datetime import UTC, datetime
from typing import Literal

import pytest

from server.accounts.models import Account, Clinic
from server.collector import parser, store
from server.documents.deletion import delete
from server.live.models import Outgoing
from server.models import DeadLetter, MachineState, PlanOnMachine
from server.people.models import Participant, PlanVersion
from server.people.plan_delivery_status import OnMachine, on_machines
from sync.wire.codec import encode
from sync.wire.messages import Clocks, PlanTaken, Software, State

pytestmark = pytest.mark.usefixtures("database")

Outcome = Literal["taken", "refused", "withdrawn"]
AT_S = 1_795_000_000.0


@pytest.fixture
def kari(database: object) -> Participant:
    """Has a plan in its second version; the clinic has one machine."""
    del database
    clinic = Clinic.objects.create(code="trondheim", name="Trondheim")
    made = Participant.objects.create(clinic=clinic, pseudonym="p-1", name="Kari", nickname="Rev", birth_year=1990)
    for version in (1, 2):
        PlanVersion.objects.create(participant=made, version=version, hr_max_bpm=187.0, hr_max_source="measured")
    born(1)
    return made


def born(connection: int, *, online: bool = True) -> None:
    """The machine connects, or goes."""
    state = State(
        online=online,
        connection=connection,
        clinic="trondheim",
        machine="a",
        software=Software("0.1.0", "3.11", "Debian 12"),
    )
    store.commit([parser.arrival("ic/1/trondheim/a/state", encode(state))])


def said(
    version: int, outcome: Outcome = "taken", *, t: float = 0.0, boot: str = "b", who: str = "p-1", trusted: bool = True
) -> str:
    """The machine's word, `t` seconds on; gives what became of it."""
    at = Clocks(boot, 100.0 + t, AT_S + t, synchronised=trusted)
    word = PlanTaken(participant=who, version=version, outcome=outcome, at=at, reason="protocol" * 60)
    [verdict] = store.commit([parser.arrival("ic/1/trondheim/a/taken", encode(word))])
    return verdict.what


def there(kari: Participant) -> OnMachine:
    [one] = on_machines(kari)
    return one


def moment(t: float) -> datetime:
    return datetime.fromtimestamp(AT_S + t, UTC)


def withdrawals() -> int:
    return sum(bytes(row.payload) == b"" for row in Outgoing.objects.filter(topic="ic/1/trondheim/a/plan/p-1"))


def test_a_machine_that_took_a_plan_has_it_since_it_said_so(kari: Participant) -> None:
    assert there(kari) == OnMachine(machine="a", sent=True, online=True)
    assert said(2) == "taken"
    assert there(kari) == OnMachine(machine="a", sent=True, online=True, version=2, since=moment(0.0))


def test_the_same_version_again_has_been_there_since_the_first_time(kari: Participant) -> None:
    said(2)
    said(2, t=60.0)
    assert there(kari).since == moment(0.0)


def test_a_version_that_is_refused_leaves_the_one_before_in_force(kari: Participant) -> None:
    said(1)
    said(2, "refused", t=5.0)
    assert (there(kari).version, there(kari).refused) == (1, 2)
    said(2, t=9.0)
    assert (there(kari).version, there(kari).refused) == (2, None)


def test_the_machines_last_word_counts_in_whatever_order_they_are_committed(kari: Participant) -> None:
    said(2, t=5.0)
    said(0, "withdrawn", t=3.0)
    assert there(kari).version == 2
    said(0, "withdrawn", t=1.0, boot="the next")
    assert there(kari).version is None


def test_a_clock_that_was_never_set_is_not_believed(kari: Participant) -> None:
    said(2, trusted=False)
    since = there(kari).since
    assert since is not None
    assert abs(since.timestamp() - time.time()) < 600


@pytest.mark.usefixtures("kari")
def test_of_somebody_unknown_nothing_is_kept() -> None:
    assert said(1, who="nobody") == "taken"
    assert not PlanOnMachine.objects.exists()


@pytest.mark.usefixtures("kari")
def test_a_word_that_is_none_is_a_dead_letter() -> None:
    assert said(-1) == "dead"
    assert said(1, who="../x") == "dead"
    assert DeadLetter.objects.count() == 2


def test_a_machine_that_was_away_at_a_withdrawal_is_told_when_it_is_back(kari: Participant) -> None:
    """A broker keeps plans for whoever connects, and hands out no empty message (hazard H7)."""
    said(2)
    born(2)
    assert withdrawals() == 0
    PlanVersion.objects.create(participant=kari, version=3, withdrawn=True)
    born(2)
    assert withdrawals() == 0
    born(2, online=False)
    born(3)
    assert withdrawals() == 1
    said(0, "withdrawn", t=9.0)
    born(4)
    assert withdrawals() == 1


def test_somebody_who_has_ended_is_taken_from_a_machine_that_comes_back(kari: Participant) -> None:
    said(2)
    Participant.objects.filter(pk=kari.pk).update(active=False)
    born(2)
    assert withdrawals() == 1


def test_after_a_deletion_a_machine_is_told_until_it_has_let_go_and_then_nothing_is_left(kari: Participant) -> None:
    said(2)
    delete(kari, Account.objects.create(username="t"))
    Outgoing.objects.all().delete()
    born(2)
    assert withdrawals() == 1
    said(0, "withdrawn", t=9.0)
    assert not PlanOnMachine.objects.exists()
    born(3)
    assert withdrawals() == 1


def test_a_deletion_leaves_no_word_where_no_machine_has_a_plan(kari: Participant) -> None:
    said(2)
    said(0, "withdrawn", t=9.0)
    delete(kari, Account.objects.create(username="t"))
    assert not PlanOnMachine.objects.exists()
    assert MachineState.objects.get().online
