"""The guidance is optional: one that raises, hangs or returns nonsense never reaches the session (H6)."""

from asyncio import CancelledError
from collections.abc import Callable
from math import inf, nan
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from coach.errors import PlanError
from coach.guidance.barrier import GuidanceError, NoGuidance, T, checked_advice, place_of, response_of, unlimited
from coach.guidance.interface import GuidanceInput
from coach.guidance.rules import rule_guidance
from coach.model.cue import CueName
from coach.model.events import Advice, Direction, HrMaxFinding, Level, NoticeRaised, PhaseEnded, PhaseStarted
from coach.model.messages import AllRightAnswer, CommandName, HeartRate, SessionCommand, Time
from coach.model.plan import Plan
from coach.model.protocol import PhaseKind
from coach.model.snapshot import Prediction
from coach.session.engine import guidance_off, step, without_guidance
from coach.session.limits import lasting_limits
from coach.session.state import SessionState, begin
from coach.session.transition import Transition
from tests.support.led_session import PLAN, TWO_INTERVALS, LedSession, Says

LOWER = HrMaxFinding("hr_max_seems_lower", 180.0, 176.0, 184.0, "exertion")


class _Failing(Says):
    """A guidance that says `advice`, and fails from `from_t` on by what `fail` does."""

    def __init__(self, from_t: float, fail: Callable[[], Any], advice: Advice | None = None) -> None:
        super().__init__(advice)
        self.from_t, self.fail = from_t, fail

    def second(self, moment: GuidanceInput) -> Any:  # noqa: ANN401 - also nonsense
        """Advise, or fail."""
        return self.fail() if moment.t >= self.from_t else (self, self.advice)


def raises(error: BaseException) -> Callable[[], Any]:
    """A way to fail: raise this error."""

    def fail(*_: object) -> NoReturn:
        raise error

    return fail


ADVISES: dict[str, Any] = {
    "not a number": Advice(Direction.SLOWER, nan, 5.0, 5.0),
    "endless": Advice(Direction.SLOWER, -1.0, inf, 5.0),
    "incline not a number": Advice(Direction.SLOWER, -1.0, 5.0, nan),
    "below nothing": Advice(Direction.SLOWER, -1.0, -0.5, 5.0),
    "no advice": "slower",
}


class _Answers(Says):
    """A guidance that answers with whatever it was given, also where that is nonsense."""

    def __init__(self, **said: Any) -> None:  # noqa: ANN401 - also nonsense
        super().__init__(said.pop("advice", None))
        self.__dict__.update(said)


def the_notice(session: LedSession) -> NoticeRaised:
    """The one notice that the guidance is out of action."""
    (notice,) = [one for one in session.events if isinstance(one, NoticeRaised) and one.code == "guidance_off"]
    return notice


def test_a_guidance_that_raises_is_out_of_action_and_the_session_goes_on_by_time() -> None:
    advice = Advice(Direction.SLOWER, -1.0, 5.0, 5.0, "above_zone")
    failing = _Failing(150, raises(FloatingPointError("of the model")), advice)
    session = LedSession(guidance=lambda _: failing).live_until(860)
    assert session.phases() == LedSession(guidance=lambda _: Says()).live_until(860).phases()
    notice = the_notice(session)
    assert (notice.t, notice.level, notice.to_therapist) == (150.0, Level.INFORMATION, True)
    assert notice.detail.startswith("FloatingPointError: of the model (guidance/test_guidance_barrier.py:")
    assert [t for t, _, reason in session.advice() if t >= 150] == [150.0]
    assert session.advice()[-1] == (150.0, "none", "guidance_off")
    assert session.state.summary is not None
    assert "guidance_off" in session.state.summary.notices


@pytest.mark.parametrize("what", ADVISES)
def test_an_advice_that_no_treadmill_can_follow_counts_as_a_failure(what: str) -> None:
    session = LedSession(guidance=lambda _: _Answers(advice=ADVISES[what])).live_until(70)
    assert the_notice(session).t == 0.0
    assert session.seen.advice == Advice(reason="guidance_off")


@pytest.mark.parametrize(
    "said",
    [
        {"prediction": Prediction(None, nan, 1.0, 2.0)},
        {"finding": replace(LOWER, suggested_bpm=nan)},
        {"finding": replace(LOWER, evidence=((inf, 12),))},
        {"prediction": object()},
    ],
)
def test_a_forecast_or_finding_that_is_no_number_puts_the_guidance_out_of_action_from_the_start(
    said: dict[str, Any],
) -> None:
    session = LedSession(guidance=lambda _: _Answers(**said)).live_until(5)
    assert the_notice(session).t == 0.0
    assert (session.seen.prediction, session.state.outlook.finding) == (None, None)


