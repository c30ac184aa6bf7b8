"""The journal keeps what it is given, says «saved» only after the commit, and forgets only what a receipt names."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from coach.model.events import PhaseStarted
from coach.model.messages import AnyMessage, CommandName, HeartRate, Mood, SessionCommand, Time
from coach.model.protocol import PhaseKind
from firmware.journal import queries as store
from firmware.journal.errors import (
    JournalError,
    JournalInUseError,
    JournalVersionError,
    UnknownSessionError,
    UnreadableRecordError,
)
from firmware.journal.file import connect
from firmware.journal.journal import Journal, NoRoom
from firmware.journal.schema import MIGRATIONS, migrate
from firmware.journal.writer import JournalSettings, SaveState
from firmware.system.timestamps import Timestamp
from tests.support.machine.session_factory import SESSION_ID, events, messages, plan, protocol, record, summary

NEVER = JournalSettings(commit_every_s=3600.0, housekeeping_s=3600.0, free_floor_bytes=0)
AT_ONCE = JournalSettings(commit_every_s=0.0, housekeeping_s=0.0, retry_s=0.01, free_floor_bytes=0)
DAY_S = 86400.0


class HandClock:
    """A clock that stands where a test put it."""

    stamp = Timestamp("boot-1", 10.0, 1_000_000.0, synchronised=False)

    def now(self) -> Timestamp:
        """Stamp this moment."""
        return self.stamp


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "diary.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal.open(path, settings=NEVER) as opened:
        yield opened


def alter(path: Path, statement: str) -> None:
    """Change the closed file behind the journal's back."""
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def heart_rate(t: float) -> HeartRate:
    return HeartRate(t, 120.0, (500.0, 501.953125), contact=True)


def after_housekeeping(journal: Journal) -> None:
    """Housekeeping follows an answered question, before the next one."""
    journal.sessions().result()
    journal.sessions().result()


def test_a_finished_session_reads_back_as_it_was_recorded(journal: Journal) -> None:
    journal.begin(SESSION_ID, plan(), protocol(), record().begun)
    journal.record(SESSION_ID, messages(), events())
    receipt = journal.finish(SESSION_ID, summary()).result()
    stored = journal.session(SESSION_ID).result()
    assert replace(stored, stamps=record().stamps) == replace(record(), sha256=receipt.sha256)


def test_heart_rate_waits_for_the_next_commit(journal: Journal, path: Path) -> None:
    journal.begin(SESSION_ID, plan(), protocol()).result()
    kept = journal.record(SESSION_ID, [heart_rate(1.0)])
    assert (kept.done(), journal.state) == (False, SaveState("saving", None, 1))
    assert path.exists()


@pytest.mark.parametrize(
    "urgent",
    [
        ([SessionCommand(2.0, CommandName.PAUSE)], []),
        ([Mood(2.0, 4)], []),
        ([Time(2.0)], [PhaseStarted(2.0, 0, PhaseKind.WARM_UP, 0, 600)]),
    ],
)
def test_a_command_or_a_phase_change_is_committed_at_once_with_all_before_it(
    journal: Journal, urgent: tuple[list[AnyMessage], list[PhaseStarted]]
) -> None:
    journal.begin(SESSION_ID, plan(), protocol()).result()
    before = journal.record(SESSION_ID, [heart_rate(1.0)])
    journal.record(SESSION_ID, *urgent).result(10)
    assert (before.done(), journal.state) == (True, SaveState("saved"))


def test_samples_are_committed_within_the_time_set(path: Path) -> None:
    with Journal.open(path, settings=replace(NEVER, commit_every_s=0.05)) as journal:
        journal.begin(SESSION_ID, plan(), protocol())
        journal.record(SESSION_ID, [heart_rate(1.0)]).result(10)
        assert journal.state == SaveState("saved")


def test_samples_wait_five_seconds_at_most_unless_a_test_says_so() -> None:
    assert JournalSettings().commit_every_s <= 5.0


