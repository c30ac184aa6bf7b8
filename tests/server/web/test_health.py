"""What the server says of itself: to a stranger yes or no, to this computer what waits."""

import pytest

from server.audit import seal
from server.models import DeadLetter
from tests.server.web.conftest import People

STRANGER = {"REMOTE_ADDR": "192.0.2.7"}


def test_a_stranger_and_a_proxys_caller_learn_nothing_but_that_the_server_is_ready(people: People) -> None:
    for caller in (STRANGER, {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.7"}):
        answer = people.anybody.get("/health/ready", **caller)
        assert (answer.status_code, answer.json()) == (200, {"database": True})


def test_this_computer_is_told_what_waits(people: People) -> None:
    DeadLetter.objects.create(
        topic="t", payload_sha256="0" * 64, why="parts", first_wall_s=1, last_wall_s=1, payload_bytes=1, payload=b"x"
    )
    told = people.anybody.get("/health/ready").json()
    assert told["pages"]
    waits = {name: told[name] for name in ("dead_letters", "quarantined", "plans_to_publish", "messages_missing")}
    assert waits == {"dead_letters": 1, "quarantined": 0, "plans_to_publish": 0, "messages_missing": 0}


@pytest.mark.parametrize(
    ("faults", "age_days", "told"), [(0, 0, "whole"), (2, 1, "broken"), (0, 4, "not checked"), (2, 4, "broken")]
)
def test_the_access_logs_last_check_is_told_while_it_is_young(
    people: People, faults: int, age_days: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_s = 1_800_000_000.0
    monkeypatch.setattr("server.web.health.time.time", lambda: at_s)
    seal.keep_verdict(seal.Verdict(at_s - 86_400 * age_days, 3, faults))
    assert people.anybody.get("/health/ready").json()["access_log"] == told


def test_a_log_that_nobody_ever_checked_is_not_called_whole(people: People) -> None:
    assert people.anybody.get("/health/ready").json()["access_log"] == "not checked"
