"""Fault 25: one machine acts as another; a certificate that is revoked, or of somebody else's authority."""

import os
import re
import signal
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from firmware.enrolment.enrol import enrol
from server.clinic_folder.settings import ClinicFolder
from tests.support.broker.delivery_factory import sealed, session_id
from tests.support.clinic.local_clinic import (
    Child,
    Files,
    Machine,
    code_for,
    collector,
    command,
    enrolling,
    files_of,
    listens,
    make,
    mosquitto,
    sql,
    until,
)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> ClinicFolder:
    """One clinic for all of these."""
    return make(tmp_path_factory.mktemp("identity") / "clinic")


@pytest.fixture(scope="module")
def broker(clinic: ClinicFolder) -> Iterator[Child]:
    """Its broker, with a collector."""
    with mosquitto(clinic) as child, collector(clinic):
        yield child


def shut_out(clinic: ClinicFolder, files: Files) -> bool:
    """Whether the broker refuses the connection."""
    try:
        machine = Machine(clinic, "machine-1", files, patience_s=1.5)
    except OSError:
        return True
    with machine:
        return not machine.client.is_connected()


def is_stored(clinic: ClinicFolder, number: int) -> bool:
    identity = session_id(number).replace("-", "")
    return bool(sql(clinic, f"SELECT 1 FROM server_session WHERE session_id = '{identity}'"))  # noqa: S608 - our own id


def test_a_machine_that_writes_below_anothers_name_is_refused_and_logged(clinic: ClinicFolder, broker: Child) -> None:
    with Machine(clinic, "rogue") as rogue:
        for last in (f"session/{session_id(1)}", "state", "live", "result", "receipt", "command", "plan/p1"):
            rogue.publish(rogue.topic(last, "machine-1"), sealed(1))
        rogue.publish(rogue.topic("receipt"), b"{}")
        until(lambda: len(rogue.refusals) == 8)
        until(lambda: broker.said.count('"who":"rogue"') == 8)
        assert set(rogue.refusals) == {"Not authorized"}
    assert not is_stored(clinic, 1)


@pytest.mark.usefixtures("broker")
def test_a_machine_hears_nothing_of_another(clinic: ClinicFolder) -> None:
    heard: list[str] = []
    with Machine(clinic, "rogue-2") as rogue, Machine(clinic, "machine-2") as machine:
        rogue.client.on_message = lambda _client, _userdata, message: heard.append(message.topic)
        for last in ("live", "session/+", "receipt", "plan/+", "#"):
            rogue.client.subscribe(f"ic/1/trondheim/+/{last}", 1)
        rogue.client.subscribe("#", 1)
        for _ in range(2):
            number = machine.publish(machine.topic("live"), b"{}")
            until(lambda number=number: number in machine.published)  # type: ignore[misc]
        assert heard == []


@pytest.mark.usefixtures("broker")
def test_a_session_that_names_another_machine_is_a_dead_letter(clinic: ClinicFolder) -> None:
    with Machine(clinic, "rogue-3") as rogue:
        rogue.publish(rogue.topic(f"session/{session_id(3)}"), sealed(3, machine="machine-1"))
        statement = "SELECT why FROM server_deadletter WHERE machine = 'trondheim/rogue-3'"
        assert until(lambda: sql(clinic, statement)) == [("not_its_own",)]
    assert not is_stored(clinic, 3)


@pytest.mark.usefixtures("broker")
def test_nobody_takes_over_anothers_connection_by_its_name(clinic: ClinicFolder) -> None:
    files = files_of(clinic, "rogue-4")
    with Machine(clinic, "machine-4") as machine:
        lost: list[int] = []
        machine.client.on_disconnect = lambda *_: lost.append(1)
        with Machine(clinic, "machine-4", files) as rogue:
            rogue.publish(rogue.topic("live", "machine-4"), b"{}")
            until(lambda: rogue.refusals)
        assert lost == []


@pytest.mark.usefixtures("broker")
def test_a_member_of_the_shared_group_takes_no_session_of_another_machine(clinic: ClinicFolder) -> None:
    group = clinic.places.shared_group.read_text()
    assert re.fullmatch(r"c-[0-9a-f]{30}", group)
    with Machine(clinic, "rogue-5") as rogue, Machine(clinic, "machine-8") as machine:
        for kind in ("session/+", "result", "taken"):
            rogue.client.subscribe(f"$share/collectors/ic/1/trondheim/+/{kind}", 1)
        rogue.publish(rogue.topic("live"), b"{}")
        until(lambda: rogue.published)
        for number in range(100, 140):
            machine.publish(machine.topic(f"session/{session_id(number)}"), sealed(number, machine="machine-8"))
        until(lambda: len(machine.receipts) == 40)


