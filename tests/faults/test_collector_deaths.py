"""Fault 16: the collector dies at each step between receive, commit and receipt."""

import sys
import time
from pathlib import Path

import pytest

from tests.support.broker.delivery_factory import sealed, session_id
from tests.support.clinic.local_clinic import (
    Child,
    Machine,
    Postgres,
    collector,
    environment,
    make,
    mosquitto,
    sql,
)


def campaign(folder: Path, runs: int, database: str | None) -> tuple[int, int, int]:
    """Sessions handed over, lost, and stored twice."""
    clinic = make(folder, database=database)
    words = [sys.executable, "-m", "tests.support.broker.collector_crash", str(clinic.places.folder), str(runs), "1"]
    sessions: dict[tuple[str, int], bytes] = {}
    with mosquitto(clinic), Machine(clinic, "machine-1") as machine:
        with Child(words, folder / "deaths.log", environment(database)) as dying:
            while dying.process.poll() is None:
                number = len(sessions)
                sessions[session_id(number), 1] = payload = sealed(number, seconds=20)
                machine.publish(machine.topic(f"session/{session_id(number)}"), payload)
                time.sleep(0.02)
            assert dying.process.returncode == 0, dying.said
            assert dying.said.count("there") >= runs * 0.9, dying.said
        with collector(clinic, database=database):
            machine.deliver(sessions, 60)
        rows = sql(clinic, "SELECT session_id, revision, sha256 FROM server_session", database)
    stored = [str(row[0]).replace("-", "") for row in rows]
    expected = {identity.replace("-", "") for identity, _ in sessions}
    return len(sessions), len(expected - set(stored)), len(stored) - len(set(stored))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_collector_that_dies_at_each_step_loses_and_doubles_nothing(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    database = None
    if kind == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        database = postgres.database("deaths")
    sessions, lost, double = campaign(tmp_path / "clinic", 30, database)
    with capsys.disabled():
        print(f"\nfault 16, {kind}: 30 deaths, {sessions} sessions, lost {lost}, double {double} (target 0, 0)")  # noqa: T201
    assert (lost, double) == (0, 0)


@pytest.mark.slow
def test_a_thousand_deaths_lose_and_double_nothing(
    tmp_path: Path, postgres: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    sessions, lost, double = campaign(tmp_path / "clinic", 1000, postgres.database("thousand"))
    with capsys.disabled():
        print(f"\nfault 16: 1,000 deaths, {sessions} sessions, lost {lost}, double {double} (target 0, 0)")  # noqa: T201
    assert (lost, double) == (0, 0)
