"""From the participant's stop button to a row in the clinic's database and back: every part is the real one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.clinic_folder.settings import ClinicFolder, read_clinic
from tests.support.clinic.enrolled import enrolled
from tests.support.clinic.local_clinic import (
    collector,
    command,
    enrolling,
    make,
    mosquitto,
    sql,
    stored,
    until,
)
from tests.support.machine.machine import Machine

pytestmark = pytest.mark.timeout(120)

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClinicFolder]:
    """A clinic as `interval-coach-server init` makes it, with its broker, collector and enrolment service."""
    made = make(tmp_path_factory.mktemp("clinic") / "clinic")
    with mosquitto(made), collector(made), enrolling(made):
        yield made


def _enrolled(clinic: ClinicFolder, machine: str, folder: Path) -> Path:
    enrolled(clinic, machine, folder)
    return folder


@pytest.fixture
def clock_set(tmp_path: Path) -> dict[str, str]:
    """The machine's clock is set, which a test machine without a time server cannot say by itself."""
    (tmp_path / "sitecustomize.py").write_text(
        "import firmware.system.timestamps\nfirmware.system.timestamps.wall_clock_synchronised = lambda: True\n"
    )
    return {"PYTHONPATH": f"{tmp_path}:{ROOT}"}


def test_a_machine_enrols_trains_somebody_delivers_and_forgets_nothing_before_the_receipt(
    clinic: ClinicFolder, tmp_path: Path, clock_set: dict[str, str]
) -> None:
    identity = _enrolled(clinic, "pi-1", tmp_path / "identity")
    with Machine() as machine:
        machine.start("coach")
        machine.start("sync", ["--identity", str(identity)], clock_set)
        with machine.watch() as watcher:
            watcher.begin()
            watcher.end()
        until(lambda: stored(clinic) == 1)
        diary = machine.remote_diary()
        until(lambda: [line.delivered for line in diary.sessions()] == [True])
        line = diary.sessions()[0]
        diary.close()
        row = sql(clinic, "SELECT machine, participant, revision FROM server_session")
        assert row == [("pi-1", line.participant, line.revision)]


def test_a_machine_that_is_enrolled_later_delivers_what_it_kept(
    clinic: ClinicFolder, tmp_path: Path, clock_set: dict[str, str]
) -> None:
    before = stored(clinic)
    with Machine() as machine:
        machine.start("coach")
        machine.start("sync", ["--identity", str(tmp_path / "identity")], clock_set)
        with machine.watch() as watcher:
            watcher.begin()
            watcher.end()
        _enrolled(clinic, "pi-2", tmp_path / "identity")
        until(lambda: stored(clinic) == before + 1, 30)


def test_a_machine_whose_certificate_is_revoked_delivers_no_more_and_keeps_everything(
    clinic: ClinicFolder, tmp_path: Path, clock_set: dict[str, str]
) -> None:
    identity = _enrolled(clinic, "pi-3", tmp_path / "identity")
    before = stored(clinic)
    command("revoke", "pi-3", "--dir", str(clinic.places.folder))
    with Machine() as machine:
        machine.start("coach")
        machine.start("sync", ["--identity", str(identity)], clock_set)
        with machine.watch() as watcher:
            watcher.begin()
            watcher.end()
        until(lambda: "refused_by_broker" in machine.words() or "no_broker" in machine.words(), 30)
        diary = machine.remote_diary()
        assert ([line.delivered for line in diary.sessions()], stored(clinic)) == ([False], before)
        diary.close()


def test_what_a_restored_server_lacks_comes_again_by_itself(tmp_path: Path, clock_set: dict[str, str]) -> None:
    clinic = make(tmp_path / "clinic")
    file = tmp_path / "backup.tar"
    command("backup", str(file), "--dir", str(clinic.places.folder))
    with Machine() as machine:
        with mosquitto(clinic), collector(clinic), enrolling(clinic):
            identity = _enrolled(clinic, "pi-1", tmp_path / "identity")
            machine.start("coach")
            machine.start("sync", ["--identity", str(identity)], clock_set)
            with machine.watch() as watcher:
                watcher.begin()
                watcher.end()
            until(lambda: stored(clinic) == 1)
            diary = machine.remote_diary()
            until(lambda: [line.delivered for line in diary.sessions()] == [True])
        command("restore", str(file), str(tmp_path / "again"))
        again = read_clinic(tmp_path / "again")
        said = command("init", str(again.places.folder), "--clinic", "trondheim", "--host", "localhost")
        assert "1 given since the backup are known again" in said
        assert stored(again) == 0
        with mosquitto(again), collector(again):
            until(lambda: stored(again) == 1, 60)
            until(lambda: [line.delivered for line in diary.sessions()] == [True])
            until(lambda: "not_delivered_again" not in command("machines", "--dir", str(again.places.folder)), 30)
        diary.close()
