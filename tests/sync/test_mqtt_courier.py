"""The courier with a real broker: what must hold whatever raises, lags or comes from a newer world."""

import hashlib
import threading
import time
from collections.abc import Iterator
from typing import Literal

import pytest

from coach.kiosk.flow import KioskState, view
from coach.model.plan import Plan
from sync.delivery.fault_registry import Trouble
from sync.delivery.interface import PlanCame, PlanWithdrawn, SealedSession
from sync.delivery.live_snapshot import to_live
from sync.delivery.mqtt import WORDS_FILE
from sync.delivery.word_outbox import read_words
from sync.wire.codec import encode, read
from sync.wire.messages import CommandResult, DeliverAgain, Live, PlanOnWire, PlanTaken, Receipt, WordReceipt
from sync.wire.topics import Kind, Topic
from tests.support.broker.broker import CLINIC, Broker, MiniCollector, Proxy, until
from tests.support.broker.courier_machine import SendingMachine, clocks, parcel

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    """One broker for all of these; each machine has a name of its own."""
    with Broker() as one:
        yield one


@pytest.fixture
def collector(broker: Broker) -> Iterator[MiniCollector]:
    """A collector."""
    with MiniCollector(broker) as one:
        yield one


def picture() -> Live:
    return to_live(view(KioskState(), None), clocks(), age_s=0.0, participant=None, session_id=None)


