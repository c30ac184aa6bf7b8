"""A clinic that changes its database: the broker's lists still name the server's own, and the revoked stay revoked."""

import threading
import time
from pathlib import Path

import pytest
from cryptography import x509
from django.db import DatabaseError, connection, transaction

from firmware.enrolment.enrol import enrol
from server.clinic_folder import time_limits
from server.clinic_folder.settings import ClinicFolder
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
    stored,
)


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
