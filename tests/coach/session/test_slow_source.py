"""H2, H3: a source is judged against its own pace, and every doubt of it has an end."""

import math
import random
from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest

from coach.model.cue import CueName
from coach.model.events import AdviceGiven, Direction, Signal, SignalChanged
from coach.model.messages import AllRightAnswer, AnyMessage, CommandName, HeartRate, SessionCommand, Time
from coach.session.pace import Pace
from coach.session.signal_quality import (
    STALE_AFTER_MOST_S,
    URGE_FRESH_MOST_S,
    HeartRateSource,
    echoes,
    expire,
    lose,
    receive,
)
from tests.support.led_session import LedSession

Rate = Callable[[float], float]
COURSE = (
    (0.0, 100.0),
    (60.0, 125.0),
    (150.0, 172.0),
    (300.0, 178.0),
    (400.0, 125.0),
    (480.0, 120.0),
    (570.0, 174.0),
    (720.0, 180.0),
    (840.0, 120.0),
    (3000.0, 90.0),
)


def training(t: float) -> float:
    """A rate as it moves in the session of `LedSession`: warm-up, interval, recovery, interval, cool-down."""
    legs = pairwise(COURSE)
    (from_t, low), (to_t, high) = next(leg for leg in legs if t < leg[1][0])
    return float(round(low + (high - low) * (t - from_t) / (to_t - from_t) + int(t) % 2))


def reports(gaps_s: Iterable[float], bpm: Rate = training, *, rr: int = 0, from_t: float = 0.5) -> list[HeartRate]:
    """One report after each gap, with `rr` intervals that vary as a heart's do."""
    messages, t = [], from_t
    for gap_s in gaps_s:
        rate = bpm(t)
        beats = tuple(60000 / rate + (number * 13 + int(t) * 7) % 31 - 15 for number in range(rr))
        messages.append(HeartRate(t, rate, beats))
        t += gap_s
    return messages


def fed(
    messages: Iterable[HeartRate], source: HeartRateSource | None = None, *, warming_up: bool = False
) -> list[HeartRateSource]:
    """The source after each report; silence falls due at its own times."""
    now, seen = source or HeartRateSource(), []
    for message in messages:
        while now.due_t is not None and now.due_t <= message.t:
            now = expire(now)
        now = receive(now, message, warming_up=warming_up)
        seen.append(now)
    return seen


def led(messages: list[HeartRate]) -> LedSession:
    """A whole session of these reports, with a tick each second and each question answered."""
    session = LedSession(started=False).send(SessionCommand(0.0, CommandName.START))
    ticks: list[AnyMessage] = [Time(float(t)) for t in range(1, 850)]
    for message in sorted([*messages, *ticks], key=lambda one: one.t):
        session.send(message)
        if session.state.question is not None:
            session.send(AllRightAnswer(message.t))
    return session


def changes(session: LedSession) -> list[tuple[float, str, str]]:
    return [(e.t, e.signal.value, e.reason) for e in session.events if isinstance(e, SignalChanged)]


def raised(session: LedSession) -> list[str]:
    return [code for _, code in session.notices() if code.startswith("signal") and code != "signal_lost"]


@pytest.mark.parametrize("period_s", [1.0, 2.0, 3.0, 5.0, 6.0, 7.0, 8.0, 10.0])
@pytest.mark.parametrize("rr", [0, 2, 9])
def test_a_slow_but_steady_source_trains_with_one_notice_at_most(period_s: float, rr: int) -> None:
    session = led(reports([period_s] * int(850 / period_s), rr=rr))
    assert session.endings() == [
        (60.0, "warm_up", "done"),
        (300.0, "interval", "done"),
        (480.0, "recovery", "done"),
        (720.0, "interval", "done"),
        (840.0, "cool_down", "done"),
    ]
    assert len(raised(session)) <= 1
    later = [change for change in changes(session) if change[0] > 60]
    assert later == []
    assert session.state.source.signal is (Signal.LIVE if period_s <= 6 else Signal.WEAK)


