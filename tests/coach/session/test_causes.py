"""Which causes hold in a state, and what each of them forbids, one by one."""

from typing import Any

import pytest
from msgspec.structs import replace

from coach.guidance.barrier import Outlook
from coach.model.events import HrMaxFinding, Level, Signal
from coach.model.plan import Plan
from coach.model.snapshot import NoticeNow
from coach.session.restraints import (
    BY_SIGNAL,
    TABLE,
    causes_now,
    no_interval_because,
    no_urging_because,
    ordinary_speech,
)
from coach.session.signal_quality import HeartRateSource
from coach.session.state import Question, SessionState, begin
from coach.session.zone_position import ZonePosition
from tests.support.led_session import TWO_INTERVALS, Says

LIVE = HeartRateSource(signal=Signal.LIVE, reason="ok", bpm=120.0, at_t=100.0, changed_t=100.0)
CEILING = Plan(participant="p", hr_max_bpm=200.0, ceiling_bpm=185.0)


def state_of(plan: Plan = CEILING, source: HeartRateSource = LIVE, **known: Any) -> SessionState:  # noqa: ANN401 - any field
    """A session at second 100 with a live rate that just moved."""
    return replace(begin(plan, TWO_INTERVALS, lambda _: Says()), t=100.0, source=source, **known)


def notice(code: str, level: Level = Level.INFORMATION) -> tuple[NoticeNow, ...]:
    return (NoticeNow(code, level, 0.0),)


def test_a_live_rate_that_moves_below_every_limit_restrains_nothing() -> None:
    assert causes_now(state_of()) == ()
    assert no_urging_because(state_of()) == no_interval_because(state_of()) == ()
    assert ordinary_speech(state_of())


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"signal": Signal.WEAK, "reason": "jump"}, "signal_weak"),
        ({"signal": Signal.WEAK, "reason": "slow"}, "signal_slow"),
        ({"signal": Signal.STALE, "reason": "slow"}, "signal_stale"),
        ({"signal": Signal.STALE, "reason": "silent"}, "signal_stale"),
        ({"signal": Signal.LOST, "reason": "silent"}, "signal_lost"),
        ({"signal": Signal.IMPLAUSIBLE, "reason": "frozen"}, "signal_implausible"),
        ({"reason": "slow"}, None),
        ({"at_t": 97.5}, None),
        ({"at_t": 97.4}, "signal_not_fresh"),
        ({"at_t": None}, "signal_not_fresh"),
        ({"changed_t": 92.0}, None),
        ({"changed_t": 91.9}, "signal_flat"),
        ({"at_t": 97.4, "changed_t": 80.0}, "signal_not_fresh"),
        ({"bpm": None}, None),
        ({"bpm": 185.0}, None),
        ({"bpm": 185.1}, "over_ceiling"),
    ],
)
def test_a_source_gives_its_one_cause(changed: dict[str, Any], cause: str | None) -> None:
    assert causes_now(state_of(source=replace(LIVE, **changed))) == (() if cause is None else (cause,))


@pytest.mark.parametrize(("bpm", "causes"), [(189.9, ()), (190.0, ("rate_high",)), (191.0, ("rate_high",))])
def test_a_rate_at_95_percent_of_hr_max_is_high(bpm: float, causes: tuple[str, ...]) -> None:
    plan = replace(CEILING, ceiling_bpm=199.0)
    assert causes_now(state_of(plan, replace(LIVE, bpm=bpm))) == causes


def test_a_plan_without_hr_max_and_ceiling_has_no_ceiling_and_no_high_rate() -> None:
    plan = Plan(participant="p", mode="exertion")
    assert causes_now(state_of(plan, replace(LIVE, bpm=220.0))) == ("no_ceiling",)


