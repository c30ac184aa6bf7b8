"""What the command `sessions` tells."""

import json

import pytest

from server.collector import parser, store
from server.commands.sessions import StoredSession, json_lines, lines, stored
from server.errors import ServerError
from tests.support.broker.delivery_factory import delivery, sealed, session_id

pytestmark = pytest.mark.usefixtures("database")


def keep(*numbers: int) -> None:
    store.commit(
        [parser.arrival(f"ic/1/trondheim/machine-1/session/{session_id(one)}", sealed(one)) for one in numbers]
    )


def test_the_last_sessions_are_told_oldest_first() -> None:
    keep(1, 2, 3)
    assert [one.session_id for one in stored(2)] == [session_id(2), session_id(3)]


def test_one_session_is_told_with_the_fingerprint_of_its_receipt() -> None:
    keep(1, 2)
    (one,) = stored(20, session_id(1))
    assert one == StoredSession(
        session_id=session_id(1),
        revision=1,
        clinic="trondheim",
        machine="machine-1",
        protocol=delivery(1).protocol.name,
        stored_wall_s=one.stored_wall_s,
        sha256=delivery(1).sha256,
    )
    assert [json.loads(line)["sha256"] for line in json_lines((one,))] == [one.sha256]
    heading, row = lines((one,))
    assert heading.split() == ["Session", "Revision", "Stored", "at", "Machine", "Protocol", "SHA-256"]
    assert row.split()[0] == session_id(1)


def test_an_empty_database_is_told_in_words() -> None:
    assert lines(stored(20)) == ["No session has been stored yet."]


def test_what_is_no_id_is_refused_in_a_sentence() -> None:
    with pytest.raises(ServerError, match="is no session's id"):
        stored(20, "last")
