"""The collector as a process: figures, log, clean end, what a person may do with what is kept."""

import hashlib
import json
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from server.clinic_folder.settings import ClinicFolder
from sync.wire.chunks import cut
from sync.wire.codec import encode, encode_session
from sync.wire.messages import Clocks, CommandResult, Finding, PlanTaken, Software, State
from tests.support.broker.delivery_factory import delivery, sealed, session_id
from tests.support.clinic.local_clinic import Child, Machine, collector, command, make, mosquitto, sql, stored, until


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> ClinicFolder:
    """One clinic for all of these."""
    return make(tmp_path_factory.mktemp("collecting") / "clinic", "--collectors", "3")


@pytest.fixture(scope="module")
def child(clinic: ClinicFolder) -> Iterator[Child]:
    """Its collector, with a broker."""
    with mosquitto(clinic), collector(clinic) as one:
        yield one


def figures(clinic: ClinicFolder) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{clinic.settings.metrics_port}/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def words(*more: str, clinic: ClinicFolder) -> list[str]:
    return command(*more, "--dir", str(clinic.places.folder)).splitlines()


def test_a_session_is_receipted_after_its_commit_and_counted(clinic: ClinicFolder, child: Child) -> None:
    with Machine(clinic, "machine-1") as machine:
        machine.publish(machine.topic(f"session/{session_id(1)}"), sealed(1))
        receipt = until(lambda: machine.receipts.get((session_id(1), 1)))
    assert (receipt.status, receipt.sha256) == ("stored", delivery(1).sha256)
    found = figures(clinic)
    assert found['interval_coach_outcomes_total{what="stored"}'] >= 1
    assert (found["interval_coach_broker_up"], found["interval_coach_database_up"]) == (1.0, 1.0)
    assert child.process.poll() is None


def test_a_stored_session_becomes_a_diary_entry_in_a_quiet_moment(clinic: ClinicFolder, child: Child) -> None:
    with Machine(clinic, "machine-1") as machine:
        machine.publish(machine.topic(f"session/{session_id(21)}"), sealed(21))
        until(lambda: (session_id(21), 1) in machine.receipts)
    key = session_id(21).replace("-", "")
    until(lambda: (key,) in sql(clinic, "SELECT session_id FROM diary_diaryentry"), 90.0)
    assert words("diary", "enter", clinic=clinic)[0].endswith("the diary is up to date.")
    assert words("diary", "enter", "--all", clinic=clinic) == [
        f"{stored(clinic)} stored session(s) looked at; the diary is up to date."
    ]
    assert child.process.poll() is None


def test_a_large_session_comes_in_parts(clinic: ClinicFolder, child: Child) -> None:
    with Machine(clinic, "machine-1") as machine:
        for part in cut(sealed(2), 2048):
            machine.publish(machine.topic(f"session/{session_id(2)}"), part)
        until(lambda: (session_id(2), 1) in machine.receipts)
    assert child.process.poll() is None


def test_the_log_is_json_and_names_no_participant(clinic: ClinicFolder, child: Child) -> None:
    with Machine(clinic, "machine-1") as machine:
        machine.publish(machine.topic(f"session/{session_id(3)}"), sealed(3))
        until(lambda: (session_id(3), 1) in machine.receipts)
    lines = [json.loads(line) for line in until(lambda: child.said).splitlines()]
    assert all({"t", "level", "from", "event"} <= line.keys() for line in lines)
    told = delivery(3)
    assert told.participant not in {str(value) for line in lines for value in line.values()}
    assert "bpm" not in child.said


def test_a_conflict_is_receipted_as_such_shown_retried_and_dropped(clinic: ClinicFolder, child: Child) -> None:
    other = msgspec.structs.replace(delivery(4), sha256="f" * 64)
    with Machine(clinic, "machine-1") as machine:
        topic = machine.topic(f"session/{session_id(4)}")
        machine.publish(topic, sealed(4))
        until(lambda: machine.receipts.get((session_id(4), 1)))
        machine.publish(topic, encode_session(other))
        receipt = until(lambda: one if (one := machine.receipts[session_id(4), 1]).status == "quarantined" else None)
    assert receipt.sha256 == "f" * 64
    [line] = words("quarantine", "list", clinic=clinic)
    number = line.split("\t")[0]
    assert "conflict" in line
    out = clinic.places.folder / "kept.bin"
    assert f"session_id: {session_id(4)}" in words("quarantine", "show", number, "--out", str(out), clinic=clinic)
    assert out.read_bytes() == encode_session(other)
    assert words("quarantine", "retry", number, clinic=clinic)[0].startswith(f"Number {number} stays")
    assert words("quarantine", "list", clinic=clinic)[0].endswith("×1")
    assert words("quarantine", "drop", number, clinic=clinic) == [f"Number {number} is dropped."]
    assert words("quarantine", "list", clinic=clinic) == ["Nothing is there."]
    assert child.process.poll() is None