def test_an_unfinished_session_is_offered_again_with_every_message_in_order(path: Path) -> None:
    with Journal.open(path, settings=NEVER) as journal:
        journal.begin(SESSION_ID, plan(), protocol())
        for message in messages()[:40]:
            journal.record(SESSION_ID, [message])
            journal.sessions().result()
    with Journal.open(path, settings=NEVER) as journal:
        offered = journal.unfinished().result()
        assert offered is not None
        assert (offered.plan, offered.protocol, offered.messages) == (plan(), protocol(), messages()[:40])
        journal.record(SESSION_ID, messages()[40:])
        journal.finish(SESSION_ID, summary()).result()
        assert (journal.unfinished().result(), journal.session(SESSION_ID).result().messages) == (None, messages())


def test_a_session_finished_again_is_a_new_revision_that_must_be_delivered(journal: Journal) -> None:
    journal.begin(SESSION_ID, plan(), protocol())
    journal.record(SESSION_ID, messages(), events())
    first = journal.finish(SESSION_ID, summary(), 1).result()
    assert journal.acknowledge(SESSION_ID, first.revision, first.sha256).result()
    journal.record(SESSION_ID, [Mood(2500.0, 5)])
    second = journal.finish(SESSION_ID, replace(summary(), mood=5)).result()
    (waiting,) = journal.undelivered().result()
    assert (waiting.receipt, second.revision) == (second, 2)
    assert journal.session(SESSION_ID).result().messages == (*messages(), Mood(2500.0, 5))


def test_only_a_receipt_that_names_session_revision_and_hash_counts(journal: Journal) -> None:
    journal.begin(SESSION_ID, plan(), protocol())
    receipt = journal.finish(SESSION_ID, summary()).result()
    wrong = [("0" * 36, 1, receipt.sha256), (SESSION_ID, 2, receipt.sha256), (SESSION_ID, 1, "0" * 64)]
    assert [journal.acknowledge(*names).result() for names in wrong] == [False, False, False]
    assert [delivery.receipt for delivery in journal.undelivered().result()] == [receipt]
    assert journal.acknowledge(SESSION_ID, 1, receipt.sha256).result()
    assert journal.undelivered().result() == ()
    assert journal.session(SESSION_ID).result().delivered


def test_undelivered_sessions_come_oldest_first_up_to_the_limit(journal: Journal) -> None:
    ids = [f"session-{number}" for number in (3, 1, 2)]
    for session_id in ids:
        journal.begin(session_id, plan(), protocol())
        journal.finish(session_id, summary())
    assert [delivery.receipt.session_id for delivery in journal.undelivered(2).result()] == ids[:2]


def test_a_45_minute_session_takes_at_most_150_kb_on_the_disk(path: Path) -> None:
    with Journal.open(path, settings=NEVER) as journal:
        journal.begin(SESSION_ID, plan(), protocol())
        for second in range(2700):
            journal.record(SESSION_ID, [HeartRate(second + 0.123457, 100.0 + second % 60, (458.0078125, 451.171875))])
            if second % 2:
                journal.sessions()
        journal.record(SESSION_ID, [], events())
        journal.finish(SESSION_ID, summary())
    assert sum(file.stat().st_size for file in path.parent.iterdir()) <= 150_000


def test_a_record_that_could_not_be_read_back_is_refused_when_it_comes(journal: Journal) -> None:
    journal.begin(SESSION_ID, plan(), protocol())
    with pytest.raises(UnreadableRecordError):
        journal.record(SESSION_ID, [HeartRate(float("nan"), 120.0)])


def test_a_record_of_an_unknown_session_fails_alone(journal: Journal) -> None:
    journal.begin(SESSION_ID, plan(), protocol())
    stray = journal.record("nobody", [Mood(1.0, 3)])
    journal.record(SESSION_ID, [Mood(1.0, 3)]).result()
    with pytest.raises(UnknownSessionError):
        stray.result()
    assert journal.session(SESSION_ID).result().messages == (Mood(1.0, 3),)


def test_a_second_process_is_told_that_the_diary_is_open(journal: Journal, path: Path) -> None:
    with pytest.raises(JournalInUseError, match="Another process has the diary"):
        Journal.open(path)
    assert journal.sessions().result() == ()


def test_a_closed_journal_takes_nothing_more(path: Path) -> None:
    journal = Journal.open(path, settings=NEVER)
    journal.begin(SESSION_ID, plan(), protocol())
    assert journal.close()
    with pytest.raises(JournalError):
        journal.record(SESSION_ID, [Time(1.0)])


