"""A second client with a machine's certificate, also one that says nothing of itself, and no false alarm otherwise."""

import time

import pytest
from django.db import transaction
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from server.accounts.message_sequences import SequenceMark, doubled_machines, note_arrived, note_doubled, note_unborn
from server.broker.connection_watch import RETURNS, SHORT_VISITS, SILENT_S, ConnectionWatch
from server.broker.process import doubles_file
from server.clinic_folder.name_times import read_name_times
from server.clinic_folder.settings import ClinicFolder
from server.models import MachineState
from sync.wire.codec import encode
from sync.wire.messages import Software, State
from tests.support.clinic.local_clinic import Machine, files_of, make, mosquitto, until

SUBSCRIBED = "Received SUBSCRIBE from machine-1"
PUBLISHED = "Received PUBLISH from machine-1 (d0, q1, r{}, m2, 'ic/1/trondheim/machine-1/{}', ... (34 bytes))"
GONE = "Client machine-1 closed its connection."
TAKEN_OVER = "Client machine-1 already connected, closing old connection."


def connected(address: str = "10.0.0.5", name: str = "machine-1") -> str:
    return f"New client connected from {address}:51234 as {name} (p5, c0, k60, u'{name}')."


def noticed(lines: list[tuple[float, str]], then_s: float = 0.0) -> list[str]:
    """What is noticed of lines at their times, and at a time afterwards."""
    watch = ConnectionWatch()
    return [*filter(None, (watch.read(line, at_s) for at_s, line in lines)), *watch.silent(then_s)]


def test_a_connection_without_a_state_is_noticed_once_whatever_else_it_does() -> None:
    watch = ConnectionWatch()
    for line in (connected(), SUBSCRIBED, PUBLISHED.format(0, "session/x"), PUBLISHED.format(0, "live")):
        assert watch.read(line, 0.0) is None
    assert list(watch.silent(SILENT_S - 1)) == []
    assert list(watch.silent(SILENT_S)) == ["machine-1"]
    assert list(watch.silent(SILENT_S * 9)) == []


@pytest.mark.parametrize("word", ["Received", "Denied"])
def test_a_machine_that_says_its_state_is_none_also_where_the_broker_refuses_it_for_a_while(word: str) -> None:
    state = PUBLISHED.format(1, "state").replace("Received", word)
    assert noticed([(0.0, connected()), (0.1, SUBSCRIBED), (0.2, state)], 9e9) == []


def test_another_machines_state_is_no_state_of_ones_own() -> None:
    other = PUBLISHED.format(1, "state").replace("trondheim/machine-1", "trondheim/machine-2")
    assert noticed([(0.0, connected()), (0.2, other)], SILENT_S) == ["machine-1"]


def test_short_visits_that_listen_and_go_are_noticed_and_some_lost_lines_are_not() -> None:
    visit = [connected(), SUBSCRIBED, GONE]
    lines = [(60.0 * number, line) for number in range(SHORT_VISITS) for line in visit]
    assert noticed(lines) == ["machine-1"]
    assert noticed(lines[: -len(visit)]) == []
    # The server itself takes a revoked machine's name for a moment, and neither listens nor says anything.
    assert noticed([(float(n), line) for n in range(50) for line in (connected(), GONE)]) == []


def test_two_addresses_that_take_the_name_from_each_other_are_noticed_and_one_change_of_network_is_not() -> None:
    turns = [connected("10.0.0.5"), TAKEN_OVER, connected("10.9.9.9")]
    lines = [(0.0, turns[0])]
    for number in range(RETURNS + 1):
        address = "10.9.9.9" if number % 2 == 0 else "10.0.0.5"
        state = PUBLISHED.format(1, "state")
        lines += [(number + 0.5, state), (number + 1.0, TAKEN_OVER), (number + 1.0, connected(address))]
    assert noticed([*lines, (9.0, PUBLISHED.format(1, "state"))]) == ["machine-1"]
    assert noticed([*lines[:-3], (9.0, PUBLISHED.format(1, "state"))]) == []


