"""The counters of the long campaigns: what they count as forbidden, and that a stopped one goes on where it was."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from benchmarks.campaign_restraints import Count, forbidden, line, play
from coach.guidance.rules import rule_guidance
from coach.model.events import (
    Advice,
    AdviceGiven,
    AnyEvent,
    Direction,
    Level,
    NoticeCleared,
    PhaseStarted,
    QuestionAnswered,
)
from coach.model.protocol import PhaseKind
from coach.model.snapshot import NoticeNow
from coach.session.state import Question, SessionState, begin
from firmware.simulation.session import SimulatedSecond
from tests.support.campaigns import arguments, run
from tests.support.led_session import PLAN, TWO_INTERVALS

URGING = AdviceGiven(945.0, Advice(Direction.FASTER, 0.6, 2.6, 5.0, "reminder"))
ANSWER = (QuestionAnswered(945.0, ok=True, after_s=95.0, by="treadmill"), NoticeCleared(945.0, "no_answer"))


def called() -> SessionState:
    """A session in which the room was called, and no answer came."""
    state = begin(PLAN, TWO_INTERVALS, rule_guidance)
    return replace(
        state,
        question=Question("phase_end", 850.0, called_t=890.0),
        notices=(NoticeNow("no_answer", Level.STOP_NOW, 890.0),),
    )


def counted(before: SessionState, after: SessionState, *events: AnyEvent, true_bpm: float = 100.0) -> list[str]:
    """What is counted for a second with these events."""
    return forbidden(SimulatedSecond(945.0, (), events, (), (), true_bpm, after), before, 180.0)


def test_an_urging_after_the_answer_of_the_same_second_is_allowed_and_one_before_it_is_not() -> None:
    before = called()
    after = replace(before, question=None, notices=())
    silent = "signal not live"
    assert counted(before, after, *ANSWER, URGING) == [silent]
    wrong = ["unanswered call", "stop-now notice", silent]
    assert counted(before, after, URGING, *ANSWER) == wrong
    assert counted(before, after, *ANSWER) == wrong
    assert counted(before, before, URGING) == wrong
    assert counted(before, after, *ANSWER[1:], URGING) == ["unanswered call", silent]
    assert counted(before, after, ANSWER[0], URGING) == ["stop-now notice", silent]


def test_an_interval_is_judged_like_an_urging_and_the_true_rate_counts() -> None:
    before = called()
    after = replace(before, question=None, notices=())
    began = PhaseStarted(945.0, 1, PhaseKind.INTERVAL, 1, 240)
    assert "unanswered call" in counted(before, after, began, *ANSWER)
    assert "unanswered call" not in counted(before, after, *ANSWER, began)
    assert "true rate at 95 % or more" in counted(before, after, true_bpm=171.0)
    assert "true rate at 95 % or more" not in counted(before, after, true_bpm=170.9)


def test_a_campaign_that_was_stopped_goes_on_with_the_seed_after_the_last_one(tmp_path: Path) -> None:
    file = tmp_path / "count.json"
    played: list[int] = []

    def play(seed: int, count: Count) -> None:
        played.append(seed)
        count.sessions += 1
        count.hits.append((seed, 3, "urging: signal not live"))

    def go(sessions: int) -> Count:
        asked = arguments("", 7).parse_args(["--sessions", str(sessions), "--seed", "20", "--count", str(file)])
        return run(asked, Count(), play, line)

    assert go(3).sessions == 3
    after = go(5)
    assert played == [20, 21, 22, 23, 24]
    assert (after.sessions, after.next_seed, len(after.hits)) == (5, 25, 5)
    assert go(5) == after
    assert "where forbidden: 5" in line(after)


@pytest.mark.parametrize("seed", [4, 676])
def test_a_person_at_their_own_hr_max_far_under_the_formulas_is_not_urged_on(seed: int) -> None:
    """Sound straps, and a plan whose formula is 33 and 37 bpm too high: found by the long campaign."""
    count = Count()
    play(seed, count)
    assert count.hits == []
    assert count.intervals == 4
