"""The three sizes of docs/operations.md, run with the machines' own couriers: a machine alone, a clinic, a region."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.enrolment.enrol import enrol
from server.clinic_folder.settings import ClinicFolder
from tests.support.broker.courier_machine import SendingMachine, parcel
from tests.support.clinic.local_clinic import (
    Postgres,
    code_for,
    collector,
    command,
    enrolling,
    kill_broker,
    make,
    mosquitto,
    sql,
    stored,
    until,
)


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    """A PostgreSQL server."""
    server = Postgres(tmp_path / "postgres")
    server.start()
    yield server
    server.stop()


def enrolled(clinic: ClinicFolder, name: str, folder: Path) -> Path:
    """A machine's identity, by its one-time code."""
    enrol(f"localhost:{clinic.settings.enrolment_port}", code_for(clinic, name), folder)
    return folder


def test_one_pi_is_broker_server_and_coach(tmp_path: Path) -> None:
    clinic = make(tmp_path / "clinic")
    parcels = [parcel(seed, messages=20) for seed in range(10)]
    with mosquitto(clinic), enrolling(clinic), collector(clinic):
        identity = enrolled(clinic, "machine-1", tmp_path / "machine")
        with SendingMachine(identity, parcels, speed=30) as machine:
            machine.pump_until_empty(30)
    assert stored(clinic) == 10


def test_a_clinic_with_five_machines_and_a_collector_that_restarts(tmp_path: Path) -> None:
    clinic = make(tmp_path / "clinic")
    with mosquitto(clinic), enrolling(clinic), contextlib.ExitStack() as stack:
        machines = [
            stack.enter_context(
                SendingMachine(
                    enrolled(clinic, f"machine-{number}", tmp_path / f"machine-{number}"),
                    [parcel(100 * number + seed, messages=20) for seed in range(10)],
                    speed=30,
                )
            )
            for number in range(5)
        ]
        with collector(clinic) as first:
            until(lambda: ([machine.pump() for machine in machines], stored(clinic) > 0)[1])
            first.kill()
        with collector(clinic):
            for machine in machines:
                machine.pump_until_empty(60)
    assert stored(clinic) == 50


def test_a_region_of_bridged_brokers_three_collectors_and_postgresql(tmp_path: Path, postgres: Postgres) -> None:
    """The region's broker is killed in between, so that a queue and a connection are lost."""
    database = postgres.database("region")
    region = make(tmp_path / "region", "--all-clinics", "--collectors", "3", clinic="midt", database=database)
    said = command("bridge", "trondheim", "--dir", str(region.places.folder), database=database)
    assert "region.conf" in said
    clinic = make(tmp_path / "clinic")
    handed = region.places.folder / "bridges" / "bridge-trondheim"
    shutil.copy(handed / "region.conf", clinic.places.broker / "more.d")
    parcels = [parcel(seed, messages=20) for seed in range(40)]
    with contextlib.ExitStack() as stack:
        stack.enter_context(mosquitto(region))
        stack.enter_context(mosquitto(clinic))
        for number in (1, 2, 3):
            port = ("--metrics-port", "0")
            stack.enter_context(collector(region, *port, name=f"collector-{number}", database=database))
        with enrolling(clinic):
            identity = enrolled(clinic, "machine-1", tmp_path / "machine")
        with SendingMachine(identity, parcels[:20], speed=30) as machine:
            machine.pump_until_empty(60)
            kill_broker(region)
            stack.enter_context(mosquitto(region))
            machine.journal.update({one.session_id: one for one in parcels[20:]})
            machine.pump_until_empty(90)
    rows = sql(region, "SELECT DISTINCT clinic, machine FROM server_session", database)
    assert rows == [("trondheim", "machine-1")]
    assert stored(region, database) == 40