def test_the_servers_own_clients_have_no_state() -> None:
    assert noticed([(0.0, connected(name=one)) for one in ("collector-1", "web-2", "bridge-oslo")], 9e9) == []


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> ClinicFolder:
    """A clinic."""
    return make(tmp_path_factory.mktemp("watched") / "clinic")


def doubled(clinic: ClinicFolder) -> set[str]:
    return set(read_name_times(doubles_file(clinic)))


def visit(clinic: ClinicFolder, name: str, topic: str | None = None) -> None:
    """Connect with a machine's certificate, subscribe, publish, and go, without a state."""
    client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5)
    client.tls_set_context(files_of(clinic, name).tls)
    client.connect("localhost", clinic.settings.broker_port)
    client.loop_start()
    until(client.is_connected)
    client.subscribe(f"ic/1/{clinic.settings.clinic}/{name}/plan/+", 1)
    if topic is not None:
        client.publish(topic, b"?", 1)
    time.sleep(0.1)
    client.disconnect()
    client.loop_stop()


def test_a_stolen_certificate_that_only_listens_is_noticed_by_the_real_broker(clinic: ClinicFolder) -> None:
    with mosquitto(clinic) as broker:
        for _ in range(SHORT_VISITS):
            visit(clinic, "machine-1")
        until(lambda: "machine-1" in doubled(clinic))
        assert "a client uses a machine's name and is not that machine" in broker.said


def test_a_machine_cannot_forge_the_brokers_log(clinic: ClinicFolder) -> None:
    lines = "\n".join([f"17: {one}".replace("machine-1", "machine-7") for one in (connected(), SUBSCRIBED, GONE)] * 9)
    topics = [f"ic/1/trondheim/machine-2/session/x\n{lines}", f"ic/1/trondheim/machine-2/live/{lines[:90]}"]
    with mosquitto(clinic) as broker:
        for topic in topics:
            visit(clinic, "machine-2", topic)
        visit(clinic, "machine-2", "ic/1/trondheim/machine-2/x', 'ic/1/trondheim/machine-7/state")
        assert broker.process.poll() is None
    assert "machine-7" not in doubled(clinic)


def test_a_real_machine_that_comes_and_goes_is_not_noticed(clinic: ClinicFolder) -> None:
    with mosquitto(clinic):
        for number in range(SHORT_VISITS + 2):
            with Machine(clinic, "machine-3") as machine:
                state = State(
                    online=True,
                    connection=number,
                    clinic="trondheim",
                    machine="machine-3",
                    software=Software("1", "3", "x"),
                )
                machine.client.publish(machine.topic("state"), encode(state), 1, retain=True)
                until(lambda machine=machine: machine.published)  # type: ignore[misc] # this turn's machine
    assert "machine-3" not in doubled(clinic)


def arrived(connections: list[int], now_s: float) -> None:
    with transaction.atomic():
        note_arrived([SequenceMark("trondheim", "m-1", one, 1) for one in connections], now_s)


@pytest.mark.usefixtures("database")
def test_messages_of_a_connection_that_never_said_its_state_are_another_clients() -> None:
    MachineState.objects.create(
        clinic="trondheim", machine="m-1", online=True, connection=100, waiting=0, state={}, heard_wall_s=0.0
    )
    arrived([99, 100], 1_000.0)
    note_unborn(2_000.0)
    assert doubled_machines(2_000.0) == set()
    arrived([101], 2_000.0)
    note_unborn(2_060.0)
    assert doubled_machines(2_060.0) == set()
    note_unborn(2_200.0)
    assert doubled_machines(2_200.0) == {("trondheim", "m-1")}


@pytest.mark.usefixtures("database")
def test_what_the_broker_saw_is_shown_for_a_day_and_an_older_sight_takes_nothing_back() -> None:
    MachineState.objects.create(
        clinic="trondheim", machine="m-1", online=True, connection=1, waiting=0, state={}, heard_wall_s=0.0
    )
    note_doubled({("trondheim", "m-1"): 1_000.0, ("trondheim", "m-9"): 1_000.0})
    note_doubled({("trondheim", "m-1"): 500.0})
    assert doubled_machines(1_001.0) == {("trondheim", "m-1")}
    assert doubled_machines(1_000.0 + 2 * 86_400.0) == set()
