"""What this machine itself refuses in a plan, whatever the server has let through."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.model.plan import KnownSession, Plan
from firmware.participants.plan_files import PlanFileError, ready
from firmware.participants.plan_ranges import find_plan_fault, find_protocol_fault


def plan(**given: Any) -> Plan:  # noqa: ANN401 - a plan's fields
    return Plan(participant="kari", **{"hr_max_bpm": 180.0, **given})


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"hr_max_bpm": 240.0, "age": 80}, "at the age of 80"),
        ({"rest_hours": -100.0}, "rest_hours"),
        ({"weekly_cap": -1}, "weekly_cap"),
        ({"sessions_last_7_days": -50}, "sessions_last_7_days"),
        ({"hours_since_last": -1.0}, "hours_since_last"),
        ({"age": 10**9}, "age"),
        ({"max_speed_kmh": 1e308}, "max_speed_kmh"),
        ({"valid_until_wall_s": 1e300}, "valid_until_wall_s"),
        ({"nickname": "x" * 240_000}, "240000 characters"),
        ({"nickname": "Kari\u202egnp"}, "U\\+202E"),
        ({"nickname": "Kari\nNordmann"}, "U\\+000A"),
        ({"questions": ("unwell",) * 10_000}, "questions"),
        ({"known_sessions": (KnownSession("s", 1.0),) * 10_000}, "known_sessions"),
        ({"rest_hours": float("nan")}, "rest_hours"),
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused_in_words(given: dict[str, Any], word: str) -> None:
    with pytest.raises(PlanFileError, match=word):
        ready(plan(**given), "the plan for kari")


@pytest.mark.parametrize("name", ["/etc/shadow", "../x", "own.toml", "C:\\x", "a/b"])
def test_a_plan_of_the_servers_names_a_protocol_and_never_a_file(name: str) -> None:
    assert "a file" in find_protocol_fault(plan(protocol=name))


@pytest.mark.parametrize("name", ["4x4", "3x3-mit", "tabata-x5"])
def test_a_protocols_name_is_taken(name: str) -> None:
    assert find_protocol_fault(plan(protocol=name)) == ""


@pytest.mark.parametrize("nickname", ["Kåre", "Ægir Ø.", "李", "👨‍👩‍👧", "می‌روم"])
def test_names_of_every_script_are_taken(nickname: str) -> None:
    assert find_plan_fault(plan(nickname=nickname)) == ""


@given(
    st.integers(16, 95),
    st.floats(90, 200),
    st.floats(0, 168),
    st.one_of(st.none(), st.integers(1, 7)),
    st.integers(0, 14),
)
def test_a_usual_plan_is_taken(age: int, above: float, rest: float, cap: int | None, week: int) -> None:
    hr_max = min(240.0, max(80.0, 211 - 0.64 * age + (above - 145) / 2))
    found = plan(age=age, hr_max_bpm=hr_max, rest_hours=rest, weekly_cap=cap, sessions_last_7_days=week)
    assert find_plan_fault(found) == ""
