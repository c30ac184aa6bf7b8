"""The learned guidance in whole sessions: somebody with a plain first-order heart, and what the coach does."""

from collections.abc import Callable
from math import exp

import pytest
from msgspec.structs import replace

from coach.errors import PlanError
from coach.guidance.advice_policy import Setting
from coach.guidance.forecast import cloud
from coach.guidance.interface import GuidanceInput, asks_for_more_effort
from coach.guidance.learned import learned_guidance
from coach.guidance.treadmill_load import demand
from coach.model.events import AdviceGiven, AnyEvent, Direction, NoticeRaised, QuestionAsked, Signal
from coach.model.messages import (
    AllRightAnswer,
    AnyMessage,
    CommandName,
    Exertion,
    HeartRate,
    SessionCommand,
    Time,
    TreadmillSpeed,
)
from coach.model.plan import Load, Plan
from coach.model.protocol import PhaseKind
from coach.model.protocol_file import read
from coach.model.snapshot import Snapshot
from coach.session.engine import step
from coach.session.snapshots import snapshot
from coach.session.state import SessionState, begin
from tests.support.led_session import PROTOCOLS

FOUR_BY_FOUR = read((PROTOCOLS / "4x4.toml").read_text(encoding="utf-8"), "4x4.toml")
PLAN = Plan(participant="p1", hr_max_bpm=185.0, hr_max_source="measured", age=40, start=Load(5.5, 5.0))
PER_DEMAND_BPM = 4.8


class Heart:
    """Rate 70 at rest and 4.8 bpm for each ml/kg/min of demand, never above `highest`; time constant 45 s."""

    def __init__(self, highest: float = 185.0, *, tells_speed: bool = True, says_borg: bool = False) -> None:
        """Stand beside the treadmill."""
        self.highest, self.tells_speed, self.says_borg = highest, tells_speed, says_borg
        self.bpm = 72.0
        self.setting = (0.0, 0.0)
        self.worked: list[float] = []
        self.in_zone: list[bool] = []
        self.read: Callable[[int, float], float] = lambda _, bpm: bpm

    def second(self, t: int, state: SessionState) -> list[AnyMessage]:
        """Live one second, do as advised at once, and say what the strap reads."""
        advice = state.advice
        if advice.speed_kmh is not None:
            self.setting = (advice.speed_kmh, advice.incline_percent or 0.0)
        wanted = PER_DEMAND_BPM * demand(*self.setting) * (self.highest - 70) / 115
        reserve = self.highest - 70
        share = wanted / reserve
        steady = 70 + reserve * (share if share < 0.9 else 1 - 0.1 * exp(-(share - 0.9) / 0.1))
        self.bpm += (steady - self.bpm) / 45
        messages: list[AnyMessage] = [HeartRate(float(t), round(self.read(t, self.bpm)) + t % 2)]
        if self.tells_speed:
            messages.append(TreadmillSpeed(float(t), *self.setting))
        return messages


def train(heart: Heart, plan: Plan = PLAN) -> tuple[SessionState, list[tuple[AnyEvent, SessionState]], list[Snapshot]]:
    """A whole 4×4."""
    state = begin(plan, FOUR_BY_FOUR, learned_guidance)
    happened: list[tuple[AnyEvent, SessionState]] = []
    seen: list[Snapshot] = []
    messages: list[AnyMessage] = [HeartRate(0.0, 72.0), SessionCommand(0.0, CommandName.START)]
    for t in range(1, FOUR_BY_FOUR.length_s + 10):
        messages += [*heart.second(t, state), Time(float(t))]
        for message in messages:
            stepped = step(state, message)
            state = stepped.state
            happened += [(event, state) for event in stepped.events]
            if any(isinstance(event, QuestionAsked) for event in stepped.events):
                state = step(state, AllRightAnswer(state.t)).state
        messages = []
        if state.stage != "running":
            break
        seen.append(snapshot(state))
        working = state.phase.kind is PhaseKind.INTERVAL
        if working:
            heart.worked.append(heart.bpm)
        if working and state.second >= 120:
            heart.in_zone.append(0.85 * heart.highest <= heart.bpm <= 0.95 * heart.highest)
        if heart.says_borg and state.phase.kind is PhaseKind.RECOVERY and state.second == 15:
            fraction = heart.worked[-1] / heart.highest
            messages = [Exertion(state.t, round(12 + (fraction - 0.70) * 21))]
    return state, happened, seen


