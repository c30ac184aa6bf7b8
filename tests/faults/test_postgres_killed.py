"""PostgreSQL killed in the middle of a write: what was said to be stored is there, and the rest is whole or absent."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import pytest

from server.clinic_folder.settings import ClinicFolder
from tests.support.broker.delivery_factory import sealed, session_id
from tests.support.clinic.local_clinic import (
    Child,
    Machine,
    Postgres,
    collector,
    command,
    environment,
    make,
    mosquitto,
    sql,
    until,
)

DJANGO = """
import sys, time
from pathlib import Path
from django.db import DatabaseError, InterfaceError, connection
from server.clinic_folder.database import prepare
from server.clinic_folder.settings import read_clinic
prepare(read_clinic(Path(sys.argv[1])))
from server.accounts.models import Clinic
from server.audit.record import record
from server.documents.deletion import delete
from server.people.models import Note, Participant

def tried(act, name):
    # Said only once it is done; what fell is left to be looked at.
    try:
        print(name, act(), flush=True)
    except (DatabaseError, InterfaceError):
        connection.close()
        time.sleep(0.05)
"""
APPENDING = (
    DJANGO
    + """
while True:
    tried(lambda: record("command", "log_read").number, "line")
"""
)
ADDING = (
    DJANGO
    + """
clinic = Clinic.objects.get()
for number in range(int(sys.argv[2])):
    one = Participant.objects.create(
        clinic=clinic, pseudonym=f"p-gone{number}", name="Kari", nickname="Rev", birth_year=1980
    )
    for _ in range(20):
        Note.objects.create(participant=one, text="x" * 200)
"""
)
DELETING = (
    DJANGO
    + """
while True:
    try:
        names = list(Participant.objects.values_list("pseudonym", flat=True))
    except (DatabaseError, InterfaceError):
        connection.close()
        time.sleep(0.05)
        continue
    if not names:
        break
    for name in names:
        tried(lambda: bool(delete(Participant.objects.get(pseudonym=name), "command")), name)
"""
)


@pytest.fixture(scope="module")
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL server for these tests alone, which is killed."""
    server = Postgres(tmp_path_factory.mktemp("killed"))
    server.start_as_child()
    yield server
    server.kill()


def deaths(server: Postgres, database: str, times: int, chance: Random) -> None:
    """Kill backends and, each third time, the postmaster, at moments that differ."""
    for number in range(times):
        time.sleep(chance.uniform(0.2, 0.7))
        if number % 3 == 2:
            server.kill()
            server.start_as_child()
        else:
            # None is left where the work was done before.
            with suppress(AssertionError):
                until(lambda: server.kill_backend(database), 20, every_s=0.05)
    # The postmaster may still answer for a moment before it sees that a backend has died.
    time.sleep(1.0)
    server.start_as_child()


@contextmanager
def dying(server: Postgres, database: str, times: int) -> Iterator[None]:
    """Let the database die again and again while the block runs; wait for the last death at its end."""
    thread = threading.Thread(target=deaths, args=(server, database, times, Random(times)))
    thread.start()
    yield
    thread.join()


def clinic_on(server: Postgres, name: str, folder: Path) -> tuple[ClinicFolder, str]:
    database = server.database(name)
    return make(folder, database=database), database


def said_lines(child: Child, word: str) -> list[str]:
    return [
        line.split()[1] for line in child.said.splitlines() if line.startswith(f"{word} ") and len(line.split()) == 2
    ]


