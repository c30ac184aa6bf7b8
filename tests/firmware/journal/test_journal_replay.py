"""A session taken up from the journal is the session that was left: same state, same events."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from coach.guidance.defaults import default_guidance
from coach.model.events import AnyEvent
from coach.model.messages import AnyMessage
from coach.session.engine import step
from coach.session.state import SessionState, begin
from firmware.journal.journal import Journal
from firmware.journal.writer import JournalSettings
from firmware.participants.protocol_files import load
from tests.support.machine.session_factory import SESSION_ID, messages, plan

ON_DEMAND = JournalSettings(commit_every_s=3600.0, housekeeping_s=3600.0, free_floor_bytes=0)
PROTOCOL = load("4x4")


def fold(state: SessionState, given: tuple[AnyMessage, ...]) -> tuple[SessionState, tuple[AnyEvent, ...]]:
    events: list[AnyEvent] = []
    for message in given:
        done = step(state, message)
        state = done.state
        events += done.events
    return state, tuple(events)


@pytest.mark.parametrize("left_at", [1, 599, 700, 1530, 2400])
def test_replaying_the_journaled_messages_gives_the_same_events_and_state(tmp_path: Path, left_at: int) -> None:
    state = begin(plan(), PROTOCOL, default_guidance)
    with Journal.open(tmp_path / "diary.db", settings=ON_DEMAND) as journal:
        journal.begin(SESSION_ID, plan(), PROTOCOL)
        for message in messages()[:left_at]:
            done = step(state, message)
            state = done.state
            journal.record(SESSION_ID, [message], done.events)
    with Journal.open(tmp_path / "diary.db", settings=ON_DEMAND) as journal:
        left = journal.unfinished().result()
    assert left is not None
    again, events = fold(begin(left.plan, left.protocol, default_guidance), left.messages)
    assert (events, replace(again, guidance=state.guidance)) == (left.events, state)


def test_a_session_that_was_finished_replays_to_the_summary_in_the_diary(tmp_path: Path) -> None:
    state, events = fold(begin(plan(), PROTOCOL, default_guidance), messages())
    with Journal.open(tmp_path / "diary.db", settings=ON_DEMAND) as journal:
        journal.begin(SESSION_ID, plan(), PROTOCOL)
        journal.record(SESSION_ID, messages(), events)
        assert state.summary is not None
        journal.finish(SESSION_ID, state.summary).result()
        stored = journal.session(SESSION_ID).result()
    again, replayed = fold(begin(stored.plan, stored.protocol, default_guidance), stored.messages)
    assert (replayed, again.summary) == (stored.events, stored.summary)