def share(heart: Heart) -> float:
    return sum(heart.in_zone) / len(heart.in_zone)


def advised(happened: list[tuple[AnyEvent, SessionState]]) -> list[AdviceGiven]:
    return [event for event, _ in happened if isinstance(event, AdviceGiven)]


@pytest.mark.parametrize("tells_speed", [True, False])
def test_minutes_three_and_four_lie_in_the_zone_from_the_first_session_on(tells_speed: bool) -> None:  # noqa: FBT001
    heart = Heart(tells_speed=tells_speed)
    train(heart)
    assert share(heart) > 0.9
    assert max(heart.worked) <= 0.95 * heart.highest + 1


def test_the_next_session_begins_where_this_one_ended_and_needs_fewer_advices() -> None:
    first = Heart()
    state, happened, _ = train(first)
    assert state.summary is not None
    second = Heart()
    _, again, _ = train(second, replace(PLAN, response=state.summary.response))
    assert share(second) > 0.95
    assert len(advised(again)) <= len(advised(happened))


def test_the_end_rate_is_foretold_within_its_interval() -> None:
    heart = Heart()
    _, _, seen = train(heart)
    last = [one for one in seen if one.phase == "interval"]
    for interval in (1, 2, 3, 4):
        rates = [one for one in last if one.interval == interval]
        told = next(one.prediction for one in rates if one.phase_elapsed_s == 180)
        assert told is not None
        assert rates[-1].bpm is not None
        assert told.end_low_bpm - 1 <= rates[-1].bpm <= told.end_high_bpm + 1
        assert told.end_high_bpm - told.end_low_bpm < 20


@pytest.mark.parametrize(("source", "too_hard_s"), [("formula", 240), ("highest_seen", 480), ("measured", 480)])
def test_a_heart_that_does_not_reach_the_plans_hr_max_is_noticed_by_exertion_and_spared(
    source: str, too_hard_s: int
) -> None:
    heart = Heart(highest=148.0, says_borg=True)
    plan = replace(PLAN, hr_max_source=source)
    state, happened, _ = train(heart, plan)
    told = [event for event, _ in happened if isinstance(event, NoticeRaised) and event.to_therapist]
    (finding,) = [event for event in told if event.code == "hr_max_seems_lower"]
    assert finding.finding is not None
    assert finding.finding.source == "exertion"
    assert 135 <= finding.finding.suggested_bpm <= 170
    assert sum(bpm > 0.95 * 148 for bpm in heart.worked) <= too_hard_s
    later = Heart(highest=148.0, says_borg=True)
    assert state.summary is not None
    train(later, replace(plan, response=state.summary.response))
    assert sum(bpm > 0.95 * 148 for bpm in later.worked) <= 30


def test_a_drying_strap_teaches_nothing_and_urges_nobody() -> None:
    heart = Heart()
    heart.read = lambda t, bpm: bpm - 40 * (1.0 if t < 330 else exp(-(t - 330) / 60))
    state, happened, _ = train(heart)
    drying = [
        e
        for e, after in happened
        if isinstance(e, AdviceGiven) and 360 <= e.t < 480 and asks_for_more_effort(e.advice, 0.0, 0.0)
    ]
    assert [event.advice.direction for event in drying if event.advice.direction is Direction.FASTER] == []
    assert share(heart) > 0.7
    assert state.summary is not None


def test_nothing_urges_while_the_signal_is_not_live() -> None:
    heart = Heart()
    heart.read = lambda t, bpm: 2 * bpm if t % 400 > 300 else bpm
    _, happened, _ = train(heart)
    for event, after in happened:
        if isinstance(event, AdviceGiven) and event.advice.direction is Direction.FASTER:
            assert after.source.signal is Signal.LIVE


def test_the_same_messages_give_the_same_belief() -> None:
    first, _, _ = train(Heart())
    again, _, _ = train(Heart())
    assert first.guidance == again.guidance
    assert first.guidance.response == again.guidance.response


def test_a_setting_that_was_not_taken_is_said_twice_more_and_then_let_be() -> None:
    class Deaf(Heart):
        def second(self, t: int, state: SessionState) -> list[AnyMessage]:
            messages = super().second(t, state)
            if state.phase.kind is PhaseKind.RECOVERY:
                return [HeartRate(float(t), 120.0 + t % 3), TreadmillSpeed(float(t), 5.5, 5.0)]
            return messages

    _, happened, _ = train(Deaf())
    said = [event.advice.reason for event in advised(happened) if 840 < event.t < 960]
    assert said[:2] == ["reminder", "phase_start"]


