"""A server restored to an older backup: what was taken away since stays away, and machines deliver what it lacks."""

import json
import socket
import ssl
import sys
import time
from pathlib import Path

import pytest
from paho.mqtt.client import MQTTMessage

from server.clinic_folder.settings import ClinicFolder, read_clinic
from sync.wire.codec import encode, read
from sync.wire.messages import DeliverAgain, Software, State
from tests.support.broker.delivery_factory import sealed, session_id
from tests.support.clinic.enrolled import enrolled
from tests.support.clinic.local_clinic import (
    Child,
    Files,
    Machine,
    Postgres,
    collector,
    command,
    enrolling,
    environment,
    make,
    mosquitto,
    sql,
    stored,
    until,
)

PSEUDONYM = "p-restored1"


def is_refused(clinic: ClinicFolder, stolen: Files) -> bool:
    """Return whether the broker refuses these files; it may end the handshake in one of several ways."""
    tls = stolen.tls
    try:
        with (
            socket.create_connection(("localhost", clinic.settings.broker_port), 5) as line,
            tls.wrap_socket(line, server_hostname="localhost") as secured,
        ):
            secured.settimeout(2)
            # In TLS 1.3 the refusal of a client's certificate comes with the first reading.
            return secured.recv(1) == b""
    except ssl.SSLError as error:
        return "REVOKED" in str(error).upper() or "ALERT" in str(error).upper()
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def add_participant(clinic: ClinicFolder, database: str | None) -> None:
    """Make one in a process of its own: this one may serve another clinic."""
    program = f"""
from pathlib import Path
from server.clinic_folder.database import prepare
from server.clinic_folder.settings import read_clinic
prepare(read_clinic(Path({str(clinic.places.folder)!r})))
from server.accounts.models import Clinic
from server.people.models import Participant
Participant.objects.create(
    clinic=Clinic.objects.get(), pseudonym={PSEUDONYM!r}, name="Kari Prøve", nickname="Rev", birth_year=1980
)
"""
    with Child([sys.executable, "-c", program], clinic.places.folder / "added.log", environment(database)) as child:
        assert child.process.wait(60) == 0, child.said


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_yesterdays_backup_brings_back_nothing_that_was_taken_away_since(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    before = after = None
    if kind == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        before, after = postgres.database("yesterday"), postgres.database("today")
    clinic = make(tmp_path / "clinic", database=before)
    backups = tmp_path / "backups"
    backups.mkdir()
    folder = ("--dir", str(clinic.places.folder))
    with mosquitto(clinic), enrolling(clinic, database=before):
        stolen = enrolled(clinic, "pi-stolen", tmp_path / "stolen", database=before)
        add_participant(clinic, before)
        command("account", "add", "ola", "--role", "therapist", *folder, database=before)
        command("backup", str(backups), *folder, database=before)
        # Since then: a machine was let in, one was lost, a participant was deleted, an account was closed.
        kept = enrolled(clinic, "pi-new", tmp_path / "new", database=before)
        command("revoke", "pi-stolen", *folder, database=before)
        command("participant", "delete", PSEUDONYM, "--yes", *folder, database=before)
        command("account", "close", "ola", *folder, database=before)
    export = tmp_path / "log.jsonl"
    command("audit", "export", "--out", str(export), *folder, database=before)
    command("audit", "verify", *folder, database=before)
    [file] = backups.glob("interval-coach-*.tar")

    said = command("restore", str(file), str(tmp_path / "again"), database=after)
    assert "The list of deleted participants with the backup was written on" in said
    again = read_clinic(tmp_path / "again")
    folder = ("--dir", str(again.places.folder))
    for service in ("collect", "web", "broker", "enrol-service"):
        refused = command(service, *folder, database=after, check=False)
        assert "Run 'interval-coach-server migrate' first" in refused
    said = command("init", str(again.places.folder), "--clinic", "trondheim", "--host", "localhost", database=after)
    assert f"{PSEUDONYM} of trondheim was deleted before, and is deleted again." in said
    assert "1 revoked again, 1 given since the backup are known again" in said
    assert "at least are lost here" in said

    assert sql(again, "SELECT count(*) FROM people_participant", after) == [(0,)]
    assert sql(again, "SELECT count(*) FROM clinics_invitation WHERE used_at IS NULL", after) == [(0,)]
    [(row,)] = sql(again, "SELECT detail FROM audit_entry WHERE action = 'server_restored'", after)
    detail = row if isinstance(row, dict) else json.loads(row)
    assert detail["lost_line"] > detail["last_line"]
    assert "the chain is whole" in command("audit", "verify", *folder, database=after)
    compared = command("audit", "verify", "--since", str(export), *folder, database=after, check=False)
    assert "the chain is broken" in compared

    with mosquitto(again), collector(again, database=after):
        assert is_refused(again, stolen)
        assert not is_refused(again, kept)
        with Machine(again, "pi-new", kept) as machine:
            machine.deliver({(session_id(1), 1): sealed(1, machine="pi-new", seconds=60)}, 30)
        # It can be revoked, though the backup never knew it.
        assert "1 certificate(s) revoked" in command("revoke", "pi-new", *folder, database=after)


def test_a_machine_that_no_database_knows_can_be_revoked(tmp_path: Path) -> None:
    clinic = make(tmp_path / "clinic")
    with mosquitto(clinic), collector(clinic), Machine(clinic, "machine-1") as machine:
        machine.deliver({(session_id(1), 1): sealed(1, seconds=60)}, 30)
        command("revoke", "machine-1", "--dir", str(clinic.places.folder))
        machine.publish(machine.topic(f"session/{session_id(2)}"), sealed(2, seconds=60))
        time.sleep(2)
        assert stored(clinic) == 1


def test_a_list_that_cannot_be_read_stops_the_restore_in_words(tmp_path: Path) -> None:
    clinic = make(tmp_path / "clinic")
    command("backup", str(tmp_path / "backup.tar"), "--dir", str(clinic.places.folder))
    (tmp_path / "certificate-register.json").write_text("[{}]")
    said = command("restore", str(tmp_path / "backup.tar"), str(tmp_path / "again"), check=False)
    assert "is no register of certificates" in said
    assert not (tmp_path / "again").exists()


def birth(connection: int, delivered_again_wall_s: float = 0.0) -> bytes:
    return encode(
        State(
            online=True,
            connection=connection,
            clinic="trondheim",
            machine="machine-1",
            software=Software("1", "3", "x"),
            delivered_again_wall_s=delivered_again_wall_s,
        )
    )


def test_each_machine_is_asked_once_a_connection_until_it_has_done_it(tmp_path: Path) -> None:
    clinic = make(tmp_path / "clinic")
    command("backup", str(tmp_path / "backup.tar"), "--dir", str(clinic.places.folder))
    command("restore", str(tmp_path / "backup.tar"), str(tmp_path / "again"))
    again = read_clinic(tmp_path / "again")
    folder = ("--dir", str(again.places.folder))
    command("init", str(again.places.folder), "--clinic", "trondheim", "--host", "localhost")
    came: list[DeliverAgain] = []
    with mosquitto(again), collector(again), Machine(again, "machine-1") as machine:

        def note(_client: object, _data: object, message: MQTTMessage) -> None:
            found = read(bytes(message.payload), DeliverAgain)
            if isinstance(found, DeliverAgain):
                came.append(found)

        machine.client.on_message = note
        for connection in (1, 1, 2):
            machine.publish(machine.topic("state"), birth(connection))
        until(lambda: len(came) == 2)
        assert came[0].receipted_since_wall_s < came[0].receipted_until_wall_s
        assert "not_delivered_again" in command("machines", *folder)
        machine.publish(machine.topic("state"), birth(3, came[0].receipted_until_wall_s))
        until(lambda: "not_delivered_again" not in command("machines", *folder), 20)
        assert len(came) == 2