def test_no_session_that_was_receipted_is_lost_and_the_collector_goes_on_by_itself(
    own_postgres: Postgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clinic, database = clinic_on(own_postgres, "commits", tmp_path / "clinic")
    sessions = {(session_id(number), 1): sealed(number, seconds=20) for number in range(300)}
    with mosquitto(clinic), collector(clinic, database=database) as child, Machine(clinic, "machine-1") as machine:
        with dying(own_postgres, "commits", 6):
            for number, ((identity, _), payload) in enumerate(sessions.items()):
                machine.publish(machine.topic(f"session/{identity}"), payload)
                if number % 4 == 0:
                    time.sleep(0.05)
        receipted = {identity for identity, _ in machine.receipts}
        rows = {str(row[0]) for row in sql(clinic, "SELECT session_id FROM server_session", database)}
        machine.deliver(sessions, 120)
        assert child.process.poll() is None
        ids = [str(row[0]) for row in sql(clinic, "SELECT session_id FROM server_session", database)]
    lost = len(receipted - rows)
    with capsys.disabled():
        print(  # noqa: T201
            f"\n6 deaths of PostgreSQL: {len(receipted)} sessions receipted during them, lost {lost}, "
            f"in the end {len(ids)} of 300, double {len(ids) - len(set(ids))} (target 0, 300, 0)"
        )
    assert (lost, len(ids), len(set(ids))) == (0, 300, 300)


def test_each_line_of_the_access_log_that_was_said_to_be_written_is_there_and_the_chain_is_whole(
    own_postgres: Postgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clinic, database = clinic_on(own_postgres, "appends", tmp_path / "clinic")
    folder = str(clinic.places.folder)
    words = [sys.executable, "-c", APPENDING, folder]
    with (
        Child(words, tmp_path / "one.log", environment(database)) as one,
        Child(words, tmp_path / "two.log", environment(database)) as two,
        dying(own_postgres, "appends", 6),
    ):
        until(lambda: said_lines(one, "line") and said_lines(two, "line"))
    said = {*said_lines(one, "line"), *said_lines(two, "line")}
    there = {str(row[0]) for row in sql(clinic, "SELECT number FROM audit_entry", database)}
    verified = command("audit", "verify", "--dir", folder, database=database)
    with capsys.disabled():
        print(f"\n6 deaths of PostgreSQL: {len(said)} lines said to be written, lost {len(said - there)} (target 0)")  # noqa: T201
    assert (len(said) > 10, said - there) == (True, set())
    assert "the chain is whole" in verified


def test_a_deletion_that_was_interrupted_took_all_or_nothing_and_goes_on(
    own_postgres: Postgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clinic, database = clinic_on(own_postgres, "deletions", tmp_path / "clinic")
    folder, log = str(clinic.places.folder), tmp_path / "deleting.log"
    with Child([sys.executable, "-c", ADDING, folder, "60"], tmp_path / "adding.log", environment(database)) as adding:
        assert adding.process.wait(60) == 0, adding.said
    halves = 0
    with Child([sys.executable, "-c", DELETING, folder], log, environment(database)) as child:
        with dying(own_postgres, "deletions", 4):
            pass
        people = {row[0] for row in sql(clinic, "SELECT pseudonym FROM people_participant", database)}
        buried = {row[0] for row in sql(clinic, "SELECT pseudonym FROM server_deletedpseudonym", database)}
        # Between the two questions the deletion goes on: none may be in neither, and those in both are of that time.
        halves = 60 - len(people | buried)
        assert child.process.wait(120) == 0, child.said
    said = {line.split()[0] for line in child.said.splitlines() if line.startswith("p-gone")}
    left = sql(clinic, "SELECT count(*) FROM people_participant", database)[0][0]
    notes = sql(clinic, "SELECT count(*) FROM people_note", database)[0][0]
    buried = {row[0] for row in sql(clinic, "SELECT pseudonym FROM server_deletedpseudonym", database)}
    logged = {
        row[0]
        for row in sql(
            clinic, "SELECT participant FROM audit_entry WHERE action = 'papers.participant_deleted'", database
        )
    }
    with capsys.disabled():
        print(  # noqa: T201
            f"\n4 deaths of PostgreSQL: {len(said)} deletions said to be done, not done {len(said - buried)}, halves "
            f"{halves + left + notes} (target 0, 0)"
        )
    assert (said - buried, halves, left, notes, len(buried)) == (set(), 0, 0, 0, 60)
    assert logged == buried
    assert "the chain is whole" in command("audit", "verify", "--dir", folder, database=database)
