"""Faults 13 and 17: the collector away and the broker's queue full; PostgreSQL away."""

import time
from pathlib import Path

import pytest

from tests.support.broker.delivery_factory import sealed, session_id
from tests.support.clinic.local_clinic import (
    ClinicFolder,
    Machine,
    Postgres,
    collector,
    make,
    mosquitto,
    sql,
    stored,
    until,
)


def small(first: int, count: int, machine: str = "machine-1") -> dict[tuple[str, int], bytes]:
    return {
        (session_id(number), 1): sealed(number, machine=machine, seconds=20) for number in range(first, first + count)
    }


def lost_and_double(
    clinic: ClinicFolder, sessions: dict[tuple[str, int], bytes], database: str | None
) -> tuple[int, int]:
    ids = [str(row[0]).replace("-", "") for row in sql(clinic, "SELECT session_id FROM server_session", database)]
    expected = {identity.replace("-", "") for identity, _ in sessions}
    return len(expected - set(ids)), len(ids) - len(set(ids))


def plain_client_loses(clinic: ClinicFolder, count: int) -> tuple[int, int]:
    """A client that takes an acknowledgement for delivery. Gives how many were acknowledged, and how many got lost."""
    sessions = small(100_000, count, "plain")
    with Machine(clinic, "plain") as plain:
        for (identity, _), payload in sessions.items():
            plain.publish(plain.topic(f"session/{identity}"), payload)
        until(lambda: len(plain.published) == count, 60)
        refused = len(plain.refusals)
    with collector(clinic):
        until(lambda: stored(clinic) > 0)
        settled = -1
        while settled != stored(clinic):
            settled = stored(clinic)
            time.sleep(1.0)
    return count - refused, lost_and_double(clinic, sessions, None)[0]


def full_queue(folder: Path, plain: int, count: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """What a plain client and a machine lose to a collector that is away and a queue of 1,000, mosquitto's default."""
    clinic = make(folder)
    (clinic.places.broker / "more.d" / "queue.conf").write_text("max_queued_messages 1000\nmax_inflight_messages 20\n")
    with mosquitto(clinic):
        collector(clinic).stop()
        plainly = plain_client_loses(clinic, plain)
        sessions = small(0, count)
        with Machine(clinic, "machine-1") as machine:
            for (identity, _), payload in sessions.items():
                machine.publish(machine.topic(f"session/{identity}"), payload)
            until(lambda: len(machine.published) == count, 120)
            with collector(clinic):
                machine.deliver(sessions, 300)
        return plainly, lost_and_double(clinic, sessions, None)


def test_a_full_queue_loses_nothing_of_a_machine_and_a_third_of_a_plain_client(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (acknowledged, plain_lost), (lost, double) = full_queue(tmp_path / "clinic", 1500, 1500)
    with capsys.disabled():
        print(  # noqa: T201
            f"\nfault 13: a plain client had {acknowledged} acknowledged and lost {plain_lost}; a machine handed over "
            f"1500, lost {lost}, double {double} (target 0, 0)"
        )
    assert acknowledged == 1500
    assert plain_lost > 400
    assert (lost, double) == (0, 0)


@pytest.mark.slow
def test_five_thousand_sessions_survive_a_full_queue(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (acknowledged, plain_lost), (lost, double) = full_queue(tmp_path / "clinic", 1500, 5000)
    with capsys.disabled():
        print(  # noqa: T201
            f"\nfault 13: a plain client lost {plain_lost} of {acknowledged} acknowledged; of 5000 a machine "
            f"lost {lost}, double {double} (target 0, 0)"
        )
    assert (lost, double) == (0, 0)


def database_away(folder: Path, postgres: Postgres, away_s: float) -> tuple[int, int, float]:
    """Lost, double, and how much more memory the collector held meanwhile, in MB."""
    database = postgres.database(f"away{int(away_s)}")
    clinic = make(folder, database=database)
    sessions = {(session_id(number), 1): sealed(number) for number in range(1000)}
    first = dict(list(sessions.items())[:200])
    with mosquitto(clinic), Machine(clinic, "machine-1") as machine, collector(clinic, database=database) as child:
        machine.deliver(first, 30)
        before = child.resident_bytes
        postgres.stop()
        try:
            most, receipts = before, len(machine.receipts)
            end_s = time.monotonic() + away_s
            for (identity, _), payload in list(sessions.items())[200:]:
                machine.publish(machine.topic(f"session/{identity}"), payload)
            while time.monotonic() < end_s:
                most = max(most, child.resident_bytes)
                time.sleep(0.1)
            assert len(machine.receipts) == receipts
            assert child.process.poll() is None
        finally:
            postgres.start()
        machine.deliver(sessions, 60, again_s=10.0)
        lost, double = lost_and_double(clinic, sessions, database)
    return lost, double, (most - before) / 1e6


def test_while_postgresql_is_away_nothing_is_receipted_or_lost_and_memory_is_bounded(
    tmp_path: Path, postgres: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    lost, double, more_mb = database_away(tmp_path / "clinic", postgres, 6.0)
    with capsys.disabled():
        print(f"\nfault 17: 6 s away, lost {lost}, double {double}, +{more_mb:.1f} MB (target 0, 0, ≤ 50 MB)")  # noqa: T201
    assert (lost, double) == (0, 0)
    assert more_mb <= 50


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_minutes_without_postgresql(tmp_path: Path, postgres: Postgres, capsys: pytest.CaptureFixture[str]) -> None:
    lost, double, more_mb = database_away(tmp_path / "clinic", postgres, 600.0)
    with capsys.disabled():
        print(f"\nfault 17: 10 min away, lost {lost}, double {double}, +{more_mb:.1f} MB (target 0, 0, ≤ 50 MB)")  # noqa: T201
    assert (lost, double) == (0, 0)
    assert more_mb <= 50
