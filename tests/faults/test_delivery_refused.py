"""Faults 14, 15 and 25: a broker that refuses a topic, a size, or a certificate."""

import time

import pytest

from sync.delivery.interface import SealedSession
from sync.wire.topics import Kind, Topic, build
from tests.support.broker.broker import ACL, CLINIC, Broker, MiniCollector, figure, until
from tests.support.broker.courier_machine import SendingMachine, parcel

pytestmark = pytest.mark.timeout(120)


def test_a_refused_topic_is_told_on_both_ends_and_the_session_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    with Broker(acl=ACL.replace("pattern write ic/1/{clinic}/%u/session/+\n", "")) as broker:
        kept = parcel(1)
        with MiniCollector(broker) as collector, SendingMachine(broker.identity("pi-1"), [kept], speed=30) as machine:
            began_s = time.monotonic()
            until(lambda: (machine.pump(), "topic_refused" in machine.findings)[1])
            told_here_s = time.monotonic() - began_s
            until(lambda: any(f.code == "topic_refused" for state in collector.states for f in state.findings))
            told_there_s = time.monotonic() - began_s
            assert list(machine.journal) == [kept.session_id]
    figure(capsys, f"fault 14: told on the Pi after {told_here_s:.1f} s, the server {told_there_s:.1f} s (target 30 s)")
    assert told_there_s < 30


def test_once_the_topic_is_allowed_the_session_goes_and_the_finding_is_over() -> None:
    with (
        Broker(acl=ACL.replace("pattern write ic/1/{clinic}/%u/session/+\n", "")) as broker,
        MiniCollector(broker) as collector,
        SendingMachine(broker.identity("pi-1"), [parcel(1)]) as machine,
    ):
        until(lambda: (machine.pump(), "topic_refused" in machine.findings)[1])
        broker.configure()
        broker.reload()
        machine.restart()
        machine.pump_until_empty()
        assert len(collector.stored) == 1
        assert "topic_refused" not in machine.findings


def _large(seed: int) -> SealedSession:
    """A session that is larger than one message may be."""
    whole = parcel(seed)
    filler = b"".join(b'{"type":"mood","t":%d.0,"mood":%d},' % (n, n * 7919 % 5 + 1) for n in range(3000, 40_000))
    document = whole.document.replace(b'"messages":[', b'"messages":[' + filler)
    return SealedSession(whole.session_id, 1, whole.sha256, document)


def test_a_session_over_the_size_limit_goes_in_parts_and_the_rest_flows(capsys: pytest.CaptureFixture[str]) -> None:
    large = _large(1)
    others = [parcel(n, messages=20) for n in range(2, 12)]
    with (
        Broker(more="message_size_limit 8000") as broker,
        MiniCollector(broker) as collector,
        SendingMachine(broker.identity("pi-1"), [large, *others], speed=30) as machine,
    ):
        began_s = time.monotonic()
        machine.pump_until_empty(60)
        took_s = time.monotonic() - began_s
        assert machine.findings == set()
    figure(capsys, f"fault 15: one over the limit went in parts, all 11 within {took_s:.1f} s (target 60 s)")
    assert {name for name, _ in collector.stored} == {large.session_id, *(one.session_id for one in others)}


def test_where_the_broker_takes_almost_nothing_sessions_are_set_aside_with_a_finding_and_the_line_stands() -> None:
    with (
        Broker(more="message_size_limit 1000") as broker,
        MiniCollector(broker),
        SendingMachine(broker.identity("pi-1"), [parcel(1), parcel(2)], speed=30) as machine,
    ):
        until(lambda: (machine.pump(), len(machine.courier.state.findings) == 2)[1], 30)
        until(lambda: machine.online)
        time.sleep(1.0)
        assert (machine.online, machine.findings, len(machine.journal)) == (True, {"session_too_large"}, 2)


def test_an_announced_packet_limit_is_heeded_before_anything_is_sent() -> None:
    with (
        Broker(more="max_packet_size 6000") as broker,
        MiniCollector(broker) as collector,
        SendingMachine(broker.identity("pi-1"), [parcel(1)]) as machine,
    ):
        machine.pump_until_empty()
        assert len(collector.stored) == 1
        assert broker.log().count("Client ic-pi-1 disconnected") == 0


def test_a_quarantined_session_is_told_kept_and_not_sent_again() -> None:
    bad, good = parcel(1, messages=20), parcel(2, messages=20)
    with Broker() as broker, MiniCollector(broker) as collector:
        collector.quarantine.add(bad.session_id)
        with SendingMachine(broker.identity("pi-1"), [bad, good]) as machine:
            until(lambda: (machine.pump(), list(machine.journal) == [bad.session_id])[1])
            until(lambda: "session_quarantined" in machine.findings)
            machine.pump()
            time.sleep(0.5)
            machine.pump()
            assert len(collector.double) == 0


def test_a_machine_cannot_act_as_another(capsys: pytest.CaptureFixture[str]) -> None:
    with Broker() as broker, MiniCollector(broker) as collector:
        impostor = broker.identity("pi-1")
        account = impostor / "account.json"
        account.write_bytes(account.read_bytes().replace(b'"pi-1"', b'"pi-2"'))
        with SendingMachine(impostor, [parcel(1)], speed=30) as machine:
            until(lambda: (machine.pump(), "topic_refused" in machine.findings)[1])
        until(lambda: "Denied PUBLISH" in broker.log())
        foreign = [t for t, _ in collector.others if t.machine == "pi-2"] + [
            s for s in collector.states if s.machine == "pi-2"
        ]
    figure(
        capsys, f"fault 25: acting as another: 0 of 1 sessions taken, {len(foreign)} messages passed, refusal logged"
    )
    assert (collector.stored, foreign) == ({}, [])


def test_a_revoked_certificate_is_refused_and_logged() -> None:
    with Broker() as broker:
        identity = broker.identity("pi-1")
        broker.authority.revoke(broker.folder / "pi-1.pem")
        broker.end()
        broker.start()
        with MiniCollector(broker) as collector, SendingMachine(identity, [parcel(1)], speed=30) as machine:
            until(lambda: (machine.pump(), machine.findings & {"no_broker", "refused_by_broker"})[1], 30)
            assert collector.stored == {}
            assert not machine.online
        # mosquitto says it in either way, as the handshake's end comes before or after the client's first packet.
        said = ("Client <unknown> disconnected: Protocol error.", "certificate verify failed")
        assert any(words in broker.log() for words in said)
        assert "as ic-pi-1" not in broker.log()


def test_the_server_cannot_be_read_by_a_machine() -> None:
    """A machine hears its own receipts, commands and plans, and nobody else's."""
    with Broker() as broker, MiniCollector(broker) as collector, SendingMachine(broker.identity("pi-1")) as machine:
        until(lambda: machine.online)
        collector.say(Topic(CLINIC, "pi-2", Kind.COMMAND), b"{}")
        time.sleep(0.3)
        assert f"to ic-pi-1 (d0, q1, r0, m1, '{build(Topic(CLINIC, 'pi-2', Kind.COMMAND))}'" not in broker.log()
        assert machine.courier.arrivals() == ()
