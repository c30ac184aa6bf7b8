"""An upgrade on live data: a server of sessions alone becomes one with pages, and everything it had is still there."""

from io import StringIO
from pathlib import Path

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from server.accounts.models import Clinic as ClinicRow
from server.clinic_folder.settings import ClinicFolder
from server.collector import parser
from server.collector.bulk_insert import insert_sessions
from server.collector.messages import SessionArrived
from server.collector.store import commit
from server.diary.ingest import enter_waiting
from server.diary.models import DiaryEntry
from server.models import Session
from server.people.models import Participant
from sync.wire.topics import Kind, Topic, build
from tests.server.conftest import using
from tests.support.broker.delivery_factory import delivery, sealed
from tests.support.clinic.local_clinic import command, make, sql

SESSIONS = 30
BEFORE_PAGES = [("server", "0002_payload_as_it_is")]


def stored(number: int) -> None:
    told = delivery(number)
    topic = build(Topic(told.clinic, told.machine, Kind.SESSION, told.session_id))
    verdicts = commit([parser.arrival(topic, sealed(number))])
    assert [verdict.what for verdict in verdicts] == ["stored"]


def stored_before() -> None:
    """Sessions as a collector of then stored them: today's asks tables that were not there."""
    for number in range(SESSIONS):
        told = delivery(number)
        topic = build(Topic(told.clinic, told.machine, Kind.SESSION, told.session_id))
        arrived = parser.arrival(topic, sealed(number))
        assert isinstance(arrived, SessionArrived)
        insert_sessions([arrived], 0.0)


def upgraded(address: str) -> None:
    with using(address):
        executor = MigrationExecutor(connection)
        executor.migrate(BEFORE_PAGES)
        stored_before()
        rows = list(Session.objects.order_by("pk").values_list("session_id", "sha256", "payload"))
        call_command("migrate", verbosity=0)
        assert list(Session.objects.order_by("pk").values_list("session_id", "sha256", "payload")) == rows
        clinic = ClinicRow.objects.create(code="trondheim", name="Trondheim")
        Participant.objects.create(clinic=clinic, pseudonym="p1", name="Kari", nickname="Rev", birth_year=1980)
        assert enter_waiting() == SESSIONS
        assert DiaryEntry.objects.filter(participant__pseudonym="p1").count() == SESSIONS
        # A collector that goes on while the pages are there.
        stored(SESSIONS)
        assert enter_waiting() == 1
        changes = StringIO()
        call_command("makemigrations", check_changes=True, dry_run=True, stdout=changes)
        assert "No changes" in changes.getvalue()


def test_a_server_of_sessions_becomes_one_with_pages_in_sqlite(ready: ClinicFolder, tmp_path: Path) -> None:
    del ready
    upgraded(f"sqlite:///{tmp_path}/live.sqlite3")


def test_a_server_of_sessions_becomes_one_with_pages_in_postgresql(ready: ClinicFolder, postgres: object) -> None:
    del ready
    upgraded(postgres.database("upgraded"))  # type: ignore[attr-defined] # tests.server.conftest


def test_a_backup_holds_what_the_pages_keep_and_the_keys_that_sign_for_them(tmp_path: Path) -> None:
    clinic = make(tmp_path / "clinic")
    folder = str(clinic.places.folder)
    command("account", "add", "kari", "--role", "therapist", "--dir", folder)
    tables = [
        name
        for (name,) in sql(clinic, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        if not name.startswith("sqlite_")
    ]
    command("backup", str(tmp_path / "backup.tar"), "--dir", folder)
    command("restore", str(tmp_path / "backup.tar"), str(tmp_path / "again"))
    again = ClinicFolder(clinic.settings, type(clinic.places)(tmp_path / "again"))
    for table in tables:
        whole = f'SELECT * FROM "{table}"'  # noqa: S608 - a table of our own
        assert sql(again, whole) == sql(clinic, whole), table
    assert "kari" in command("account", "list", "--dir", str(tmp_path / "again"))
    assert again.places.secret_key.read_bytes() == clinic.places.secret_key.read_bytes()
