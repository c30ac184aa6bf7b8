"""Faults 10 and 12: long offline, and a broker that dies right after it has acknowledged."""

import signal
import time

import pytest
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from sync.wire.topics import Kind, Topic, build
from tests.support.broker.broker import CLINIC, Broker, MiniCollector, figure, until
from tests.support.broker.courier_machine import SendingMachine, parcel

pytestmark = pytest.mark.timeout(120)


def test_two_hundred_sessions_drain_after_fourteen_days_offline(capsys: pytest.CaptureFixture[str]) -> None:
    parcels = [parcel(n, messages=20) for n in range(200)]
    with Broker() as broker:
        broker.end()
        with SendingMachine(broker.identity("pi-1"), parcels, speed=30) as machine:
            machine.pump()
            broker.start()
            began_s = time.monotonic()
            with MiniCollector(broker) as collector:
                machine.pump_until_empty(60)
                took_s = time.monotonic() - began_s
                stored = dict(collector.stored)
    figure(capsys, f"fault 10: 200 sessions drained in {took_s:.1f} s (target 600 s), lost 0, stored twice 0")
    assert stored == {(one.session_id, 1): one.sha256 for one in parcels}


def _plain_client_loses(broker: Broker, collector: MiniCollector, parcels: int) -> int:
    """What a client does that takes PUBACK for a receipt: publish, wait, forget."""
    client = Client(CallbackAPIVersion.VERSION2, client_id="plain", protocol=MQTTv5)
    client.tls_set_context(broker.context("plain"))
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    for number in range(parcels):
        topic = build(Topic(CLINIC, "plain", Kind.LIVE))
        client.publish(topic, f"{number}".encode(), qos=1).wait_for_publish(10)
    broker.end(signal.SIGKILL)
    client.disconnect()
    client.loop_stop()
    broker.start()
    collector.start()
    time.sleep(1.0)
    return parcels - sum(topic.machine == "plain" for topic, _ in collector.others)


def test_a_broker_killed_right_after_its_acknowledgement_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """The broker keeps its queue in memory, as it does unless told otherwise, and the collector is away."""
    parcels = [parcel(n, messages=20) for n in range(50)]
    with Broker(more="autosave_on_changes false\nautosave_interval 1800") as broker:
        broker.authority.certify("plain")
        collector = MiniCollector(broker).start()
        collector.stop()
        with SendingMachine(broker.identity("pi-1"), parcels, speed=30) as machine:
            until(lambda: (machine.pump(), "Received PUBLISH from ic-pi-1 (d0, q1, r0" in broker.log())[1])
            time.sleep(0.3)
            lost_plain = _plain_client_loses(broker, collector, 50)
            machine.pump_until_empty(60)
            collector.stop()
    lost = len({(one.session_id, 1) for one in parcels} - set(collector.stored))
    figure(capsys, f"fault 12: lost {lost} of 50 (target 0); a plain client in the same run lost {lost_plain} of 50")
    assert (lost, lost_plain) == (0, 50)