@pytest.mark.parametrize(
    ("known", "causes"),
    [
        ({"place": ZonePosition(position="above")}, ("above_zone",)),
        ({"place": ZonePosition(position="in")}, ()),
        ({"question": Question("phase_end", 90.0)}, ("question",)),
        ({"outlook": Outlook(doubt="model_disagrees")}, ("model_disagrees",)),
        ({"notices": notice("no_answer", Level.STOP_NOW)}, ("no_answer",)),
        ({"notices": notice("guidance_off")}, ("guidance_off",)),
        ({"notices": notice("signal_lost")}, ()),
        ({"notices": notice("of_no_row")}, ()),
        ({"cool_down_only": ("over_ceiling_long",)}, ("over_ceiling_long",)),
        ({"cool_down_only": ("not_all_right",), "notices": notice("not_all_right")}, ("not_all_right",)),
        (
            {"question": Question("odd_fall", 90.0), "outlook": Outlook(doubt="model_disagrees")},
            ("question", "model_disagrees"),
        ),
    ],
)
def test_question_doubt_notices_and_lasting_limits_are_causes(known: dict[str, Any], causes: tuple[str, ...]) -> None:
    assert causes_now(state_of(**known)) == causes


URGES_NOT = {
    *("signal_weak", "signal_stale", "signal_lost", "signal_implausible", "signal_slow", "signal_not_fresh"),
    *("signal_flat", "no_ceiling", "over_ceiling", "rate_high", "above_zone", "question", "no_answer", "not_all_right"),
    *("unwell", "model_disagrees", "over_ceiling_long", "over_ceiling_twice", "no_signal", "not_ready"),
}
HOLDS_INTERVAL = URGES_NOT - {
    *("signal_slow", "signal_not_fresh", "signal_flat", "no_ceiling", "above_zone", "model_disagrees"),
}
SILENCES = {"no_answer", "not_all_right", "unwell"}
THERAPIST_SEES = {
    *("over_ceiling", "no_answer", "not_all_right", "unwell", "over_ceiling_long", "over_ceiling_twice"),
    *("waiting_for_signal", "eased_without_signal", "by_exertion", "speed_doubted", "guidance_off"),
    *("hr_max_seems_lower", "hr_max_seems_higher", "not_ready"),
}


def test_the_table_forbids_exactly_this() -> None:
    """Written down a second time, so that a slip in the table is one of two words that differ."""
    assert {row.cause for row in TABLE if row.urging} == URGES_NOT
    assert {row.cause for row in TABLE if row.interval} == HOLDS_INTERVAL
    assert {row.cause for row in TABLE if row.speech} == SILENCES
    assert {row.cause for row in TABLE if row.therapist} == THERAPIST_SEES
    assert {row.cause for row in TABLE} == URGES_NOT | THERAPIST_SEES
    kinds = {kind: {row.cause for row in TABLE if row.what == kind} for kind in ("signal", "question", "limit")}
    assert kinds["signal"] == BY_SIGNAL == {cause for cause in URGES_NOT if cause.startswith("signal_")}
    assert kinds["question"] == {"question"}
    assert kinds["limit"] == {
        *("no_ceiling", "rate_high", "above_zone", "model_disagrees", "over_ceiling_long", "over_ceiling_twice"),
        "no_signal",
    }


@pytest.mark.parametrize("cause", sorted(URGES_NOT | THERAPIST_SEES))
def test_each_lasting_cause_forbids_what_its_row_says(cause: str) -> None:
    state = state_of(cool_down_only=(cause,))
    assert no_urging_because(state) == ((cause,) if cause in URGES_NOT else ())
    assert no_interval_because(state) == ((cause,) if cause in HOLDS_INTERVAL else ())
    held_without_rate = cause in HOLDS_INTERVAL and cause not in BY_SIGNAL
    assert no_interval_because(state, by_rate=False) == ((cause,) if held_without_rate else ())
    assert ordinary_speech(state) is (cause not in SILENCES)


def test_a_cause_without_a_row_forbids_urging_and_intervals_but_no_speech() -> None:
    state = state_of(cool_down_only=("of_a_later_release",))
    assert no_urging_because(state) == no_interval_because(state) == ("of_a_later_release",)
    assert no_interval_because(state, by_rate=False) == ("of_a_later_release",)
    assert ordinary_speech(state)


def test_the_same_cause_is_named_once() -> None:
    source = replace(LIVE, bpm=186.0)
    state = state_of(source=source, notices=notice("over_ceiling", Level.ATTENTION))
    assert causes_now(state) == ("over_ceiling",)


def test_a_lower_hr_max_by_the_evidence_makes_a_rate_high_sooner() -> None:
    finding = HrMaxFinding("hr_max_seems_lower", 160.0, 150.0, 170.0, "exertion")
    state = state_of(source=replace(LIVE, bpm=152.0), outlook=Outlook(finding))
    assert causes_now(state) == ("rate_high",)