def test_a_guidance_that_cannot_be_made_leaves_a_session_without_advice() -> None:
    def broken(plan: Plan) -> Says:
        raise ZeroDivisionError(plan.participant)

    session = LedSession(guidance=broken).live_until(860)
    assert the_notice(session).detail.startswith("ZeroDivisionError: p1")
    assert session.state.completed


def test_a_damaged_response_is_still_refused_with_its_sentence() -> None:
    def refuses(plan: Plan) -> Says:
        raise PlanError(plan.participant)

    with pytest.raises(PlanError, match="p1"):
        begin(PLAN, TWO_INTERVALS, refuses)


@pytest.mark.parametrize("response", [object(), {"kinds": [nan]}, {"rest": inf}])
def test_what_was_learned_before_is_handed_on_where_the_response_fails(response: object) -> None:
    learned = {"kind": "rule", "work_speed_kmh": 6.4, "incline_percent": 5.0}
    session = LedSession(replace(PLAN, response=learned), guidance=lambda _: _Answers(response=response)).live_until(
        100
    )
    session.command(CommandName.STOP)
    assert session.state.summary is not None
    assert session.state.summary.response == learned
    assert the_notice(session).t == 100.0
    assert "guidance_off" in session.state.summary.notices


def test_a_lower_hr_max_that_was_found_stays_in_force_after_the_failure() -> None:
    class Finds(_Failing):
        finding: Any = LOWER

    session = LedSession(guidance=lambda _: Finds(100, raises(KeyError("x")))).live_until(90)
    low_bpm = session.seen.zone.low_bpm
    session.live_until(110)
    assert session.seen.zone.low_bpm == low_bpm
    assert "safer_zone" in [limit.name for limit in lasting_limits(session.state)]


def test_slower_at_the_ceiling_comes_without_a_guidance_and_is_not_wiped_out_by_its_failure() -> None:
    session = LedSession(guidance=lambda _: _Failing(100, raises(ValueError("empty")))).live_until(99, 205)
    session.live_until(101, 205)
    assert session.seen.advice.reason == "over_ceiling"


def test_the_budget_is_spent_on_the_guidance_alone_and_an_overrun_puts_it_out_of_action() -> None:
    calls: list[float] = []

    def budget(call: Callable[[], T], /) -> T:
        calls.append(1.0)
        if len(calls) > 3:
            raise TimeoutError
        return call()

    state = step(begin(PLAN, TWO_INTERVALS, lambda _: Says()), HeartRate(0.0, 120.0), budget).state
    state = step(state, SessionCommand(0.0, CommandName.START), budget).state
    stepped = step(state, Time(60.0), budget)
    (notice,) = [event for event in stepped.events if isinstance(event, NoticeRaised) and event.code == "guidance_off"]
    assert notice.t == 3.0
    assert notice.detail.startswith("TimeoutError")
    assert stepped.state.second == 60


def test_after_a_restart_the_guidance_stays_out_of_action_though_no_message_says_so() -> None:
    session = LedSession(guidance=lambda _: _Failing(50, raises(KeyError("x")))).live_until(60)
    place = guidance_off(tuple(session.events))
    assert place is not None
    assert guidance_off(()) is None
    again = LedSession(guidance=lambda _: Says(Advice(Direction.SLOWER, reason="above_zone"))).live_until(60)
    restored = without_guidance(again.state, place)
    assert restored.guidance.second(None) == (restored.guidance, None)  # type: ignore[arg-type] # it heeds nothing
    assert (restored.advice, restored.outlook.doubt) == (Advice(reason="guidance_off"), None)
    assert without_guidance(restored, "elsewhere") == restored


