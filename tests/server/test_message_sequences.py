"""Numbers of a machine's messages: a gap that stays is told, a late message closes it, nothing grows without bound."""

from random import Random

import pytest
from django.db import transaction

from server.accounts import message_sequences
from server.accounts.message_sequences import MissingMessages, SequenceMark, mark_of, missing_messages, note_arrived
from server.collector import parser, store
from server.commands.machines import lines
from server.models import DeletedPseudonym, MachineState, MessageSequence
from sync.wire.codec import encode
from sync.wire.messages import Software, State
from tests.support.broker.delivery_factory import sealed, session_id

pytestmark = pytest.mark.usefixtures("database")


def arrived(*numbers: int, connection: int = 1, now_s: float = 0.0) -> None:
    with transaction.atomic():
        note_arrived([SequenceMark("trondheim", "m-1", connection, number) for number in numbers], now_s)


def missing(now_s: float = 1_000.0) -> MissingMessages | None:
    return missing_messages(now_s).get(("trondheim", "m-1"))


def test_a_gap_that_stays_is_told_and_what_comes_late_closes_it() -> None:
    arrived(1, 2, 5, 2)
    assert missing(now_s=10.0) is None
    assert missing() == MissingMessages(2, 5)
    arrived(4)
    assert missing() == MissingMessages(1, 5)
    arrived(3, now_s=2_000.0)
    assert missing(now_s=3_000.0) is None


def test_the_first_message_counts_and_the_last_of_a_lost_connection_do_not() -> None:
    arrived(2, 3, connection=7)
    arrived(1, connection=8)
    assert missing() == MissingMessages(1, 4)


def test_what_the_broker_refused_is_not_missing() -> None:
    arrived(1, 4)
    with transaction.atomic():
        message_sequences.note_refused("trondheim", "m-1", 1, 2, 0.0)
    assert missing() is None


def test_in_whatever_order_numbers_come_as_many_are_missing_as_were_left_out() -> None:
    chance = Random(3)
    for connection in range(1, 16):
        sent = list(range(1, chance.randrange(2, 400)))
        swallowed = {number for number in sent[:-1] if chance.random() < 0.3}
        came = [number for number in sent if number not in swallowed] * 2
        chance.shuffle(came)
        while came:
            arrived(*(came.pop() for _ in range(min(len(came), chance.randrange(1, 30)))), connection=connection)
        row = MessageSequence.objects.get(connection=connection)
        assert len(row.ranges) <= message_sequences.MOST_RANGES
        # Numbers of runs that were closed before they came late count as missing: never fewer than were swallowed.
        assert message_sequences._missing(row) >= len(swallowed)
        if not row.closed:
            assert message_sequences._missing(row) == len(swallowed)


def test_a_machine_that_makes_up_connections_fills_nothing() -> None:
    for connection in range(60):
        arrived(1, connection=connection, now_s=float(connection))
    assert MessageSequence.objects.count() == message_sequences.MOST_CONNECTIONS
    assert message_sequences.forget_old(1e9) == message_sequences.MOST_CONNECTIONS


@pytest.mark.parametrize("text", ["", "1", "1.0", "x.1", "1.1.1", "-1.2", f"1.{10**17}", "1.2\n", "٣.٣"])
def test_a_number_that_is_none_is_passed_over(text: str) -> None:
    assert mark_of("trondheim", "m-1", text) is None


def birth(instance: str, connection: int) -> None:
    said = State(
        online=True,
        connection=connection,
        clinic="trondheim",
        machine="m-1",
        software=Software("0.1.0", "3.11", "Debian"),
        instance=instance,
    )
    store.commit([parser.arrival("ic/1/trondheim/m-1/state", encode(said))])


def doubled() -> bool:
    return MachineState.objects.get().doubled_wall_s is not None


def test_a_courier_that_comes_back_after_another_is_a_second_client_and_a_restart_is_none() -> None:
    for connection, instance in enumerate(["a", "a", "b", "b", "c"], 1):
        birth(instance, connection)
    birth("a", 1)
    assert not doubled()
    birth("b", 6)
    assert doubled()
    [line] = lines()
    assert "identity_twice" in line


def test_what_comes_of_a_deleted_participant_is_receipted_and_not_stored() -> None:
    arrival = parser.arrival(f"ic/1/trondheim/machine-1/session/{session_id(1)}", sealed(1, seconds=60))
    pseudonym = getattr(arrival, "participant", "")
    DeletedPseudonym.objects.create(clinic="trondheim", pseudonym=pseudonym, deleted_wall_s=1.0, until_wall_s=9e9)
    [result] = store.commit([arrival])
    assert (result.what, result.receipt is not None) == ("deleted", True)
    DeletedPseudonym.objects.update(until_wall_s=2.0)
    assert [one.what for one in store.commit([arrival])] == ["stored"]