def test_whatever_raises_in_its_thread_the_courier_lives_on_and_delivers(
    broker: Broker, collector: MiniCollector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with SendingMachine(broker.identity("m-1"), [parcel(1)], speed=30) as machine:
        until(lambda: machine.online)
        raised = threading.Event()

        def raising(*_: object) -> None:
            raised.set()
            monkeypatch.undo()
            raise ZeroDivisionError("a fault that nobody thought of")

        monkeypatch.setattr(machine.courier, "_write", raising)
        machine.courier.show(picture())
        assert raised.wait(60)
        machine.pump_until_empty()
    assert len(collector.stored) == 1
    assert "a fault that nobody thought of" in caplog.text


def test_nothing_is_fetched_from_the_journal_while_there_is_no_line(broker: Broker) -> None:
    with SendingMachine(broker.identity("m-2", port=1), [parcel(1)], speed=30) as machine:
        time.sleep(0.3)
        machine.pump()
        assert (machine.courier.wants_more, machine.courier.holds) == (False, ())


def test_of_pictures_that_wait_only_the_newest_goes(broker: Broker, collector: MiniCollector) -> None:
    with SendingMachine(broker.identity("m-3")) as machine:
        machine.courier.show(picture())
        until(lambda: machine.online)
        time.sleep(0.2)
        assert [topic for topic, _ in collector.others if topic.kind is Kind.LIVE] == []
        machine.courier.show(picture())
        until(lambda: any(topic.kind is Kind.LIVE for topic, _ in collector.others))


def test_a_session_that_cannot_be_read_is_told_and_the_others_go(broker: Broker, collector: MiniCollector) -> None:
    good, bad = parcel(1, messages=20), parcel(2, messages=20)
    broken = SealedSession(bad.session_id, 1, bad.sha256, b"{}")
    with SendingMachine(broker.identity("m-4"), [broken, good]) as machine:
        until(lambda: (machine.pump(), list(machine.journal) == [bad.session_id])[1])
        assert machine.findings == {"session_unpackable"}
    assert [name for name, _ in collector.stored] == [good.session_id]


def test_the_state_says_birth_findings_and_good_bye(broker: Broker, collector: MiniCollector) -> None:
    with SendingMachine(broker.identity("m-5"), speed=30) as machine:
        until(lambda: any(state.machine == "m-5" and state.online for state in collector.states))
        machine.courier.note(Trouble.COACH_AWAY, "x")
        until(lambda: any(state.findings and state.machine == "m-5" for state in collector.states))
    until(lambda: [state.online for state in collector.states if state.machine == "m-5"][-1] is False)


def test_a_machine_gone_without_a_word_is_told_by_its_will_with_the_connections_number(
    broker: Broker, collector: MiniCollector
) -> None:
    def said() -> list[tuple[bool, int]]:
        return [(state.online, state.connection) for state in collector.states if state.machine == "m-6"]

    with Proxy(broker.port) as proxy, SendingMachine(broker.identity("m-6", port=proxy.port), speed=30) as machine:
        until(lambda: machine.online)
        until(lambda: len(said()) == 1)
        proxy.cut()
        until(lambda: len(said()) >= 3)
        (first, one), (gone, same), (again, two) = said()[:3]
    assert (first, gone, again, one == same, two > one) == (True, False, True, True, True)


def test_plans_come_in_and_what_is_older_foreign_or_newer_than_this_program_is_refused_and_told(
    broker: Broker, collector: MiniCollector
) -> None:
    def say(participant: str, payload: bytes) -> None:
        collector.say(Topic(CLINIC, "m-7", Kind.PLAN, participant), payload)

    def sent(participant: str, version: int, until_s: float | None = None) -> bytes:
        plan = Plan(participant=participant, hr_max_bpm=180.0)
        made = PlanOnWire(version=version, made_at_wall_s=1.0, made_by="t1", plan=plan, valid_until_wall_s=until_s)
        return encode(made)

    with SendingMachine(broker.identity("m-7")) as machine:
        until(lambda: collector.heard("m-7") == 1)
        came: list[object] = []
        say("p1", sent("p1", 2))
        say("p1", sent("p1", 1))
        say("p2", sent("p1", 3))
        say("p3", sent("p3", 1, until_s=time.time() - 1))
        say("p4", b'{"format":9}')
        say("p1", b"")
        until(lambda: (came.extend(machine.courier.arrivals()), PlanWithdrawn("p1") in came)[1])
        told = [one.plan.version if isinstance(one, PlanCame) else one for one in came]
        assert told == [2, PlanWithdrawn("p1")]
        assert machine.findings == {"plan_refused", "message_not_understood"}


def words(collector: MiniCollector, machine: str) -> list[tuple[int, str]]:
    """What this machine said of plans."""
    mine = [body for topic, body in collector.others if (topic.machine, topic.kind) == (machine, Kind.TAKEN)]
    said = [read(body, PlanTaken) for body in mine]
    return [(one.version, one.outcome) for one in said if isinstance(one, PlanTaken)]


def test_what_became_of_a_plan_is_told_once_and_again_by_the_next_process(
    broker: Broker, collector: MiniCollector
) -> None:
    def tell(version: int, outcome: Literal["taken", "withdrawn"] = "taken") -> None:
        machine.courier.tell_plan(PlanTaken(participant="p1", version=version, outcome=outcome, at=clocks()))

    with SendingMachine(broker.identity("m-9"), speed=30) as machine:
        tell(1)
        until(lambda: words(collector, "m-9") == [(1, "taken")])
        tell(1)
        tell(2)
        until(lambda: words(collector, "m-9")[1:] == [(2, "taken")])
        tell(0, "withdrawn")
        until(lambda: words(collector, "m-9")[2:] == [(0, "withdrawn")])
        tell(0, "withdrawn")
        until(lambda: words(collector, "m-9")[3:] == [(0, "withdrawn")])
        machine.restart()
        tell(2)
        until(lambda: words(collector, "m-9")[4:] == [(2, "taken")])


def test_a_plan_that_is_over_is_refused_with_a_word(broker: Broker, collector: MiniCollector) -> None:
    plan = Plan(participant="p1", hr_max_bpm=180.0)
    over = PlanOnWire(version=4, made_at_wall_s=1.0, made_by="t1", plan=plan, valid_until_wall_s=time.time() - 1)
    with SendingMachine(broker.identity("m-10"), speed=30):
        collector.say(Topic(CLINIC, "m-10", Kind.PLAN, "p1"), encode(over), retain=True)
        until(lambda: words(collector, "m-10") == [(4, "refused")])


def test_a_receipt_is_passed_on_whatever_the_courier_remembers(broker: Broker, collector: MiniCollector) -> None:
    """The process was killed after the session went: the receipt that comes then is as good."""
    one = parcel(9, messages=20)
    collector.receipts_on = False
    with SendingMachine(broker.identity("m-8"), [one]) as machine:
        until(lambda: (machine.pump(), collector.stored)[1])
        machine.restart()
        machine.journal = {}
        until(lambda: collector.heard("m-8") == 2)
        machine.journal = {one.session_id: one}
        collector.receipts_on = True
        receipt = Receipt(session_id=one.session_id, revision=1, sha256=one.sha256, stored_at_wall_s=time.time())
        collector.say(Topic(CLINIC, "m-8", Kind.RECEIPT), encode(receipt))
        until(lambda: machine.courier.receipts() != ())


def test_a_command_that_this_program_does_not_know_is_refused_in_words(
    broker: Broker, collector: MiniCollector
) -> None:
    def results() -> list[CommandResult]:
        came = [read(payload, CommandResult) for topic, payload in collector.others if topic.kind is Kind.RESULT]
        return [one for one in came if isinstance(one, CommandResult)]

    newer = b'{"format":1,"id":"c7","by":"x","made_at_wall_s":1,"expires_wall_s":2,"action":{"name":"dance"}}'
    with SendingMachine(broker.identity("m-12")) as machine:
        until(lambda: collector.heard("m-12") == 1)
        collector.say(Topic(CLINIC, "m-12", Kind.COMMAND), newer)
        until(lambda: results() != [])
        assert machine.findings == set()
        collector.say(Topic(CLINIC, "m-12", Kind.COMMAND), b'{"format":1,"action":{"name":"dance"}}')
        until(lambda: machine.findings == {"message_not_understood"})
    (result,) = results()
    assert (result.id, result.outcome, result.code) == ("c7", "refused", "not_understood")
    assert "older" in result.reason


def test_a_result_arrives_after_a_killed_broker_and_a_restart_and_again_until_it_is_acknowledged() -> None:
    said = CommandResult(id="c-1", outcome="done", at=clocks())
    with Broker() as own:
        folder = own.identity("m-30")
        with SendingMachine(folder, speed=30) as machine:
            until(lambda: machine.online)
            machine.courier.answer(said)
            # The broker takes it, has no one to give it to, and is gone.
            time.sleep(0.3)
            own.end(9)
        own.start()
        with MiniCollector(own) as collector, SendingMachine(folder, speed=30) as machine:

            def came() -> list[bytes]:
                return [payload for topic, payload in collector.others if topic.kind is Kind.RESULT]

            until(lambda: came() == [encode(said)])
            machine.restart()
            until(lambda: came() == [encode(said)] * 2)
            receipt = WordReceipt(words=(hashlib.sha256(encode(said)).hexdigest(),))
            collector.say(Topic(CLINIC, "m-30", Kind.RECEIPT), encode(receipt))
            until(lambda: read_words(folder / WORDS_FILE) == ())
            machine.restart()
            until(lambda: machine.online)
            time.sleep(0.3)
            assert len(came()) == 2


def test_a_restored_servers_question_is_handed_on_and_answered_by_a_birth(
    broker: Broker, collector: MiniCollector
) -> None:
    asked = DeliverAgain(receipted_since_wall_s=1_000.0, receipted_until_wall_s=2_000.0)
    with SendingMachine(broker.identity("m-40"), speed=30) as machine:
        until(lambda: collector.heard("m-40") == 1)
        collector.say(Topic(CLINIC, "m-40", Kind.RECEIPT), encode(asked))
        came: list[object] = []
        until(lambda: (came.extend(machine.courier.arrivals()), asked in came)[1])
        connection = machine.courier.state.connection
        machine.courier.tell_delivered_again(asked)
        until(lambda: machine.online and machine.courier.state.connection > connection)
        assert machine.courier.state.delivered_again_wall_s == 2_000.0