@pytest.mark.parametrize("seed", range(8))
def test_an_uneven_link_of_four_reports_in_twenty_seconds_trains(seed: int) -> None:
    rng = random.Random(seed)
    session = led(reports([rng.uniform(3.0, 7.0) for _ in range(170)]))
    assert [reason for _, _, reason in session.endings()] == ["done"] * 5
    assert len(raised(session)) <= 2


@pytest.mark.parametrize("period_s", [1.0, 3.0, 5.0, 6.0, 8.0, 10.0])
def test_no_urging_comes_without_a_rate_as_young_as_the_sources_own_pace(period_s: float) -> None:
    messages = reports([period_s] * int(850 / period_s), lambda t: 110.0 + int(0.37 * t) % 3)
    session = led(messages)
    urged = [
        event.t
        for event in session.events
        if isinstance(event, AdviceGiven) and event.advice.direction is Direction.FASTER
    ]
    oldest_s = max((t - max(one.t for one in messages if one.t <= t) for t in urged if t > messages[0].t), default=0.0)
    assert oldest_s <= min(max(2.5, 1.25 * period_s), URGE_FRESH_MOST_S)
    assert urged if period_s <= 6 else not [t for t in urged if t > 60]


def test_a_source_of_one_report_a_second_is_stale_after_five_seconds_as_before() -> None:
    source = fed(reports([1.0] * 60))[-1]
    assert source.due_t == pytest.approx(59.5 + 5.0)


def test_a_few_dropouts_do_not_stretch_what_counts_as_silence() -> None:
    source = fed(reports([*[1.0] * 30, 9.0, 1.0, 1.0, 8.0, *[1.0] * 5]))[-1]
    assert source.due_t is not None
    assert source.at_t is not None
    assert source.due_t - source.at_t == 5.0


def test_what_counts_as_silence_is_bounded_for_every_pace() -> None:
    for gap_s in (6.0, 12.0, 19.0, 500.0):
        source = fed(reports([gap_s] * 20, lambda t: 100.0 + int(t) % 3))[-1]
        assert source.due_t is not None
        assert source.at_t is not None
        assert source.due_t - source.at_t <= STALE_AFTER_MOST_S


def test_a_slow_source_that_becomes_quick_is_judged_as_a_quick_one() -> None:
    source = fed(reports([*[6.0] * 10, *[1.0] * 12]))[-1]
    assert source.due_t is not None
    assert source.at_t is not None
    assert source.due_t - source.at_t == 5.0


def test_a_pace_needs_three_gaps_and_is_the_upper_quartile() -> None:
    assert Pace((6.0, 6.0)).usual_s == 1.0
    assert Pace((6.0, 6.0, 6.0)).usual_s == 6.0
    assert Pace((1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 9.0)).usual_s == 1.0
    assert Pace((3.0, 7.0, 4.0, 6.0, 2.0, 8.0, 5.0, 5.0)).usual_s == 6.0
    assert Pace((0.0, 0.0, 0.0)).usual_s == 1.0


@pytest.mark.parametrize("count", [2, 5, 20])
def test_reports_that_a_weak_link_delivers_together_are_one_report_of_its_pace(count: int) -> None:
    bursts = [[0.01] * (count - 1) + [5.0] for _ in range(170)]
    session = led(reports([gap_s for burst in bursts for gap_s in burst], rr=2))
    assert [reason for _, _, reason in session.endings()] == ["done"] * 5
    assert len(raised(session)) <= 1


@pytest.mark.parametrize("gaps_s", [(1.0, 1.0, 1.0, 7.0), (1.0,) * 10 + (7.0,) * 10, (4.0, 4.0, 4.0, 4.0, 4.0, 13.0)])
def test_silence_that_comes_back_soon_is_one_trouble(gaps_s: tuple[float, ...]) -> None:
    session = led(reports(gaps_s * int(850 / sum(gaps_s))))
    # The first trouble ends after seconds; one that came back soon, only once the source has been steady for longer.
    assert raised(session) in (["signal_stale"], ["signal_stale"] * 2)


def test_a_source_that_is_lost_again_and_again_is_said_to_be_lost_once() -> None:
    session = led(reports([21.0] * 40))
    said = [cue.name for cue in session.cues if cue.t > 60 and cue.name is CueName.SIGNAL_BACK]
    assert said == []
    assert len([code for _, code in session.notices() if code == "signal_lost"]) <= 3
    assert len(raised(session)) <= 2


