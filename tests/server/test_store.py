"""What a commit does with each kind of arrival, in SQLite and in PostgreSQL alike."""

import threading

import msgspec
import pytest
from django.db import connection

from server.collector import deferred_validation, parser, store
from server.collector.messages import Arrival
from server.collector.reader_process import ReaderProcess
from server.errors import StoreRefusedError
from server.models import (
    CommandOutcome,
    DeadLetter,
    MachineState,
    QuarantinedSession,
    Session,
    SessionPart,
)
from sync.wire.chunks import cut
from sync.wire.codec import encode, encode_session
from sync.wire.envelope import seal, unseal
from sync.wire.messages import Clocks, CommandResult, Software, State
from tests.support.broker.delivery_factory import delivery, sealed, session_id

pytestmark = pytest.mark.usefixtures("database")


def topic(last: str, machine: str = "machine-1") -> str:
    return f"ic/1/trondheim/{machine}/{last}"


def came(number: int, payload: bytes | None = None, machine: str = "machine-1", *, thorough: bool = True) -> Arrival:
    where = topic(f"session/{session_id(number)}", machine)
    return parser.arrival(where, sealed(number) if payload is None else payload, thorough=thorough)


def whats(*arrivals: Arrival) -> list[str]:
    return [verdict.what for verdict in store.commit(arrivals)]


def test_a_session_is_stored_once_however_often_it_comes() -> None:
    assert whats(came(1), came(2), came(1)) == ["stored", "stored", "again"]
    assert whats(came(2)) == ["again"]
    assert Session.objects.count() == 2


def test_each_delivery_of_a_stored_session_is_due_a_receipt_that_names_it() -> None:
    due = store.DueReceipt("trondheim", "machine-1", session_id(1), 1, delivery(1).sha256)
    assert [verdict.receipt for verdict in (*store.commit([came(1)]), *store.commit([came(1)]))] == [due, due]


def test_the_payload_is_kept_byte_for_byte() -> None:
    store.commit([came(1)])
    assert bytes(Session.objects.get().payload or b"") == sealed(1)


def test_the_columns_tell_what_the_session_tells() -> None:
    store.commit([came(1, thorough=False)])
    [row] = Session.objects.values(
        "clinic", "machine", "participant", "protocol", "completed", "begun_wall_s", "summary"
    )
    told = delivery(1)
    assert row == {
        "clinic": "trondheim",
        "machine": "machine-1",
        "participant": told.participant,
        "protocol": "4x4",
        "completed": told.summary.completed,
        "begun_wall_s": told.clocks[0].clocks.wall_s,
        "summary": msgspec.json.decode(encode(told.summary)),
    }


def test_another_revision_is_stored_beside_the_first() -> None:
    assert whats(came(1), came(1, sealed(1, revision=2))) == ["stored", "stored"]
    assert sorted(Session.objects.values_list("revision", flat=True)) == [1, 2]


def test_the_same_revision_with_another_hash_goes_to_quarantine_and_the_first_stays() -> None:
    other = encode_session(msgspec.structs.replace(delivery(1), sha256="f" * 64))
    [_, kept] = store.commit([came(1), came(1, other)])
    assert (kept.what, kept.receipt and kept.receipt.quarantined) == ("quarantined", store.CONFLICT)
    assert whats(came(1, other)) == ["quarantined"]
    assert Session.objects.get().sha256 == delivery(1).sha256
    assert QuarantinedSession.objects.values_list("why", "times").get() == ("conflict", 2)


def test_a_newer_envelope_is_kept_as_newer_and_gets_no_receipt() -> None:
    newer = b"IC\x09" + sealed(1)[3:]
    [verdict] = store.commit([came(1, newer)])
    assert verdict == store.StoreResult("quarantined", None)
    assert QuarantinedSession.objects.values_list("why", "session_id").get() == ("newer", session_id(1))


def test_a_newer_format_is_kept_as_newer_whether_many_or_few_came() -> None:
    content = unseal(sealed(1))
    assert isinstance(content, bytes)
    newer = seal(content.replace(b'"format":1', b'"format":2', 1))
    assert whats(came(1, newer), came(1, newer, thorough=False)) == ["quarantined", "quarantined"]
    assert QuarantinedSession.objects.values_list("why", "times").get() == ("newer", 2)


def test_a_session_under_another_machines_name_is_a_dead_letter() -> None:
    assert whats(came(1, machine="machine-2")) == ["dead"]
    assert DeadLetter.objects.values_list("why", "machine").get() == ("not_its_own", "trondheim/machine-2")
    assert Session.objects.count() == 0


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"", "not_an_envelope"),
        (b"IC\x01\x01" + bytes(32) + b"junk", "damaged"),
        (sealed(1)[:-5], "damaged"),
        (seal(b"{}"), "not_understood"),
        (seal(b'{"format":1}'), "not_understood"),
        (b"IP\x01\x00" + bytes(40), "damaged"),
    ],
)
def test_what_cannot_be_read_is_kept_as_it_came(payload: bytes, why: str) -> None:
    assert whats(came(1, payload), came(1, payload, thorough=False)) == ["dead", "dead"]
    letter = DeadLetter.objects.get()
    assert (letter.why, letter.times, bytes(letter.payload)) == (why, 2, payload)


