"""A machine that abuses MQTT 5 itself: whatever it sends, another's sessions are stored and receipted."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from server.clinic_folder.settings import ClinicFolder
from sync.wire.topics import NUMBER_PROPERTY
from tests.support.broker.delivery_factory import sealed, session_id
from tests.support.clinic.local_clinic import Child, Machine, collector, files_of, make, mosquitto, sql, stored, until

HONEST = iter(range(1_000, 2_000))


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> ClinicFolder:
    """One clinic for all of these."""
    return make(tmp_path_factory.mktemp("hostile") / "clinic")


@pytest.fixture(scope="module")
def child(clinic: ClinicFolder) -> Iterator[Child]:
    """Its collector, with a broker."""
    with mosquitto(clinic), collector(clinic) as one:
        yield one


@pytest.fixture
def honest(clinic: ClinicFolder, child: Child) -> Iterator[Machine]:
    """Another machine, whose session must be receipted and stored once the attack is over."""
    before = stored(clinic)
    with Machine(clinic, "machine-2") as machine:
        yield machine
        before += len(machine.receipts)
        number = next(HONEST)
        machine.deliver({(session_id(number), 1): sealed(number, machine="machine-2", seconds=60)}, 60)
    assert stored(clinic) == before + 1
    assert child.process.poll() is None
    assert "a batch failed" not in child.said


def publish_properties(**values: Any) -> Properties:  # noqa: ANN401 - as many types as properties
    properties = Properties(PacketTypes.PUBLISH)
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


def test_properties_that_nobody_asked_for_change_nothing(clinic: ClinicFolder, honest: Machine) -> None:
    wild: list[dict[str, Any]] = [
        {"UserProperty": [(NUMBER_PROPERTY, one) for one in ("", "1.9999999999999999", "x", "-1.1", "1." + "9" * 900)]},
        {"UserProperty": [(f"k{number}", "v" * 100) for number in range(400)]},
        {"ResponseTopic": honest.topic("command"), "CorrelationData": b"x" * 30_000},
        {"MessageExpiryInterval": 0},
        {"PayloadFormatIndicator": 1, "ContentType": "\u202e" * 1_000},
    ]
    with Machine(clinic, "machine-1") as stranger:
        for values in wild:
            for kind in ("result", "taken", f"session/{session_id(1)}", "state"):
                stranger.client.publish(stranger.topic(kind), b"\xff{", 1, properties=publish_properties(**values))
        until(lambda: len(stranger.published) == 20)
    assert sql(clinic, "SELECT count(*) FROM server_messagesequence WHERE machine = 'machine-1'") == [(0,)]


def test_a_topic_alias_reaches_no_other_machines_topic(clinic: ClinicFolder, honest: Machine) -> None:
    with Machine(clinic, "machine-3") as stranger:
        alias = publish_properties(TopicAlias=1)
        stranger.client.publish(honest.topic("receipt"), b"{}", 1, properties=alias)
        # Under the alias of a topic that was refused, as far as the client library lets an empty topic through.
        stranger.client.publish(stranger.topic("result"), b"{}", 1, properties=publish_properties(TopicAlias=65_535))
        time.sleep(0.5)
    assert honest.receipts == {}


@pytest.mark.usefixtures("honest")
def test_half_a_handshake_of_qos_2_holds_up_nobody(clinic: ClinicFolder) -> None:
    with Machine(clinic, "machine-4") as stranger:
        stranger.client._handle_pubrec = lambda: MQTTErrorCode.MQTT_ERR_SUCCESS  # type: ignore[method-assign] # no PUBREL
        for number in range(100):
            stranger.publish(stranger.topic(f"session/{session_id(number)}"), b"?", 2)
        time.sleep(0.5)


@pytest.mark.usefixtures("honest")
def test_a_retained_will_and_retained_messages_on_a_sessions_topic_stay_nowhere(clinic: ClinicFolder) -> None:
    client = Client(CallbackAPIVersion.VERSION2, client_id="machine-5", protocol=MQTTProtocolVersion.MQTTv5)
    client.tls_set_context(files_of(clinic, "machine-5").tls)
    topic = f"ic/1/{clinic.settings.clinic}/machine-5/session/{session_id(5)}"
    client.will_set(topic, sealed(5, machine="machine-5", seconds=60), 1, retain=True)
    client.connect("localhost", clinic.settings.broker_port)
    client.loop_start()
    until(client.is_connected)
    for number in range(200):
        client.publish(topic.replace(session_id(5), session_id(number)), b"?", 1, retain=True)
    time.sleep(0.3)
    sock = client.socket()
    assert sock is not None
    sock.shutdown(2)
    client.loop_stop()
    time.sleep(0.5)
    kept: list[str] = []
    with Machine(clinic, "machine-5") as again:
        again.client.on_message = lambda _client, _data, message: kept.append(message.topic)
        again.client.subscribe(f"ic/1/{clinic.settings.clinic}/machine-5/#", 1)
        time.sleep(0.5)
    assert kept == []
    assert (session_id(5).replace("-", ""),) not in sql(clinic, "SELECT session_id FROM server_session")


def test_another_machines_client_id_takes_over_no_session_of_its(clinic: ClinicFolder, honest: Machine) -> None:
    files = files_of(clinic, "machine-6")
    client = Client(CallbackAPIVersion.VERSION2, client_id="machine-2", protocol=MQTTProtocolVersion.MQTTv5)
    client.tls_set_context(files.tls)
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 3_600
    client.connect("localhost", clinic.settings.broker_port, clean_start=False, properties=properties)
    client.loop_start()
    until(client.is_connected)
    time.sleep(0.3)
    assert honest.client.is_connected()
    client.disconnect()
    client.loop_stop()


@pytest.mark.usefixtures("honest")
@pytest.mark.parametrize("levels", [1, 200, 30_000])
def test_a_very_long_topic_is_refused(clinic: ClinicFolder, levels: int) -> None:
    with Machine(clinic, "machine-7") as stranger:
        stranger.publish(stranger.topic("session/" + "/".join(["x" * (60_000 // levels)] * levels)[:60_000]), b"?")
        time.sleep(0.3)


def test_whoever_guesses_at_the_collectors_group_gets_nothing_of_another(clinic: ClinicFolder, honest: Machine) -> None:
    with Machine(clinic, "machine-8") as stranger:
        came: list[str] = []
        stranger.client.on_message = lambda _client, _data, message: came.append(message.topic)
        for group in ("collectors", "c-", "c", "+", "#", "c-*", "$share", "collector-1"):
            for what in (f"ic/1/{clinic.settings.clinic}/+/session/+", "ic/#", "#"):
                try:
                    stranger.client.subscribe(f"$share/{group}/{what}", 1)
                except ValueError:
                    continue
        number = next(HONEST)
        honest.deliver({(session_id(number), 1): sealed(number, machine="machine-2", seconds=60)}, 60)
        assert came == []


@pytest.mark.usefixtures("honest")
def test_a_replayed_receipt_or_command_of_a_machine_is_refused_by_the_broker(clinic: ClinicFolder) -> None:
    with Machine(clinic, "machine-9") as stranger:
        for machine in ("machine-2", "machine-9"):
            for kind in ("receipt", "command", "plan/p-1"):
                stranger.publish(stranger.topic(kind, machine), b"{}")
        until(lambda: len(stranger.refusals) == 6)
