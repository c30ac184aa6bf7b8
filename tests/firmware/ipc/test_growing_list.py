"""The diary's list over the local socket stays possible, and costs the coach no memory, as the years go by."""

import gc
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import pytest

from firmware.commands.remote_diary import SESSIONS_A_PAGE
from firmware.ipc.messages import AskSessions
from firmware.journal.errors import UnknownSessionError
from firmware.journal.journal import Journal
from firmware.services.coach_service import CoachService
from tests.support.machine.machine import Machine
from tests.support.machine.many_sessions import fill


def test_pages_join_to_the_whole_list(tmp_path: Path) -> None:
    fill(tmp_path / "diary.db", 7)
    journal = Journal.open(tmp_path / "diary.db")
    try:
        whole, pages, after = journal.sessions().result(), [], ""
        while page := journal.sessions(after, 3).result():
            assert len(page) <= 3
            pages += page
            after = page[-1].session_id
        assert (len(whole), tuple(pages)) == (7, whole)
        with pytest.raises(UnknownSessionError):
            journal.sessions("no such session", 3).result()
    finally:
        journal.close()


def test_a_list_of_more_than_one_page_comes_whole_from_a_running_coach() -> None:
    """As one answer the list once outgrew what the socket owes a client, at 3,062 sessions (long: `bench_years`)."""
    with Machine() as machine:
        fill(machine.diary, SESSIONS_A_PAGE + 30)
        machine.start("coach")
        machine.watch().close()
        diary = machine.remote_diary()
        lines = diary.sessions()
        assert len({line.session_id for line in lines}) == len(lines) == SESSIONS_A_PAGE + 30
        assert diary.session(lines[-1].session_id).summary is not None
        diary.close()


def test_an_answer_leaves_nothing_behind_while_no_full_collection_runs() -> None:
    """A future that its own callback held kept 3.8 MB an answer through a session, until the coach was killed."""
    service = CoachService.__new__(CoachService)
    soon: list[Callable[[], None]] = []
    service._soon = soon.append  # type: ignore[method-assign] # the loop's turn comes by hand
    client = SimpleNamespace(answer=lambda _message: None)

    class Answer(list[int]):
        """Something that can be watched."""

    gc.collect()
    gc.disable()
    try:
        future: Future[Answer] = Future()
        service._when(future, client, AskSessions(), client.answer)  # type: ignore[arg-type]
        answer = Answer([1])
        watched = weakref.ref(answer)
        future.set_result(answer)
        while soon:
            soon.pop()()
        del future, answer
        assert watched() is None
    finally:
        gc.enable()
