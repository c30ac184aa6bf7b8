"""The server's link with the broker: what several threads send at once arrives whole, and a flood is shut out."""

import threading
import time
from pathlib import Path

from server.broker.mqtt_client import BrokerLink, LinkSettings
from server.clinic_folder.settings import ClinicFolder
from server.identity import flooding
from tests.support.broker.delivery_factory import sealed, session_id
from tests.support.clinic.local_clinic import Machine, collector, files_of, make, mosquitto, stored, until


def test_what_several_threads_publish_at_once_never_tears_a_packet(tmp_path: Path) -> None:
    clinic = make(tmp_path / "clinic")
    refused, confirmed = [], []
    link = BrokerLink(
        LinkSettings(
            host="localhost",
            port=clinic.settings.broker_port,
            name="collector-1",
            tls=files_of(clinic, "collector-1").tls,
            subscriptions=(),
            receive_maximum=100,
            session_expiry_s=60,
        ),
        lambda _: None,
        refused=lambda: refused.append(1),
        confirmed=lambda number, _: confirmed.append(number),
    )
    payload = b"x" * 20_000

    def publish() -> None:
        for _ in range(60):
            assert link.publish("ic/1/trondheim/m-1/receipt", payload)

    with mosquitto(clinic) as broker:
        link.start()
        until(lambda: link.up)
        threads = [threading.Thread(target=publish) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        until(lambda: len(confirmed) == 360)
        link.stop()
        assert (link.connection, refused) == (1, [])
        assert "Protocol error" not in broker.said


def test_a_machine_that_floods_is_shut_out_for_a_while_and_let_in_again(tmp_path: Path) -> None:
    clinic = make(tmp_path / "clinic")
    with mosquitto(clinic), collector(clinic) as child, Machine(clinic, "machine-1") as flooding_one:
        for number in range(6_000):
            flooding_one.publish(flooding_one.topic(f"session/{session_id(number)}"), b"?")
        until(lambda: "machine-1" in flooding.shut_out_now(clinic))
        until(lambda: flooding_one.refusals)
        assert '"a machine floods"' in child.said
        with Machine(clinic, "machine-2") as honest:
            content = sealed(1, machine="machine-2", seconds=60)
            honest.deliver({(session_id(1), 1): content}, 60)
        assert stored(clinic) == 1
    assert flooding.let_in_again(clinic, time.time() + flooding.SHUT_OUT_S + 1)
    assert not flooding.shut_out_now(clinic)


def test_a_damaged_list_of_those_shut_out_shuts_out_nobody(clinic: ClinicFolder) -> None:
    flooding.shut_out(clinic, "machine-1", 100.0)
    assert flooding.shut_out_now(clinic, 101.0) == {"machine-1"}
    assert not flooding.let_in_again(clinic, 101.0)
    (clinic.places.broker / "flooding.json").write_bytes(b"{")
    assert flooding.shut_out_now(clinic, 101.0) == set()
