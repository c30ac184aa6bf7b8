"""The learned guidance under any messages: as pure as the engine that it lives in."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coach.guidance.interface import asks_for_more_effort
from coach.guidance.learned import learned_guidance
from coach.model.events import AdviceGiven, AnyEvent
from coach.model.messages import AnyMessage
from coach.model.plan import Plan
from coach.session.limits import increase_allowed
from coach.session.state import SessionState, begin
from tests.coach.session.test_engine_properties import PLANS, SHORT, message_lists, run, ticked

some = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@some
@given(PLANS, message_lists(), st.integers(1, 5))
def test_extra_ticks_change_no_belief_and_no_advice(plan: Plan, messages: list[AnyMessage], per_second: int) -> None:
    assert run(begin(plan, SHORT, learned_guidance), ticked(messages, per_second)) == run(
        begin(plan, SHORT, learned_guidance), messages
    )


@some
@given(PLANS, message_lists())
def test_no_urging_passes_without_a_trusted_rate(plan: Plan, messages: list[AnyMessage]) -> None:
    state: SessionState = begin(plan, SHORT, learned_guidance)
    for message in messages:
        before = state
        state, events, _ = run(before, [message])
        _check(events, before, state)


def _check(events: list[AnyEvent], before: SessionState, after: SessionState) -> None:
    given_now = [event for event in events if isinstance(event, AdviceGiven) and event.t == after.t]
    for event in given_now:
        if asks_for_more_effort(event.advice, before.speed_kmh, before.incline_percent):
            assert increase_allowed(after) or increase_allowed(before)