# RR intervals that carry nothing beyond the rate


@pytest.mark.parametrize("tick_ms", [1.0, 1000 / 1024, 0.001])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_rr_intervals_computed_from_the_rate_never_make_a_plateau_frozen(tick_ms: float, count: int) -> None:
    """Optical bands and watches send them so; the rule for bands without RR intervals holds then."""

    def echoed(t: int, bpm: float) -> HeartRate:
        return HeartRate(t + 0.5, bpm, (round(60000 / bpm / tick_ms) * tick_ms,) * count)

    plateaus = [echoed(t, 150.0 + t // 33) for t in range(600)]
    assert {source.signal for source in fed(plateaus)} == {Signal.LIVE}


def test_rr_intervals_smoothed_and_repeated_for_five_seconds_are_learned() -> None:
    messages = [HeartRate(t + 0.5, 98.0 + t // 7 % 3, (620.0 + 9 * (t // 6 % 4),)) for t in range(600)]
    seen = [source.signal for source in fed(messages)]
    assert seen[60:] == [Signal.LIVE] * 540
    assert seen.count(Signal.IMPLAUSIBLE) <= 2


def test_a_frozen_strap_with_beats_of_its_own_is_found_within_six_seconds() -> None:
    frozen = [HeartRate(60.5 + t, 150.0, (388.0, 409.0)) for t in range(10)]
    seen = fed([*reports([1.0] * 60, lambda t: 148.0 + int(t) % 5, rr=2), *frozen])
    assert [source.reason for source in seen[-4:]] == ["frozen"] * 4


@pytest.mark.parametrize("rr_ms", [(800.0,), (0.0,), (63999.0,), (800.0, 800.0), (0.4,)])
def test_rr_intervals_that_never_move_while_the_rate_does_are_not_judged(rr_ms: tuple[float, ...]) -> None:
    session = led([HeartRate(one.t, one.bpm, rr_ms) for one in reports([1.0] * 850)])
    assert [reason for _, _, reason in session.endings()] == ["done"] * 5
    assert len(raised(session)) <= 1


def test_rr_intervals_are_judged_again_once_they_move() -> None:
    still = [HeartRate(t + 0.5, 90.0 + t, (800.0,)) for t in range(60)]
    wrong = [HeartRate(60.5 + t, 150.0 + t % 2, (800.0 + t, 790.0)) for t in range(20)]
    assert fed([*still, *wrong])[-1].reason == "rr_disagrees"


@pytest.mark.parametrize("step_ms", [5.0, 1000 / 128, 10.0])
def test_intervals_rounded_to_a_coarse_step_are_not_frozen_at_a_plateau(step_ms: float) -> None:
    messages = [HeartRate(t + 0.5, 150.0 + t // 12 % 3, (400.0 // step_ms * step_ms,)) for t in range(600)]
    assert {source.signal for source in fed(messages)} == {Signal.LIVE}


@pytest.mark.parametrize(
    ("rr_ms", "bpm", "echo"),
    [
        ((400.390625,), 150.0, True),
        ((400.0, 400.0), 150.0, True),
        ((400.0, 412.0), 150.0, False),
        ((), 150.0, False),
        ((0.0,), 150.0, False),
        ((1000.0,), 61.0, True),
        # A maker's firmware rounds down to whole ms, then down to 1/1024 s.
        ((265.625,), 225.0, True),
    ],
)
def test_an_echo_is_an_interval_that_only_repeats_the_rate(rr_ms: tuple[float, ...], bpm: float, echo: bool) -> None:  # noqa: FBT001
    assert echoes(rr_ms, bpm) is echo


# The contact bit


CONTACT_BITS: dict[str, Callable[[int], bool | None]] = {
    "every other": lambda t: t % 2 == 0,
    "ten seconds each": lambda t: t // 10 % 2 == 0,
    "now and then": lambda t: t % 50 == 0,
    "seldom set": lambda t: t % 9 == 0,
    "or not said": lambda t: None if t % 2 else False,
}


@pytest.mark.parametrize("kind", CONTACT_BITS)
def test_a_contact_bit_that_wavers_is_noise_after_minutes_of_good_rates(kind: str) -> None:
    bit = CONTACT_BITS[kind]
    rates = without_contact(900)
    seen = fed([HeartRate(one.t, one.bpm, one.rr_ms, bit(int(one.t))) for one in rates])
    assert {source.signal for source in seen[320:]} <= {Signal.LIVE} | (
        {Signal.WEAK} if kind == "ten seconds each" else set()
    )
    states = [source.signal for source in seen]
    assert sum(one is not other for one, other in pairwise(states)) <= 60


def test_a_bit_that_is_set_again_ends_the_doubt_within_seconds() -> None:
    rates = [HeartRate(t + 0.5, 140.0 + t % 5, (), t < 60 or t >= 70) for t in range(120)]
    seen = fed(rates)
    assert [source.signal for source in (seen[59], seen[65], seen[80])] == [Signal.LIVE, Signal.WEAK, Signal.LIVE]


def without_contact(seconds: int, from_t: int = 0, bpm: Rate = lambda t: 140.0 + int(t) % 5) -> list[HeartRate]:
    return [HeartRate(from_t + t + 0.5, bpm(t), contact=False) for t in range(seconds)]


def test_a_contact_bit_that_is_never_set_is_not_believed_against_two_minutes_of_rates() -> None:
    seen = [(source.signal, source.reason) for source in fed(without_contact(300))]
    assert seen[60] == (Signal.WEAK, "no_contact")
    assert seen[125:] == [(Signal.LIVE, "ok")] * 175


def test_a_session_whose_contact_bit_is_never_set_is_guided_like_any_other() -> None:
    """Some straps stream a good rate and never set the bit."""
    session = led([HeartRate(t + 0.5, 110.0 + int(0.37 * t) % 3, contact=False) for t in range(845)])
    urged = [
        event.t
        for event in session.events
        if isinstance(event, AdviceGiven) and event.advice.direction is Direction.FASTER
    ]
    assert urged
    assert min(urged) >= 120
    assert session.state.source.signal is Signal.LIVE


def test_a_contact_bit_that_was_set_and_is_let_go_of_is_believed_for_longer() -> None:
    worn = [HeartRate(t + 0.5, 140.0 + t % 5, contact=True) for t in range(60)]
    seen = [(source.signal, source.reason) for source in fed([*worn, *without_contact(400, 60)])]
    assert seen[60:355] == [(Signal.WEAK, "no_contact")] * 295
    assert seen[-1] == (Signal.LIVE, "ok")


def test_a_drying_strap_is_not_believed_against_its_contact_bit() -> None:
    """Jumps within the time begin the time again."""
    drying = without_contact(360, 0, lambda t: (140.0 if t // 50 % 2 else 180.0) + int(t) % 5)
    assert Signal.LIVE not in {source.signal for source in fed(drying)}


def test_a_contact_bit_that_is_set_again_is_meant() -> None:
    seen = fed([*without_contact(200), HeartRate(201, 141.0, contact=True), HeartRate(202, 142.0, contact=False)])
    assert (seen[-1].signal, seen[-1].reason) == (Signal.WEAK, "no_contact")


# Every doubt has an end


def lowered(seconds: int, level: float, *, rr: int) -> list[HeartRate]:
    """Two good minutes at 150 bpm, then a level that stays."""
    good = reports([1.0] * 120, lambda t: 150.0 + int(t) % 5, rr=rr)
    return [*good, *reports([1.0] * seconds, lambda t: level + int(t) % 5, rr=rr, from_t=120.5)]


def first_live_s(messages: list[HeartRate]) -> float | None:
    seen = fed(messages)[120:]
    return next((source.at_t - 120 for source in seen if source.signal is Signal.LIVE and source.at_t), None)


def test_a_jump_downwards_in_work_ends_by_regular_beats_and_never_urges_before_ten_minutes() -> None:
    live_s = first_live_s(lowered(1000, 110, rr=2))
    assert live_s is not None
    assert 600 <= live_s <= 610


def test_a_jump_downwards_in_work_ends_by_time_without_beats() -> None:
    live_s = first_live_s(lowered(1000, 110, rr=0))
    assert live_s is not None
    assert 900 <= live_s <= 910


def test_regular_beats_at_half_the_rate_are_no_evidence() -> None:
    """Every second beat missed is regular, too."""
    live_s = first_live_s(lowered(1000, 75, rr=2))
    assert live_s is not None
    assert live_s >= 900


def test_a_short_silence_does_not_end_a_doubt() -> None:
    before = fed(lowered(200, 80, rr=0))[-1]
    after = fed(reports([1.0] * 60, lambda t: 80.0 + int(t) % 5, from_t=327.5), before)
    assert Signal.LIVE not in {source.signal for source in after}


def test_a_strap_taken_off_and_put_on_again_is_weak_for_a_minute_and_then_live() -> None:
    before = receive(fed(lowered(200, 80, rr=0))[-1], HeartRate(321, 0.0), warming_up=False)
    after = fed(reports([1.0] * 80, lambda t: 84.0 + int(t) % 5, from_t=345.5), before)
    assert {source.reason for source in after[:59]} == {"believed"}
    assert after[-1].signal is Signal.LIVE


def test_a_short_silence_does_not_shorten_a_weakness_that_was_to_last() -> None:
    """A level believed for its age alone urges nobody for five minutes, also where reports are missing."""
    believed = fed(lowered(700, 110, rr=0))[-1]
    assert believed.reason == "believed"
    after = fed(reports([1.0] * 20, lambda t: 110.0 + int(t) % 5, from_t=828.0), believed)
    assert {source.signal for source in after} == {Signal.WEAK}


def test_a_rate_above_its_own_beats_is_counted_after_a_minute_and_one_below_is_not() -> None:
    def told(beat_ms: float) -> list[HeartRateSource]:
        return fed(HeartRate(t + 0.5, 120.0 + t % 3, (beat_ms + t % 7, beat_ms)) for t in range(180))

    assert (told(700.0)[-1].signal, told(700.0)[-1].reason) == (Signal.WEAK, "rr_disagrees")
    assert told(350.0)[-1].signal is Signal.IMPLAUSIBLE


def doubled(factor: float, *, until_t: int = 2400) -> list[HeartRate]:
    """Return reports whose RR intervals are so many times as long as the rate's beats, as they fall due."""
    messages, due_s = [], 0.0
    for t in range(until_t):
        bpm = round(110 + 40 * math.sin(t * math.tau / 240))
        rr_ms = []
        while due_s <= t:
            rr_ms.append(60000 / bpm * factor + len(messages) % 7)
            due_s += rr_ms[-1] / 1000
        messages.append(HeartRate(t + 0.5, float(bpm), tuple(rr_ms)))
    return messages


@pytest.mark.parametrize(("factor", "longest_s"), [(2.0, 240), (1.5, 240), (0.5, 160)])
def test_intervals_in_another_unit_are_let_go_and_the_rate_is_used(factor: float, longest_s: int) -> None:
    """Between slow beats come reports without an interval; they must not make the signal flap."""
    seen = fed(doubled(factor))
    assert {source.signal for source in seen[longest_s:]} == {Signal.LIVE}
    assert sum(after.signal is not before.signal for before, after in pairwise(seen)) <= 4
    assert seen[-1].rr_let_go


def test_intervals_that_agree_again_are_believed_again() -> None:
    before = fed(doubled(2.0, until_t=300))[-1]
    good = [
        HeartRate(300.5 + t, before.bpm or 0.0, (60000 / (before.bpm or 1.0) + 3 * (t % 2 * 2 - 1),)) for t in range(30)
    ]
    assert not fed(good, before)[-1].rr_let_go


def test_one_lasting_doubt_is_one_notice() -> None:
    """A rate that is out of range every few seconds is one trouble, not a hundred."""
    wild = [HeartRate(t + 0.5, 245.0 if t % 7 == 0 and t > 100 else training(t)) for t in range(845)]
    assert raised(led(wild)).count("signal_implausible") == 1


def test_a_source_that_the_adapter_lost_learns_no_gap_from_its_absence() -> None:
    source = lose(fed(reports([1.0] * 20))[-1], "disconnected")
    assert fed(reports([1.0] * 2, from_t=90.5), source)[-1].pace.gaps_s == (1.0,) * 12