def test_a_dead_letter_is_taken_once_it_can_be_read(clinic: ClinicFolder, child: Child) -> None:
    with Machine(clinic, "machine-1") as machine:
        machine.publish(machine.topic(f"session/{session_id(5)}"), b"junk")
        [line] = until(lambda: [one for one in words("dead-letters", "list", clinic=clinic) if "\t" in one])
    number = line.split("\t")[0]
    assert "not_an_envelope" in line
    assert "stays" in words("dead-letters", "retry", number, clinic=clinic)[0]
    assert words("dead-letters", "drop", number, clinic=clinic) == [f"Number {number} is dropped."]
    assert child.process.poll() is None


def test_a_number_that_is_not_there_is_said(clinic: ClinicFolder) -> None:
    said = command("quarantine", "show", "999", "--dir", str(clinic.places.folder), check=False)
    assert "There is no number 999" in said


def test_a_machines_state_is_shown(clinic: ClinicFolder, child: Child) -> None:
    with Machine(clinic, "machine-7") as machine:
        said = State(
            online=True,
            connection=1,
            clinic="trondheim",
            machine="machine-7",
            software=Software("0.1.0", "3.11", "Debian"),
            findings=(Finding("topic_refused"),),
            waiting=2,
        )
        machine.client.publish(machine.topic("state"), encode(said), 1, retain=True)
        statement = "SELECT count(*) FROM server_machinestate WHERE machine = 'machine-7'"
        until(lambda: sql(clinic, statement)[0][0])
    [line] = [one for one in words("machines", clinic=clinic) if one.startswith("trondheim/machine-7\t")]
    assert "2 waiting\ttopic_refused" in line
    assert child.process.poll() is None


def test_results_and_plan_receipts_are_acknowledged_after_the_commit_and_what_nobody_can_read_too(
    clinic: ClinicFolder, child: Child
) -> None:
    at = Clocks("b", 1.0, 2.0, synchronised=True)
    said = {
        "result": encode(CommandResult(id="c-1", outcome="done", at=at)),
        "taken": encode(PlanTaken(participant="p-1", version=1, outcome="refused", at=at, reason="limit")),
    }
    with Machine(clinic, "machine-8") as machine:
        for kind, payload in said.items():
            machine.publish(machine.topic(kind), payload)
        machine.publish(machine.topic("result"), b"?")
        wanted = {hashlib.sha256(payload).hexdigest() for payload in (*said.values(), b"?")}
        until(lambda: machine.words == wanted)
    assert sql(clinic, "SELECT count(*) FROM server_commandoutcome WHERE machine = 'machine-8'") == [(1,)]
    assert child.process.poll() is None


def test_several_collectors_divide_the_sessions_and_one_killed_loses_nothing(
    clinic: ClinicFolder, child: Child
) -> None:
    sessions = {(session_id(number), 1): sealed(number, seconds=60) for number in range(1000, 1300)}
    before = stored(clinic)
    with (
        collector(clinic, "--metrics-port", "0", name="collector-2") as second,
        collector(clinic, "--metrics-port", "0", name="collector-3") as third,
        Machine(clinic, "machine-1") as machine,
    ):
        first = dict(list(sessions.items())[:100])
        machine.deliver(first, 30)
        second.kill()
        machine.deliver(sessions, 60, again_s=1.0)
        assert '"stored"' in third.said
    assert stored(clinic) - before == 300
    assert child.process.poll() is None


def test_a_collector_that_nothing_reaches_says_so_and_proves_it_once_the_list_is_right(tmp_path: Path) -> None:
    clinic = make(tmp_path / "clinic")
    right = clinic.places.broker_access.read_text()
    clinic.places.broker_access.write_text(right.replace("topic readwrite ic/1/trondheim/+/session/+", "# gone"))
    with mosquitto(clinic), collector(clinic) as child:
        until(lambda: figures(clinic)["interval_coach_broker_up"] == 1)
        until(lambda: "nothing that is published reaches this collector" in child.said)
        assert figures(clinic)["interval_coach_path_proved"] == 0
        command("migrate", "--dir", str(clinic.places.folder))
        until(lambda: figures(clinic)["interval_coach_path_proved"] == 1)


def test_it_ends_cleanly_when_told(tmp_path: Path) -> None:
    clinic = make(tmp_path / "clinic")
    with mosquitto(clinic):
        one = collector(clinic)
        one.process.send_signal(signal.SIGTERM)
        assert one.process.wait(60) == 0
        assert '"collector stopped"' in one.said


def test_without_a_certificate_it_says_what_to_do(clinic: ClinicFolder) -> None:
    said = command("collect", "--as", "collector-9", "--dir", str(clinic.places.folder), check=False)
    assert "There is no certificate for «collector-9»" in said