def test_a_machine_gone_mad_does_not_fill_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_KEPT_A_MACHINE", 3)
    junk = [came(1, f"junk {number}".encode()) for number in range(5)]
    assert whats(*junk) == ["dead", "dead", "dead", "dropped", "dropped"]
    assert whats(came(1, b"junk 0")) == ["dead"]


def test_parts_become_a_session_in_any_order_some_twice() -> None:
    parts = cut(sealed(1), 4096)
    arrivals = [came(1, part) for part in (*parts[::-1], parts[0])]
    assert whats(*arrivals[:-2]) == ["part"] * (len(parts) - 1)
    assert whats(arrivals[-2], arrivals[-1]) == ["part", "part", "stored"]
    assert bytes(Session.objects.get().payload or b"") == sealed(1)
    assert SessionPart.objects.count() == 0


def test_parts_that_come_again_after_the_session_is_stored_end_in_another_receipt() -> None:
    parts = [came(1, part) for part in cut(sealed(1), 4096)]
    store.commit(parts)
    assert store.commit(parts)[-1] == store.StoreResult(
        "again", store.DueReceipt("trondheim", "machine-1", session_id(1), 1, delivery(1).sha256)
    )
    assert SessionPart.objects.count() == 0


def test_parts_that_do_not_fit_together_become_a_dead_letter_and_leave_nothing_behind() -> None:
    parts = list(cut(sealed(1), 8192))
    parts[-1] = parts[-1][:-1] + bytes([parts[-1][-1] ^ 1])
    assert whats(*(came(1, part) for part in parts))[-1] == "dead"
    assert (DeadLetter.objects.get().why, SessionPart.objects.count()) == ("parts", 0)


def test_parts_of_one_machine_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_PART_BYTES_A_MACHINE", 6000)
    assert whats(*(came(1, part) for part in cut(sealed(1), 4096)))[:2] == ["part", "dropped"]


def state(connection_number: int, *, online: bool = True) -> Arrival:
    said = State(
        online=online,
        connection=connection_number,
        clinic="trondheim",
        machine="machine-1",
        software=Software("0.1.0", "3.11", "Debian"),
        waiting=3,
    )
    return parser.arrival(topic("state"), encode(said))


def test_a_will_that_comes_after_the_next_birth_is_passed_over() -> None:
    assert whats(state(4), state(5), state(4, online=False)) == ["state"] * 3
    assert MachineState.objects.values_list("online", "connection", "waiting").get() == (True, 5, 3)
    store.commit([state(5, online=False), state(5)])
    assert MachineState.objects.get().online is False
    store.commit([state(6)])
    assert MachineState.objects.get().online is True


def test_a_machines_last_word_on_a_command_counts() -> None:
    def result(outcome: str) -> Arrival:
        at = Clocks("b", 1.0, 2.0, synchronised=True)
        said = CommandResult(id="c1", outcome=outcome, at=at, code="limit")  # type: ignore[arg-type]
        return parser.arrival(topic("result"), encode(said))

    assert whats(result("accepted"), result("done"), result("accepted")) == ["result"] * 3
    assert CommandOutcome.objects.values_list("outcome", "code").get() == ("done", "limit")


def test_what_only_the_head_was_read_of_is_read_through_later_and_a_flaw_is_told() -> None:
    content = unseal(sealed(2))
    assert isinstance(content, bytes)
    flawed = seal(content.replace(b'"events":[', b'"events":[7,', 1))
    assert whats(came(1, thorough=False), came(2, flawed, thorough=False)) == ["stored", "stored"]
    assert (deferred_validation.read_some(ReaderProcess()), deferred_validation.read_some(ReaderProcess())) == (2, 0)
    rows = Session.objects.order_by("id").values_list("read_through", "flaw")
    assert [(read, flaw[:28]) for read, flaw in rows] == [(True, ""), (True, "This is no SessionDelivery: ")]


def test_a_flawed_session_is_a_dead_letter_where_few_came() -> None:
    content = unseal(sealed(2))
    assert isinstance(content, bytes)
    assert whats(came(2, seal(content.replace(b'"events":[', b'"events":[7,', 1)))) == ["dead"]


def test_what_the_database_never_takes_is_refused_and_nothing_of_the_batch_is_kept() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite takes a NUL in JSON")
    content = unseal(sealed(2))
    assert isinstance(content, bytes)
    hostile = seal(content.replace(b'"end_reason":"', b'"end_reason":"\\u0000', 1))
    with pytest.raises(StoreRefusedError):
        store.commit([came(1), came(2, hostile)])
    assert Session.objects.count() == 0


def test_collectors_that_commit_the_same_sessions_at_once_store_each_once() -> None:
    batches = [[came(number) for number in range(40)], [came(number) for number in reversed(range(40))]]
    stored: list[str] = []

    def commit(batch: list[Arrival]) -> None:
        try:
            stored.extend(verdict.what for verdict in store.commit(batch))
        finally:
            connection.close()

    threads = [threading.Thread(target=commit, args=(batch,)) for batch in batches * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (stored.count("stored"), stored.count("again")) == (40, 120)
    assert Session.objects.count() == 40