@pytest.mark.parametrize("response", [{"kind": "learned"}, {"kind": "learned", "sessions": 1}, [1, 2], {"kind": None}])
def test_a_response_that_no_session_gave_is_refused(response: object) -> None:
    with pytest.raises(PlanError, match="hand it back untouched"):
        learned_guidance(replace(PLAN, response=response))


def test_another_guidances_response_is_no_hindrance() -> None:
    assert learned_guidance(replace(PLAN, response={"kind": "rule", "work_speed_kmh": 7.0})).sessions == 0


@pytest.mark.parametrize(
    ("kind", "now", "wanted", "asked"),
    [
        (PhaseKind.RECOVERY, (5.2, 5.0), (6.6, 0.0), (5.0, 0.0)),
        (PhaseKind.COOL_DOWN, (2.6, 5.0), (2.6, 0.0), (2.4, 0.0)),
        (PhaseKind.RECOVERY, (2.0, 5.0), (2.0, 0.0), (2.0, 0.0)),
        (PhaseKind.WARM_UP, (2.0, 5.0), (3.8, 0.0), (2.0, 5.0)),
        (PhaseKind.WARM_UP, (3.6, 0.0), (2.2, 5.0), (4.2, 0.0)),
        (PhaseKind.INTERVAL, (2.6, 0.0), (2.6, 5.0), (5.0, 0.0)),
        # On the flat only running would ask for so much: that is not asked of a person who walks.
        (PhaseKind.INTERVAL, (5.0, 0.0), (4.8, 5.0), (4.8, 5.0)),
        (PhaseKind.INTERVAL, (5.0, 0.0), (5.2, 5.0), (5.2, 5.0)),
        (PhaseKind.RECOVERY, (5.2, 5.0), (4.0, 0.0), (4.0, 0.0)),
        (PhaseKind.RECOVERY, (5.2, 5.0), (4.0, 5.0), (4.0, 5.0)),
        (PhaseKind.WARM_UP, (0.0, 0.0), (3.0, 5.0), (3.0, 5.0)),
    ],
)
def test_no_setting_asks_for_more_speed_to_rest_or_for_less_to_work(
    kind: PhaseKind, now: tuple[float, float], wanted: tuple[float, float], asked: tuple[float, float]
) -> None:
    """To slow down to 6.6 km/h is no help to a person who walks at 5.2 uphill."""
    guidance = replace(learned_guidance(replace(PLAN, speed_step_kmh=0.2)), settings=(Setting(*now),))
    assert guidance.one_way(Setting(*wanted), kind) == Setting(*asked)


@pytest.mark.parametrize(
    ("source", "bpm", "near"),
    [("formula", 150.0, True), ("formula", 105.0, False), ("measured", 145.0, False), ("measured", 176.0, True)],
)
def test_no_more_is_asked_of_a_person_whose_rate_may_be_near_true_hr_max(source: str, bpm: float, near: bool) -> None:  # noqa: FBT001
    """A formula's HRmax is far too high for many: at four fifths of it they may be at their own."""
    guidance = learned_guidance(replace(PLAN, hr_max_source=source))
    assert guidance.may_be_near_max(moment_in_work(bpm)) is near


def test_no_more_is_asked_without_a_rate() -> None:
    assert learned_guidance(PLAN).may_be_near_max(moment_in_work(None))


def test_what_work_has_earned_is_the_load_for_the_middle_of_the_zone_and_nothing_where_the_rate_is_doubted() -> None:
    fresh = learned_guidance(PLAN)
    people = cloud(fresh.bank)
    assert fresh.earned_by_work(people) == 0.0
    worked = replace(fresh, work=Setting(5.5, 5.0))
    assert worked.earned_by_work(people) == pytest.approx(demand(5.5, 5.0), rel=0.15)
    assert replace(worked, jumped_until_t=99.0).earned_by_work(people) == 0.0


def moment_in_work(bpm: float | None) -> GuidanceInput:
    """A second of an interval."""
    return GuidanceInput(
        t=700.0,
        phase=FOUR_BY_FOUR.phases[1],
        second=100,
        length_s=240,
        bpm=bpm,
        signal=Signal.LIVE,
        fresh_s=0.0,
        flat_s=0.0,
        low_bpm=157.0,
        high_bpm=176.0,
        speed_kmh=6.0,
        incline_percent=5.0,
        borg=None,
        increase_allowed=True,
        quiet=False,
    )
