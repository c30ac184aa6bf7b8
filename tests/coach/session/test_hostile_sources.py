"""Straps, treadmills, clocks and fingers at their worst: nothing raises, nothing urges by them, and stop works."""

import random
from collections.abc import Callable, Iterator
from math import inf, isfinite, nan

import pytest
from msgspec import to_builtins

from coach.errors import MessageRefused
from coach.guidance.interface import GuidanceMaker
from coach.guidance.learned import learned_guidance
from coach.guidance.rules import rule_guidance
from coach.model.cue import URGING_CUES
from coach.model.events import Signal
from coach.model.messages import (
    AllRightAnswer,
    AnyMessage,
    CommandName,
    Exertion,
    HeartRate,
    SessionCommand,
    SourceLost,
    StrapChosen,
    Time,
    TreadmillSpeed,
)
from coach.session.engine import step
from coach.session.restraints import no_urging_because
from tests.support.led_session import LedSession

Second = Callable[[float, random.Random], list[AnyMessage]]


def _sound(t: float, chance: random.Random) -> HeartRate:
    return HeartRate(t, 120.0 + min(t, 60.0) / 2 + chance.randint(0, 2))


def _every(period_s: float) -> Second:
    def second(t: float, chance: random.Random) -> list[AnyMessage]:
        return [_sound(t, chance)] if t % period_s < 1 else [Time(t)]

    return second


def _with(*odd: Callable[[float], AnyMessage]) -> Second:
    return lambda t, chance: [_sound(t, chance), *(make(t) for make in odd)]


def _rr(*rr_ms: float) -> Second:
    return lambda t, chance: [HeartRate(t, _sound(t, chance).bpm, rr_ms)]


def _in_turn(*each: Callable[[float], AnyMessage]) -> Second:
    return lambda t, chance: [_sound(t, chance), each[int(t) % len(each)](t)]


KINDS: dict[str, Second] = {
    **{f"a report every {period_s} s": _every(period_s) for period_s in (6, 7, 8, 9, 10, 12)},
    "no number": _with(*(lambda t, bpm=bpm: HeartRate(t, bpm) for bpm in (nan, inf, -inf, -1.0, 1e9))),
    "intervals that are none": _rr(nan, inf, -inf, -5.0, 0.0, 1e12),
    "one interval for ever": _rr(500.0),
    "a thousand intervals in one report": _rr(*(500.0 + n % 7 for n in range(1000))),
    "contact bit flaps": lambda t, chance: [HeartRate(t, _sound(t, chance).bpm, contact=bool(int(t) % 2))],
    "0 and 255 in turn": _in_turn(lambda t: HeartRate(t, 0.0), lambda t: HeartRate(t, 255.0)),
    "the rate and its half in turn": lambda t, chance: [HeartRate(t, _sound(t, chance).bpm / (1 + int(t) % 2))],
    "two straps at once": lambda t, chance: [_sound(t, chance), HeartRate(t, 75.0)],
    "lost and back each second": _with(lambda t: SourceLost(t, "disconnected")),
    "another strap at each reconnect": _in_turn(
        lambda t: StrapChosen(t, f"serial-{t:g}", "H10"), lambda t: SourceLost(t, "wrong_strap")
    ),
    "a belt of no number": _with(
        *(lambda t, kmh=kmh: TreadmillSpeed(t, kmh, kmh) for kmh in (nan, inf, -inf, -1.0, 99.0))
    ),
    "a belt at 0 and 30 in turn": _in_turn(
        lambda t: TreadmillSpeed(t, 0.0, 0.0), lambda t: TreadmillSpeed(t, 30.0, 40.0)
    ),
    "a clock that steps back": _with(lambda t: Time(t - 3600), lambda t: HeartRate(t - 1, 60.0)),
    "a clock of no number": _with(*(lambda _, bad=bad: Time(bad) for bad in (nan, inf, -inf))),
    "pause and go on each second": _in_turn(
        lambda t: SessionCommand(t, CommandName.PAUSE), lambda t: SessionCommand(t, CommandName.RESUME)
    ),
    "every command in turn": _in_turn(
        *(lambda t, name=name: SessionCommand(t, name) for name in CommandName if name is not CommandName.STOP)
    ),
    "a target lowered by no number": _with(lambda t: SessionCommand(t, CommandName.ADJUST, lowered_fraction=nan)),
    "exertion beyond the scale": _with(lambda t: Exertion(t, 10**6), lambda t: Exertion(t, -1)),
    "answers that nothing asked for": _with(AllRightAnswer),
}


def numbers(value: object) -> Iterator[float]:
    """Every number within a value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for one in value:
            yield from numbers(one)
    elif isinstance(value, float):
        yield value


@pytest.mark.parametrize("guidance", [rule_guidance, learned_guidance])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_raises_nothing_urges_against_the_table_and_stop_works(kind: str, guidance: GuidanceMaker) -> None:
    session, chance = LedSession(guidance=guidance), random.Random(11)
    for second in range(1, 321):
        for message in KINDS[kind](float(second), chance):
            before, told = session.state, len(session.cues)
            try:
                session.send(message)
            except MessageRefused:
                assert session.state is before
                continue
            urged = any(cue.name in URGING_CUES for cue in session.cues[told:])
            held = no_urging_because(before) and no_urging_because(session.state)
            assert not (urged and held), (second, message, held)
        assert all(map(isfinite, numbers(to_builtins(session.seen)))), second
    if session.state.stage in ("running", "paused"):
        stopped = step(session.state, SessionCommand(max(session.t, 320.5), CommandName.STOP)).state
        assert stopped.stage == "ended"


@pytest.mark.parametrize("ahead_s", [60.0, 900.0, 3600.0, 86400.0])
def test_a_clock_that_steps_forwards_urges_no_one_and_ends_in_no_loop(ahead_s: float) -> None:
    session = LedSession(guidance=learned_guidance).live_until(100, 150)
    told = len(session.cues)
    session.send(Time(100 + ahead_s))
    assert not [cue for cue in session.cues[told:] if cue.name in URGING_CUES and cue.t > 103]
    assert session.state.source.signal is Signal.LOST or session.state.stage == "ended"


@pytest.mark.parametrize("gap_s", [3, 8, 25])
def test_a_question_at_a_phases_end_within_a_gap_of_the_rate_is_asked_and_called_about(gap_s: int) -> None:
    session = LedSession(answers=False).live_until(60, 150).live_until(300 - gap_s // 2, 176)
    session.silent_until(300 + gap_s)
    session.live_until(420, 140)
    assert ("no_answer" in [code for _, code in session.notices()]) or session.state.question is not None
    assert not [cue for cue in session.cues if cue.name in URGING_CUES and cue.t > 345]


def test_the_strap_that_is_bound_may_be_confirmed_again_in_the_session() -> None:
    session = LedSession(started=False).send(StrapChosen(0.0, "a", "H10"), HeartRate(0.0, 120.0))
    session.command(CommandName.START).live(10).send(StrapChosen(10.0, "a", "H10"))
    assert session.state.strap_key == "a"
    with pytest.raises(MessageRefused):
        session.send(StrapChosen(10.0, "b", "H10"))