def test_stop_pause_ease_and_not_all_right_are_taken_where_even_the_time_cannot_be_lived(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    led = LedSession(answers=False).live_until(60).live_until(300, 175).live_until(311, 150)
    in_work = LedSession().live_until(100, 160).state
    monkeypatch.setattr(Transition, "_second", raises(RuntimeError("a fault of the engine's own")))
    stopped = step(led.state, SessionCommand(315.5, CommandName.STOP))
    assert (stopped.state.stage, stopped.state.ended_t) == ("ended", 315.5)
    assert step(led.state, SessionCommand(315.5, CommandName.PAUSE)).state.stage == "paused"
    not_all_right = step(led.state, AllRightAnswer(315.5, ok=False)).state
    assert (not_all_right.phase.kind, not_all_right.t) == (PhaseKind.COOL_DOWN, 315.5)
    assert step(in_work, SessionCommand(115.0, CommandName.EASE)).state.phase.kind is PhaseKind.RECOVERY
    with pytest.raises(RuntimeError):
        step(led.state, Time(315.5))


@pytest.mark.parametrize("error", [SystemExit(), GeneratorExit(), CancelledError()])
def test_nothing_optional_ends_a_session_by_an_error_that_ends_programs(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_plan: Plan) -> Says:
        raise error

    session = LedSession(guidance=broken).live_until(860)
    assert session.state.completed
    assert the_notice(session).detail.startswith(type(error).__name__)
    monkeypatch.setattr(Transition, "_second", raises(error))
    assert step(LedSession().state, SessionCommand(5.0, CommandName.STOP)).state.stage == "ended"


def test_an_operators_interrupt_ends_the_program_whatever_runs_just_then(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_plan: Plan) -> Says:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin(PLAN, TWO_INTERVALS, interrupted)
    session = LedSession(guidance=lambda _: _Failing(50, raises(KeyboardInterrupt())))
    with pytest.raises(KeyboardInterrupt):
        session.live_until(60)

    class Interrupted(Says):
        response = property(raises(KeyboardInterrupt()))  # type: ignore[assignment]

    with pytest.raises(KeyboardInterrupt):
        response_of(Interrupted(), PLAN, unlimited)
    with pytest.raises(KeyboardInterrupt):
        place_of(_raised(type("Odd", (Exception,), {"__str__": raises(KeyboardInterrupt())})()))
    monkeypatch.setattr(Transition, "_second", raises(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        step(LedSession().state, SessionCommand(5.0, CommandName.STOP))


def _raised(error: BaseException) -> BaseException:
    try:
        raises(error)()
    except BaseException as caught:  # noqa: BLE001 - any error
        return caught


def _raised_in(*files: str) -> BaseException:
    """An error that went through functions of these files, the last one first."""
    call: Callable[[], Any] = raises(ValueError("empty"))
    for file in reversed(files):
        space: dict[str, Any] = {"call": call}
        exec(compile("def within():\n    call()", file, "exec"), space)  # noqa: S102 - a trace through a file of any name
        call = space["within"]
    try:
        call()
    except ValueError as error:
        trace = error.__traceback__
        assert trace is not None
        # Without this test's own files, which lie in a folder of the same name.
        kept, last = trace.tb_next, trace.tb_next
        for _ in files[1:]:
            assert last is not None
            last = last.tb_next
        assert last is not None
        last.tb_next = None
        return error.with_traceback(kept)
    raise AssertionError


@pytest.mark.parametrize(
    ("files", "place"),
    [
        (("/a/coach/guidance/learned.py", "/lib/numpy/core.py"), "guidance/learned.py"),
        (("/a/coach/guidance/learned.py", "/a/coach/guidance/barrier.py"), "guidance/learned.py"),
        (("/a/coach/session/belt.py", "/a/coach/guidance/learned.py"), "guidance/learned.py"),
        (("/x/one.py", "/lib/numpy/core.py"), "numpy/core.py"),
        (("/x/guidance/barrier.py",), "guidance/barrier.py"),
        (("/a/coach/guidance/barrier.py",), "guidance/barrier.py"),
    ],
)
def test_the_place_is_the_last_line_of_the_coach_outside_of_its_barrier_else_the_last_of_all(
    files: tuple[str, ...], place: str
) -> None:
    assert place_of(_raised_in(*files)) == f"ValueError: empty ({place}:2 within)"


def test_a_long_message_is_cut_and_one_that_fails_itself_is_left_out() -> None:
    words, _, place = place_of(_raised(ValueError("x" * 500))).partition(" (")
    assert (words, place[:9]) == (("ValueError: " + "x" * 500)[:150], "guidance/")
    assert place_of(_raised(_UnspeakableError())).startswith("_UnspeakableError:  (")


def test_standing_still_and_the_slowest_walk_are_advice_and_less_than_nothing_is_none() -> None:
    for speed_kmh in (None, 0.0, 0.5):
        advice = Advice(Direction.SLOWER, None, speed_kmh)
        assert checked_advice(advice) is advice
    with pytest.raises(GuidanceError, match=r"^the guidance asked for -0\.1 km/h$"):
        checked_advice(Advice(Direction.SLOWER, None, -0.1))


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"advice": Advice(Direction.SLOWER, nan)}, "a number in the guidance's advice is not finite"),
        ({"advice": "slower"}, "the guidance returned str where an advice belongs"),
        ({"finding": 3}, "the guidance's finding is int where HrMaxFinding belongs"),
        ({"doubt": 3}, "the guidance's doubt is int where str belongs"),
        ({"prediction": 3}, "the guidance's prediction is int where Prediction belongs"),
        ({"prediction": Prediction(None, nan, 1.0, 2.0)}, "a number in the guidance's prediction is not finite"),
    ],
)
def test_the_finding_says_what_was_wrong_with_what_the_guidance_said(said: dict[str, Any], sentence: str) -> None:
    session = LedSession(guidance=lambda _: _Answers(**said)).live_until(5)
    assert the_notice(session).detail.startswith(f"GuidanceError: {sentence} (")


