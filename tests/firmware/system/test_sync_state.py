import signal
from pathlib import Path

import pytest

from firmware.cli import main
from firmware.system.delivery_status import NoStateError, state_file, state_in_words, write_state
from sync.wire.messages import Finding, State
from tests.support.broker.broker import until
from tests.support.broker.courier_machine import SOFTWARE
from tests.support.machine.machine import Machine

WELL = State(online=True, connection=1, clinic="oslo", machine="pi-1", software=SOFTWARE)
ILL = State(
    online=False,
    connection=1,
    clinic="oslo",
    machine="pi-1",
    software=SOFTWARE,
    waiting=3,
    findings=(Finding("topic_refused", "The broker refused a message on «session»."), Finding("coach_away")),
)


def test_people_at_the_machine_are_told_what_the_server_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_state(state_file(tmp_path / "coach.sock"), ILL)
    assert main(["sync", "--socket", str(tmp_path / "coach.sock"), "--state"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "pi-1 of oslo is not connected with its server.",
        "3 finished sessions on their way have no receipt yet; they are safe in the diary.",
        "topic_refused: The broker refused a message on «session».",
        "coach_away",
    ]


def test_where_all_is_well_there_is_one_line(tmp_path: Path) -> None:
    write_state(tmp_path / "state", WELL)
    assert state_in_words(tmp_path / "state") == "pi-1 of oslo is connected with its server."


def test_a_machine_without_sync_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoStateError, match="enrol"):
        state_in_words(tmp_path / "none")


def test_a_disk_that_refuses_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_state(tmp_path / "no-such-folder" / "state", WELL)
    assert "could not be written" in caplog.text


def test_what_a_sync_that_is_gone_has_left_passes_for_nothing() -> None:
    with Machine() as machine:
        left = state_file(machine.socket)
        write_state(left, WELL)
        machine.start("sync")
        until(lambda: not left.exists())
        write_state(left, WELL)
        machine.send("sync", signal.SIGTERM)
        machine.wait("sync")
        assert not left.exists()