def test_a_journal_of_a_newer_program_is_refused_and_left_as_it_is(path: Path) -> None:
    connection = connect(path)
    migrate(connection, (*MIGRATIONS, ("CREATE TABLE later (x INTEGER) STRICT",)))
    connection.close()
    before = path.read_bytes()
    with pytest.raises(JournalVersionError, match="newer version"):
        Journal.open(path)
    assert path.read_bytes() == before


def test_another_programs_database_is_refused_and_left_as_it_is(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE accounts (name TEXT)")
    other.close()
    with pytest.raises(JournalVersionError, match="another program"):
        Journal.open(path)
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT count(*) FROM accounts").fetchone() == (0,)


def test_an_older_journal_is_brought_forward_with_its_sessions(path: Path) -> None:
    with Journal.open(path, settings=NEVER) as journal:
        journal.begin(SESSION_ID, plan(), protocol())
    connection = connect(path)
    migrate(connection, (*MIGRATIONS, ("ALTER TABLE session ADD COLUMN place TEXT",)))
    row = connection.execute("SELECT session_id, place FROM session").fetchone()
    assert (tuple(row), connection.execute("PRAGMA user_version").fetchone()[0]) == ((SESSION_ID, None), 2)
    connection.close()


def test_a_migration_that_fails_changes_nothing(path: Path) -> None:
    connection = connect(path)
    migrate(connection)
    with pytest.raises(sqlite3.Error):
        migrate(connection, (*MIGRATIONS, ("CREATE TABLE half (x INTEGER) STRICT", "NOT SQL")))
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert (names, connection.execute("PRAGMA user_version").fetchone()[0]) == ({"version", "session", "batch"}, 1)
    connection.close()


def test_commits_are_synced_and_no_second_connection_is_let_in(journal: Journal) -> None:
    def settings(connection: sqlite3.Connection) -> tuple[object, ...]:
        names = ("journal_mode", "synchronous", "foreign_keys", "locking_mode")
        return tuple(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)

    assert journal._writer.ask(settings).result() == ("wal", 2, 1, "exclusive")


def test_wall_times_are_repaired_once_the_clock_is_synchronised_and_the_session_is_delivered_anew(path: Path) -> None:
    clock = HandClock()
    with Journal.open(path, clock=clock, settings=AT_ONCE) as journal:
        journal.begin(SESSION_ID, plan(), protocol())
        clock.stamp = replace(clock.stamp, monotonic_s=20.0)
        journal.record(SESSION_ID, [Mood(10.0, 3)])
        first = journal.finish(SESSION_ID, summary()).result()
        journal.acknowledge(SESSION_ID, first.revision, first.sha256).result()
        clock.stamp = Timestamp("boot-1", 50.0, 2_000_050.0, synchronised=True)
        after_housekeeping(journal)
        stored = journal.session(SESSION_ID).result()
        assert stored.begun == Timestamp("boot-1", 10.0, 2_000_010.0, synchronised=False, repaired=True)
        assert [at.stamp.wall_s for at in stored.stamps] == [2_000_020.0]
        assert [delivery.receipt.revision for delivery in journal.undelivered().result()] == [2]


def test_wall_times_of_another_boot_are_left_as_they_are(path: Path) -> None:
    clock = HandClock()
    with Journal.open(path, clock=clock, settings=AT_ONCE) as journal:
        journal.begin(SESSION_ID, plan(), protocol()).result()
        clock.stamp = Timestamp("boot-2", 5.0, 3_000_000.0, synchronised=True)
        after_housekeeping(journal)
        assert journal.session(SESSION_ID).result().begun == Timestamp("boot-1", 10.0, 1_000_000.0, synchronised=False)


@pytest.mark.parametrize(
    ("age_days", "synchronised", "acknowledged", "pruned"),
    [(31, True, True, True), (29, True, True, False), (31, False, True, False), (31, True, False, False)],
)
def test_raw_data_leaves_thirty_days_after_its_receipt_by_a_clock_that_can_be_believed(
    path: Path, *, age_days: int, synchronised: bool, acknowledged: bool, pruned: bool
) -> None:
    clock = HandClock()
    clock.stamp = replace(clock.stamp, synchronised=True)
    with Journal.open(path, clock=clock, settings=AT_ONCE) as journal:
        journal.begin(SESSION_ID, plan(), protocol())
        journal.record(SESSION_ID, messages())
        receipt = journal.finish(SESSION_ID, summary()).result()
        if acknowledged:
            journal.acknowledge(SESSION_ID, receipt.revision, receipt.sha256).result()
        later = clock.stamp.wall_s + age_days * DAY_S
        clock.stamp = replace(clock.stamp, wall_s=later, synchronised=synchronised)
        after_housekeeping(journal)
        (line,) = journal.sessions().result()
        stored = journal.session(SESSION_ID).result()
    assert (line.pruned, stored.messages == (), stored.summary) == (pruned, pruned, summary())


def test_a_short_disk_takes_delivered_raw_data_and_nothing_undelivered(path: Path) -> None:
    with Journal.open(path, settings=replace(AT_ONCE, free_floor_bytes=1 << 60)) as journal:
        for session_id in ("delivered", "undelivered"):
            journal.begin(session_id, plan(), protocol())
            journal.record(session_id, messages())
            receipt = journal.finish(session_id, summary()).result()
            if session_id == "delivered":
                journal.acknowledge(session_id, receipt.revision, receipt.sha256).result()
        after_housekeeping(journal)
        assert [line.pruned for line in journal.sessions().result()] == [True, False]
        assert journal.session("undelivered").result().messages == messages()


@pytest.mark.parametrize(
    ("since_s", "until_s", "synchronised", "again"),
    [(-60, 60, True, True), (-60, -30, True, False), (30, 60, True, False), (30, 60, False, True)],
)
def test_receipts_of_a_span_are_taken_back_and_those_whose_time_is_not_known(
    path: Path, *, since_s: float, until_s: float, synchronised: bool, again: bool
) -> None:
    clock = HandClock()
    clock.stamp = replace(clock.stamp, synchronised=synchronised)
    with Journal.open(path, clock=clock, settings=AT_ONCE) as journal:
        journal.begin(SESSION_ID, plan(), protocol())
        receipt = journal.finish(SESSION_ID, summary()).result()
        assert journal.acknowledge(SESSION_ID, receipt.revision, receipt.sha256).result()
        at_s = clock.stamp.wall_s
        assert journal.forget_receipts(at_s + since_s, at_s + until_s).result() is True
        assert [one.receipt for one in journal.undelivered().result()] == ([receipt] if again else [])
        assert journal.acknowledge(SESSION_ID, receipt.revision, receipt.sha256).result()
        assert journal.undelivered().result() == ()


def test_a_receipt_taken_back_of_a_session_without_its_raw_data_is_told(path: Path) -> None:
    clock = HandClock()
    clock.stamp = replace(clock.stamp, synchronised=True)
    with Journal.open(path, clock=clock, settings=replace(AT_ONCE, free_floor_bytes=1 << 60)) as journal:
        journal.begin(SESSION_ID, plan(), protocol())
        receipt = journal.finish(SESSION_ID, summary()).result()
        journal.acknowledge(SESSION_ID, receipt.revision, receipt.sha256).result()
        after_housekeeping(journal)
        at_s = clock.stamp.wall_s
        assert journal.forget_receipts(at_s - 60, at_s + 60).result() is False
        assert journal.forget_receipts(at_s + 30, at_s + 60).result() is True
        assert [line.delivered for line in journal.sessions().result()] == [True]


def test_no_new_session_starts_below_the_floor_and_the_reason_is_said(path: Path) -> None:
    with Journal.open(path, settings=replace(NEVER, free_floor_bytes=1 << 60)) as journal:
        refusal = journal.no_room()
    assert isinstance(refusal, NoRoom)
    assert str(refusal).startswith("No new session can start: ")


def test_there_is_room_above_the_floor(journal: Journal) -> None:
    assert journal.no_room() is None


def test_a_receipt_for_a_version_that_was_repaired_meanwhile_forgets_nothing(journal: Journal) -> None:
    journal.begin(SESSION_ID, plan(), protocol())
    old = journal.finish(SESSION_ID, summary()).result()
    journal.record(SESSION_ID, [Mood(1.0, 2)])
    journal.finish(SESSION_ID, summary()).result()
    assert journal.acknowledge(SESSION_ID, old.revision, old.sha256).result() is False


def test_a_batch_that_fails_its_checksum_is_left_out_and_the_rest_is_offered(path: Path) -> None:
    with Journal.open(path, settings=NEVER) as journal:
        journal.begin(SESSION_ID, plan(), protocol())
        for t in (1.0, 2.0, 3.0):
            journal.record(SESSION_ID, [Mood(t, 3)]).result()
    alter(path, "UPDATE batch SET records = CAST(replace(records, '2.0', '9.0') AS BLOB) WHERE sequence = 1")
    with Journal.open(path, settings=NEVER) as journal:
        offered = journal.unfinished().result()
    assert offered is not None
    assert offered.messages == (Mood(1.0, 3), Mood(3.0, 3))


def test_a_plan_that_fails_its_checksum_is_never_offered(path: Path) -> None:
    with Journal.open(path, settings=NEVER) as journal:
        journal.begin(SESSION_ID, plan(), protocol()).result()
    alter(path, "UPDATE session SET head = CAST(replace(head, '180.0', '190.0') AS BLOB)")
    with Journal.open(path, settings=NEVER) as journal:
        assert journal.unfinished().result() is None


def test_every_promise_of_the_store_holds_for_an_unknown_session(path: Path) -> None:
    connection = connect(path)
    migrate(connection)
    questions: list[Callable[[], object]] = [
        lambda: store.read_session(connection, "nobody"),
        lambda: store.read_document(connection, "nobody"),
        lambda: store.next_sequence(connection, "nobody"),
        lambda: store.raw_session(connection, "nobody"),
    ]
    for question in questions:
        with pytest.raises(UnknownSessionError, match="has no session nobody"):
            question()
    connection.close()


class Odd(sqlite3.Connection):
    """A connection that fails in a way that nobody foresaw, as often as asked."""

    failures = 0

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Cursor:  # type: ignore[override]
        """Fail at a commit, or do it."""
        if sql == "COMMIT" and Odd.failures:
            Odd.failures -= 1
            raise RuntimeError("nobody foresaw this")
        return super().execute(sql, parameters)


def test_a_failure_that_nobody_foresaw_is_shown_and_tried_again_until_all_is_saved(path: Path) -> None:
    told: list[SaveState] = []

    def tell(state: SaveState) -> None:
        told.append(state)
        raise RuntimeError("a listener may fail, too")

    with Journal.open(path, settings=AT_ONCE, factory=Odd, on_state=tell) as journal:
        Odd.failures = 3
        journal.begin(SESSION_ID, plan(), protocol())
        journal.record(SESSION_ID, messages(), events())
        journal.finish(SESSION_ID, summary()).result(10)
        kept = journal.session(SESSION_ID).result(10)
    assert [(state.status, state.reason) for state in told] == [("not_saved", "failed"), ("saved", None)]
    assert (kept.messages, kept.summary) == (messages(), summary())


def test_each_phase_brings_the_log_into_the_file_and_the_log_keeps_its_size(tmp_path: Path) -> None:
    """Damage in the log then costs one phase at most, and a log that does not grow needs one flush a commit."""
    log = tmp_path / "diary.db-wal"
    settings = JournalSettings(commit_every_s=0.0, free_floor_bytes=0)
    journal = Journal.open(tmp_path / "diary.db", settings=settings)
    try:
        journal.begin(SESSION_ID, plan(), protocol()).result()
        sizes = []
        for index in range(4):
            begins = PhaseStarted(60.0 * index, index, PhaseKind.INTERVAL, 1, 60)
            journal.record(SESSION_ID, (), (begins,)).result()
            for t in range(20):
                journal.record(SESSION_ID, (Time(60.0 * index + t),)).result()
            sizes.append(log.stat().st_size)
        assert sizes[-1] == sizes[-2] < 1.5 * sizes[0]
        journal.record(SESSION_ID, (), (PhaseStarted(240.0, 4, PhaseKind.INTERVAL, 1, 60),)).result()
        journal.sessions().result()
        kept = tmp_path / "kept.db"
        kept.write_bytes((tmp_path / "diary.db").read_bytes())
        with closing(sqlite3.connect(kept)) as file_alone:
            (batches,) = file_alone.execute("SELECT count(*) FROM batch").fetchone()
        assert batches >= 4 * 21
    finally:
        journal.close()
