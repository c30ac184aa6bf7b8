"""The table of what restrains what: complete, written down, and kept by every session."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from coach.errors import MessageRefused
from coach.model.cue import URGING_CUES, CueName
from coach.model.events import Advice, Direction, Level, PhaseStarted, Signal
from coach.model.messages import AnyMessage, Time
from coach.model.plan import Plan
from coach.model.protocol import PhaseKind
from coach.session.engine import step
from coach.session.limits import no_urging_because
from coach.session.restraints import BY_CAUSE, NEAR_MAX_FRACTION, TABLE, no_interval_because
from coach.session.state import SessionState, begin
from scripts import restraints
from tests.coach.session.test_engine_properties import PLANS, SHORT, Restless, message_lists
from tests.project.test_coach_documents import strings_given_to
from tests.support.led_session import LedSession, Says

ROOT = Path(__file__).resolve().parents[2]
many = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_the_table_in_the_hazard_file_is_the_codes_own() -> None:
    """If it is not: python -m scripts.restraints --update."""
    text = (ROOT / "docs/hazards.md").read_text(encoding="utf-8")
    assert restraints.updated(text) == text


def test_every_notice_that_the_engine_raises_and_every_cause_has_its_one_row() -> None:
    shown_by_the_signals_own_row = {"signal_stale", "signal_lost", "signal_implausible"}
    raised = strings_given_to("raise_notice") - shown_by_the_signals_own_row
    assert raised <= set(BY_CAUSE)
    assert {f"signal_{signal}" for signal in Signal if signal is not Signal.LIVE} <= set(BY_CAUSE)
    assert strings_given_to("cool_down") - {"no_answer"} <= set(BY_CAUSE)
    assert len(BY_CAUSE) == len(TABLE)


def test_what_holds_an_interval_back_never_lets_anything_urge() -> None:
    assert [row.cause for row in TABLE if row.interval and not row.urging] == []


@many
@given(PLANS, message_lists(), st.sampled_from(["every_interval", "hardest_interval", "odd_fall"]))
def test_nothing_urges_and_no_interval_begins_while_the_table_forbids_it(
    plan: Plan, messages: list[AnyMessage], ask_after: str
) -> None:
    """Under a guidance that always urges, second by second, with the state of just before as the witness."""
    plan = replace(plan, ask_after=ask_after)
    state = begin(plan, SHORT, lambda _: Restless())
    for message in messages:
        while state.stage == "running" and state.anchor_t + state.second + 1 <= message.t:
            state = checked(state, Time(state.anchor_t + state.second + 1))
        state = checked(state, message)


def checked(state: SessionState, message: AnyMessage) -> SessionState:
    """Step once; whatever urged or began was allowed just then."""
    try:
        stepped = step(state, message)
    except MessageRefused:
        stepped = step(state, Time(message.t))
    urged = any(cue.name in URGING_CUES for cue in stepped.cues)
    began = any(isinstance(event, PhaseStarted) and event.kind is PhaseKind.INTERVAL for event in stepped.events)
    after = stepped.state
    if urged:
        assert no_urging_because(after) == ()
        assert after.question is None
        assert not [notice for notice in after.notices if notice.level is Level.STOP_NOW]
        assert after.source.signal is Signal.LIVE
        hr_max_bpm = after.plan.hr_max_bpm
        assert hr_max_bpm is None or (after.source.bpm or 0) < NEAR_MAX_FRACTION * hr_max_bpm
    if began and state.stage == "running":
        assert no_interval_because(after, by_rate=after.phase.zone is not None and not after.by_exertion) == ()
    return after


def urged_at(bpm: float) -> list[float]:
    """When a guidance that always urges got through at a steady rate in the interval."""
    session = LedSession(guidance=lambda _: Says(Advice(Direction.FASTER, 1.0, 9.0, 5.0, "below_zone")))
    session.live_until(60).live_until(290, bpm)
    return [cue.t for cue in session.cues if cue.name in URGING_CUES and cue.t > 150]


def test_from_95_per_cent_of_hr_max_on_nothing_urges() -> None:
    assert urged_at(180)
    assert urged_at(190) == []


def test_no_interval_begins_at_95_per_cent_of_hr_max_and_after_three_minutes_only_cooling_down_is_left() -> None:
    session = LedSession().live_until(60).live_until(300, 180).live_until(480, 192)
    session.live_until(659, 192)
    assert session.seen.phase == "recovery"
    assert not session.cued(CueName.COUNTDOWN)[6:]
    session.live_until(662, 192)
    assert session.seen.phase == "cool_down"
    assert session.state.cool_down_only == ("rate_high",)


def test_a_doubt_at_the_end_of_an_interval_before_another_one_eases_and_never_lengthens_it() -> None:
    phases = (*LedSession().state.program[:2], replace(LedSession().state.program[1], interval=2))
    protocol = replace(LedSession().state.protocol, phases=phases)
    session = LedSession(protocol=protocol).live_until(60).live_until(299, 192).live_until(301, 192)
    assert session.seen.phase == "recovery"
