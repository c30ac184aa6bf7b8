"""H3: the heart-rate source's one state, over made straps, good and bad."""

from collections.abc import Callable, Iterable

import pytest

from coach.model.events import Signal
from coach.model.messages import HeartRate
from coach.session.signal_quality import HeartRateSource, expire, lose, receive

State = tuple[str, str]


def fed(
    messages: Iterable[HeartRate], source: HeartRateSource | None = None, *, warming_up: bool = False
) -> list[HeartRateSource]:
    """The source after each notification; silence is told at its due times."""
    now = source or HeartRateSource()
    seen = []
    for message in messages:
        while now.due_t is not None and now.due_t <= message.t:
            now = expire(now)
        now = receive(now, message, warming_up=warming_up)
        seen.append(now)
    return seen


def rates(start_s: int, length_s: int, bpm: Callable[[int], float], *, rr: bool = False) -> list[HeartRate]:
    """One notification a second."""
    told = []
    for t in range(start_s, start_s + length_s):
        rate = bpm(t)
        told.append(HeartRate(t, rate, (60000 / rate + t % 7,) if rr else ()))
    return told


def alive(level: float) -> Callable[[int], float]:
    """A rate about a level, that wobbles as a living one does."""
    return lambda t: level + (t * 7 % 5) - 2


def state(source: HeartRateSource) -> State:
    return source.signal.value, source.reason


GOOD = rates(0, 120, alive(150))


def after(*messages: HeartRate) -> HeartRateSource:
    """The last state after two good minutes and these."""
    return fed([*GOOD, *messages])[-1]


def states(messages: list[HeartRate], *, warming_up: bool = False) -> list[State]:
    """The states after two good minutes, without repetitions."""
    seen: list[State] = []
    for source in fed([*GOOD, *messages], warming_up=warming_up)[len(GOOD) :]:
        if not seen or seen[-1] != state(source):
            seen.append(state(source))
    return seen


@pytest.mark.parametrize(
    "bpm",
    [
        alive(60),
        alive(45),
        alive(200),
        lambda t: 80 + min(t, 100),
        lambda t: 180 - min(t / 2, 90),
        lambda t: 120 + 3 * min(t % 40, 40 - t % 40),
        lambda t: 150 + (t * 37 % 11) - 5,
    ],
    ids=["rest", "an athlete at rest", "near a young maximum", "rise", "fall", "up and down", "beat by beat"],
)
def test_a_good_signal_is_not_called_bad(bpm: Callable[[int], float]) -> None:
    assert {one.signal for one in fed(rates(0, 200, bpm, rr=True))} == {Signal.LIVE}


def test_a_plateau_of_33_seconds_stays_live() -> None:
    """Seen in a real recording."""
    assert states(rates(120, 33, lambda _: 150)) == [("live", "ok")]


def test_a_rate_that_stands_still_is_weak_after_45_seconds_and_frozen_after_60() -> None:
    # The last change came at 119 s or a little before.
    told = fed([*GOOD, *rates(120, 80, lambda _: 170 - 19)])
    changed_t = told[-1].changed_t
    at = {one.at_t: state(one) for one in told}
    assert at[changed_t + 44] == ("live", "ok")
    assert at[changed_t + 45] == ("weak", "frozen")
    assert at[changed_t + 60] == ("implausible", "frozen")


def test_a_frozen_strap_that_lives_again_is_live() -> None:
    assert states([*rates(120, 80, lambda _: 151), *rates(200, 20, alive(150))])[-1] == ("live", "ok")


def test_the_same_rr_intervals_again_and_again_are_frozen() -> None:
    frozen = [HeartRate(t, 150, (392.0, 411.0)) for t in range(120, 130)]
    assert states(frozen)[-1] == ("implausible", "frozen")


@pytest.mark.parametrize("bpm", [29, 20, 231, 255, 300])
def test_a_rate_that_no_heart_has_is_out_of_range(bpm: float) -> None:
    source = after(HeartRate(120, bpm))
    assert state(source) == ("implausible", "out_of_range")
    assert (source.shown_bpm, source.usable_bpm) == (bpm, None)


def test_a_rate_of_nought_is_no_rate() -> None:
    assert state(after(HeartRate(120, 0))) == ("lost", "no_rate")
    assert states([HeartRate(120, 0), *rates(121, 10, alive(150))]) == [
        ("lost", "no_rate"),
        ("weak", "returning"),
        ("live", "ok"),
    ]


def test_without_skin_contact_the_rate_is_weak() -> None:
    assert state(after(HeartRate(120, 150, contact=False))) == ("weak", "no_contact")
    for contact in (True, None):
        assert state(after(HeartRate(120, 150, contact=contact))) == ("live", "ok")


