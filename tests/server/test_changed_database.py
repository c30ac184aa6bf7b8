"""A clinic that changes its database: the broker's lists still name the server's own, and the revoked stay revoked."""

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from django.db import DatabaseError, connection, transaction

from firmware.enrolment.enrol import enrol
from server.clinic_folder import time_limits
from server.clinic_folder.settings import ClinicFolder, read_clinic
from server.identity.certificates import adopt_own_certificates
from server.models import Certificate
from tests.support.broker.delivery_factory import sealed, session_id
from tests.support.clinic.local_clinic import (
    Machine,
    Postgres,
    code_for,
    collector,
    command,
    enrolling,
    make,
    mosquitto,
    sql,
    stored,
)

COUNTS = ("SELECT count(*) FROM server_session", "SELECT count(*) FROM audit_entry")


def own_users(clinic: ClinicFolder) -> set[str]:
    lines = clinic.places.broker_access.read_text(encoding="utf-8").splitlines()
    return {line.removeprefix("user ") for line in lines if line.startswith("user ")}


def revoked_serials(clinic: ClinicFolder) -> set[int]:
    return {one.serial_number for one in x509.load_pem_x509_crl(clinic.places.revoked.read_bytes())}


@pytest.mark.parametrize("step", ["init", "migrate"])
def test_another_database_gets_the_servers_certificates_and_the_revoked_stay_revoked(tmp_path: Path, step: str) -> None:
    clinic = make(tmp_path / "clinic")
    folder = str(clinic.places.folder)
    with enrolling(clinic):
        enrol(f"localhost:{clinic.settings.enrolment_port}", code_for(clinic, "machine-9"), tmp_path / "pi")
    command("revoke", "machine-9", "--dir", folder)
    before, revoked = own_users(clinic), revoked_serials(clinic)
    assert {"collector-1", "web-1"} <= before
    assert len(revoked) == 1
    other = "sqlite:///other.sqlite3"
    if step == "init":
        command("init", folder, "--clinic", clinic.settings.clinic, "--host", "localhost", database=other)
    else:
        command("migrate", "--dir", folder, database=other)
    assert {"collector-1", "web-1"} <= own_users(clinic)
    assert revoked_serials(clinic) == revoked


def test_sessions_arrive_after_a_change_from_sqlite_to_postgresql(tmp_path: Path, postgres: Postgres) -> None:
    clinic = make(tmp_path / "clinic")
    address = postgres.database("changed-to")
    command("migrate", "--dir", str(clinic.places.folder), database=address)
    with mosquitto(clinic), collector(clinic, database=address), Machine(clinic, "machine-1") as machine:
        machine.deliver({(session_id(number), 1): sealed(number) for number in range(5)}, 30)
    assert stored(clinic, address) == 5


def test_a_known_certificate_is_not_adopted_twice(database: ClinicFolder) -> None:
    adopt_own_certificates(database)
    count = Certificate.objects.count()
    assert adopt_own_certificates(database) == []
    assert Certificate.objects.count() == count


def test_a_lock_that_another_holds_is_not_waited_for_without_end(
    database: ClinicFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    del database
    if connection.vendor != "postgresql":
        # SQLite's own wait is bounded by `timeout` in the settings.
        assert connection.settings_dict["OPTIONS"]["timeout"] == 20
        return
    monkeypatch.setattr(time_limits, "LOCK_S", 1)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE server_certificate")
            held.set()
            done.wait(30)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(20)
        connection.close()
        began_s = time.monotonic()
        with pytest.raises(DatabaseError, match="lock timeout"):
            Certificate.objects.count()
        assert time.monotonic() - began_s < 10
    finally:
        done.set()
        holder.join()


def test_every_connection_has_limits_and_a_migration_none_but_for_locks(database: ClinicFolder) -> None:
    del database
    if connection.vendor != "postgresql":
        time_limits.lift_time_limits()
        return
    connection.close()
    assert limits() == ("10s", "2min", "2min")
    time_limits.lift_time_limits()
    assert limits() == ("10s", "0", "0")


def limits() -> tuple[str, ...]:
    found = []
    with connection.cursor() as cursor:
        for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
            cursor.execute(f"SHOW {name}")
            found.append(cursor.fetchone()[0])
    return tuple(found)


def test_everything_moves_to_postgresql_equal_by_its_hashes_and_the_old_database_takes_no_row_any_more(
    tmp_path: Path, postgres: Postgres
) -> None:
    clinic = make(tmp_path / "clinic")
    folder, address = str(clinic.places.folder), postgres.database("moved-to")
    command("account", "add", "kari", "--role", "clinic_admin", "--dir", folder)
    with mosquitto(clinic), Machine(clinic, "machine-1") as machine:
        with collector(clinic):
            machine.deliver({(session_id(number), 1): sealed(number, seconds=60) for number in range(3)}, 60)
        before = {count: sql(clinic, count) for count in COUNTS}
        said = command("move-database", "--to", address, "--dir", folder)
        assert "equal by their hashes" in said
        assert "server_session: 3 rows" in said
        with psycopg.connect(address) as moved:
            for count, rows in before.items():
                assert moved.execute(count.encode()).fetchall() == rows
        with (
            closing(sqlite3.connect(clinic.places.folder / "diary.sqlite3")) as old,
            pytest.raises(sqlite3.IntegrityError, match="moved to another"),
        ):
            old.execute("DELETE FROM server_session")
        changed = read_clinic(clinic.places.folder)
        assert changed.settings.database == address
        assert "the chain is whole" in command("audit", "verify", "--dir", folder)
        with collector(changed):
            machine.deliver({(session_id(9), 1): sealed(9, seconds=60)}, 60)
    with psycopg.connect(address) as moved:
        assert moved.execute("SELECT count(*) FROM server_session").fetchall() == [(4,)]
    assert own_users(clinic) >= {"collector-1", "web-1"}
    assert "no SQLite file" in command("move-database", "--to", address, "--dir", folder, check=False)


def test_a_database_that_holds_rows_or_is_away_is_refused_and_the_old_one_goes_on(
    tmp_path: Path, postgres: Postgres
) -> None:
    clinic = make(tmp_path / "clinic")
    folder, address = str(clinic.places.folder), postgres.database("not-empty")
    command("init", folder, "--clinic", clinic.settings.clinic, "--host", "localhost", database=address)
    for to, told in ((address, "not empty"), (f"{address}-gone", "Nothing was moved"), ("mysql://x/y", "postgresql")):
        assert told in command("move-database", "--to", to, "--dir", folder, check=False)
    assert read_clinic(clinic.places.folder).settings.database == clinic.settings.database
    assert sql(clinic, "SELECT count(*) FROM server_certificate")[0][0] > 0
    command("account", "add", "kari", "--role", "clinic_admin", "--dir", folder)