def test_what_was_learned_is_returned_as_it_is_or_the_plans_own_with_the_place_of_the_failure() -> None:
    plan = replace(PLAN, response={"kind": "rule"})
    learned = {"work": [1.0, {"x": 2.0}]}
    assert response_of(_Answers(response=learned), plan, unlimited) == (learned, None)
    response, place = response_of(_Answers(response={"x": (nan,)}), plan, unlimited)
    assert response == plan.response
    assert place is not None
    assert place.startswith("GuidanceError: a number in the guidance's response is not finite (")
    assert NoGuidance("there", plan.response).response == plan.response


def test_what_was_learned_before_outlasts_a_guidance_that_failed_on_its_way() -> None:
    learned = {"kind": "rule", "work_speed_kmh": 6.4, "incline_percent": 5.0}
    failing = _Failing(50, raises(ValueError("x")))
    session = LedSession(replace(PLAN, response=learned), guidance=lambda _: failing).live_until(60)
    session.command(CommandName.STOP)
    assert session.state.summary is not None
    assert session.state.summary.response == learned


def test_the_place_of_an_error_that_was_never_raised_is_its_kind() -> None:
    assert place_of(KeyError("x")) == "KeyError"


class _UnspeakableError(Exception):
    """An error that cannot even say what it is."""

    def __str__(self) -> str:
        raise SystemExit


ERRORS = st.sampled_from(
    [
        *(ValueError("empty sequence"), ZeroDivisionError(), MemoryError(), RecursionError(), AssertionError()),
        *(OSError(), SystemExit(0), SystemExit("over"), GeneratorExit(), CancelledError(), BaseException()),
        _UnspeakableError(),
    ]
)
WAYS = st.one_of(
    ERRORS.map(raises), st.sampled_from([lambda: None, lambda: 7, lambda: (Says(), 7), lambda: (None, None)])
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 860), WAYS, st.integers(0, 60))
def test_whatever_fails_and_whenever_stop_works_and_the_timing_is_whole(
    fails_at: int, fail: Callable[[], Any], later: int
) -> None:
    """Any failure, at any second, in any phase: phases, their seconds and stop are those of a session without it."""
    stop_t = min(fails_at + later, 830)
    with_failure = _ridden(begin(PLAN, TWO_INTERVALS, lambda _: _Failing(fails_at, fail)), stop_t)
    without = _ridden(begin(PLAN, TWO_INTERVALS, lambda _: Says()), stop_t)
    assert with_failure[0].stage == "ended"
    assert with_failure[1:] == without[1:]
    assert with_failure[0].tally == without[0].tally


def _ridden(state: SessionState, stop_t: float) -> tuple[SessionState, list[object], list[tuple[float, CueName]]]:
    phases: list[object] = []
    cues: list[tuple[float, CueName]] = []
    messages = [HeartRate(0.0, 120.0), SessionCommand(0.0, CommandName.START)]
    messages += [HeartRate(float(t), 120.0 + t % 2) for t in range(1, int(stop_t))]
    for message in (*messages, SessionCommand(float(stop_t), CommandName.STOP)):
        stepped = step(state, message)
        state = stepped.state
        phases += [event for event in stepped.events if isinstance(event, PhaseStarted | PhaseEnded)]
        cues += [(cue.t, cue.name) for cue in stepped.cues]
    return state, phases, cues


def test_the_rules_still_lead_where_nothing_fails() -> None:
    assert LedSession(guidance=rule_guidance).live_until(200, 150).advice()


@pytest.mark.parametrize("attribute", ["finding", "doubt", "prediction"])
@pytest.mark.parametrize("value", ["nonsense", 3, ("a",), object()])
@pytest.mark.parametrize("from_t", [0.0, 100.0])
def test_an_outlook_that_is_none_puts_the_guidance_out_of_action(attribute: str, value: object, from_t: float) -> None:
    if (attribute, value) == ("doubt", "nonsense"):
        return  # A doubt is a text.

    class Odd(Says):
        def second(self, moment: GuidanceInput) -> tuple[Says, Advice | None]:
            if moment.t >= from_t:
                setattr(self, attribute, value)
            return self, None

    session = LedSession(guidance=lambda _: Odd()).live_until(from_t + 30)
    assert "guidance_off" in session.state.notice_codes
    assert session.command(CommandName.STOP).seen.stage == "ended"