@pytest.mark.parametrize(
    "wrong",
    [lambda bpm: 2 * bpm, lambda bpm: bpm / 2, lambda bpm: bpm + 40, lambda bpm: bpm - 40],
    ids=["doubled", "halved", "+40", "-40"],
)
@pytest.mark.parametrize("level", [100, 130, 160])
def test_a_sudden_jump_is_disbelieved_at_once_and_believed_again_when_it_is_over(
    wrong: Callable[[float], float], level: float
) -> None:
    good = rates(0, 120, alive(level))
    bad = rates(120, 30, lambda t: wrong(alive(level)(t)))
    back = rates(150, 30, alive(level))
    seen = fed([*good, *bad, *back])
    assert {one.signal for one in seen[:120]} == {Signal.LIVE}
    assert {one.signal for one in seen[120:134]} == {Signal.IMPLAUSIBLE}
    assert Signal.LIVE not in {one.signal for one in seen[120:150]}
    assert seen[-1].signal is Signal.LIVE


def test_a_jump_upwards_that_stays_is_believed_after_a_minute_and_never_before() -> None:
    assert states(rates(120, 500, alive(190))) == [
        ("implausible", "jump"),
        ("weak", "jump"),
        ("weak", "believed"),
        ("live", "ok"),
    ]


def test_nobody_is_urged_for_five_minutes_by_a_level_that_is_believed_for_its_age_alone() -> None:
    seen = fed([*GOOD, *rates(120, 500, alive(190))])
    assert [one.signal for one in seen[180:480]] == [Signal.WEAK] * 300
    assert seen[-1].signal is Signal.LIVE


def test_a_rate_under_forty_is_shown_and_urges_nobody() -> None:
    assert state(fed(rates(0, 60, alive(36)))[-1]) == ("weak", "very_low")


def test_a_jump_downwards_in_work_is_not_believed() -> None:
    """A doubled rate urges nobody; a halved one would."""
    assert states(rates(120, 400, alive(100))) == [("implausible", "jump"), ("weak", "jump")]


def test_a_dry_strap_that_becomes_wet_in_the_warm_up_is_believed_after_three_minutes() -> None:
    seen = states(rates(120, 600, alive(100)), warming_up=True)
    assert seen == [("implausible", "jump"), ("weak", "jump"), ("weak", "believed"), ("live", "ok")]


def test_a_short_artefact_that_glides_back_is_over() -> None:
    glide = [HeartRate(120 + t, 190 - 6 * t) for t in range(7)]
    assert states([*glide, *rates(127, 30, alive(150))])[-1] == ("live", "ok")


def test_a_second_jump_further_on_is_doubted_from_its_own_time() -> None:
    seen = fed([*GOOD, *rates(120, 20, alive(190)), *rates(140, 14, alive(225))])
    assert state(seen[-1]) == ("implausible", "jump")


def test_rr_intervals_that_disagree_with_the_rate_are_implausible() -> None:
    missed = [HeartRate(t, 150 + t % 2, (800.0 + t % 3, 790.0 + t % 5)) for t in range(120, 140)]
    assert states(missed)[-1] == ("implausible", "rr_disagrees")


def test_rr_intervals_that_no_heart_has_are_left_out() -> None:
    odd = [HeartRate(t, 150 + t % 2, (100.0 + t, 5000.0)) for t in range(120, 140)]
    assert states(odd) == [("live", "ok")]


def test_rr_intervals_from_before_a_gap_are_forgotten() -> None:
    with_rr = rates(0, 120, alive(150), rr=True)
    later = [HeartRate(130 + t, 140 + t % 2, (60000 / 140,)) for t in range(5)]
    assert len(fed([*with_rr, *later])[-1].rr_ms) < 11


def test_after_silence_the_rate_is_weak_for_five_seconds() -> None:
    seen = fed([*GOOD, *rates(130, 10, alive(145))])[120:]
    assert [state(one) for one in seen] == [("weak", "returning")] * 5 + [("live", "ok")] * 5


def test_a_burst_after_a_gap_leaves_the_newest_rate() -> None:
    burst = [HeartRate(132.0, 150 - number % 2) for number in range(12)]
    source = after(*burst)
    assert (source.bpm, source.usable_bpm is not None) == (149, True)


def test_a_rate_after_silence_that_no_heart_could_have_come_to_is_doubted() -> None:
    assert state(after(HeartRate(127, 60))) == ("implausible", "jump")


def test_silence_shows_no_number() -> None:
    stale = expire(after())
    assert (state(stale), stale.shown_bpm, stale.usable_bpm, stale.due_t) == (("stale", "silent"), None, None, 139.0)
    gone = expire(stale)
    assert (state(gone), gone.due_t) == (("lost", "silent"), None)


def test_the_adapters_word_counts_at_once() -> None:
    assert state(lose(after(), "disconnected")) == ("lost", "disconnected")


def test_a_strap_that_begins_out_of_range_is_believed_when_it_comes_into_it() -> None:
    assert [state(one) for one in fed([HeartRate(0, 240), HeartRate(1, 80)])] == [
        ("implausible", "out_of_range"),
        ("live", "ok"),
    ]