@pytest.mark.usefixtures("broker")
def test_a_machine_that_is_enrolled_again_ends_the_earlier_certificate_and_its_connection(
    clinic: ClinicFolder, tmp_path: Path
) -> None:
    folders = tmp_path / "lost", tmp_path / "new"
    lost, new = (Files(one / "authority.pem", one / "machine.pem", one / "machine.pem") for one in folders)
    with enrolling(clinic):
        enrol(f"localhost:{clinic.settings.enrolment_port}", code_for(clinic, "machine-9"), folders[0])
        with Machine(clinic, "machine-9", lost) as thief:
            enrol(f"localhost:{clinic.settings.enrolment_port}", code_for(clinic, "machine-9"), folders[1])
            until(lambda: not thief.client.is_connected())
            assert shut_out(clinic, lost)
        assert not shut_out(clinic, new)


def test_a_certificate_of_another_authority_is_refused_and_logged(
    clinic: ClinicFolder, broker: Child, tmp_path: Path
) -> None:
    foreign = files_of(make(tmp_path / "other"), "machine-1", trusting=clinic)
    before = broker.said.count("the broker refused a connection")
    assert shut_out(clinic, foreign)
    until(lambda: broker.said.count("the broker refused a connection") > before)


def test_a_client_without_a_certificate_is_refused_and_logged(clinic: ClinicFolder, broker: Child) -> None:
    class Bare(Files, frozen=True):
        @property
        def tls(self) -> ssl.SSLContext:
            return ssl.create_default_context(cafile=str(self.authority))

    files = files_of(clinic, "machine-5")
    before = broker.said.count("the broker refused a connection")
    assert shut_out(clinic, Bare(files.authority, files.certificate, files.key))
    until(lambda: broker.said.count("the broker refused a connection") > before)


def test_a_broker_that_dies_of_reading_its_lists_is_back_at_once_and_the_machine_is_cut_off(
    clinic: ClinicFolder, broker: Child, tmp_path: Path
) -> None:
    """Mosquitto 2.0.11 died of 2 in 347 SIGHUPs while machines connected (eclipse-mosquitto issues 849, 965, 1424)."""
    folder = tmp_path / "machine"
    with enrolling(clinic):
        enrol(f"localhost:{clinic.settings.enrolment_port}", code_for(clinic, "machine-7"), folder)
    files = Files(folder / "authority.pem", folder / "machine.pem", folder / "machine.pem")
    with Machine(clinic, "machine-7", files) as machine:
        until(machine.client.is_connected)
        pid = int(clinic.places.broker_pid.read_text())
        # Stands still, so that revocation meets a broker that is gone.
        os.kill(pid, signal.SIGSTOP)
        with ThreadPoolExecutor(1) as other:
            said = other.submit(command, "revoke", "machine-7", "--dir", str(clinic.places.folder))
            until(lambda: "deny #" in clinic.places.broker_access.read_text())
            os.kill(pid, signal.SIGSEGV)
            os.kill(pid, signal.SIGCONT)
            assert said.result(60).splitlines()[-1] == "It is refused from now on, and has no open connection."
    until(lambda: listens(clinic.settings.broker_port))
    assert broker.process.poll() is None
    assert int(clinic.places.broker_pid.read_text()) != pid
    assert shut_out(clinic, files)


def test_a_revoked_machine_is_cut_off_at_once_and_refused_from_then_on(
    clinic: ClinicFolder, broker: Child, tmp_path: Path
) -> None:
    folder = tmp_path / "machine"
    with enrolling(clinic):
        enrol(f"localhost:{clinic.settings.enrolment_port}", code_for(clinic, "machine-6"), folder)
    files = Files(folder / "authority.pem", folder / "machine.pem", folder / "machine.pem")
    with Machine(clinic, "machine-6", files) as machine:
        machine.publish(machine.topic(f"session/{session_id(6)}"), sealed(6, machine="machine-6"))
        until(lambda: machine.receipts)
        said = command("revoke", "machine-6", "--dir", str(clinic.places.folder))
        assert said.splitlines() == [
            "«machine-6»: 1 certificate(s) revoked.",
            "It is refused from now on, and has no open connection.",
        ]
        assert not machine.client.is_connected()
    before = broker.said.count("the broker refused a connection")
    assert shut_out(clinic, files)
    until(lambda: broker.said.count("the broker refused a connection") > before)
