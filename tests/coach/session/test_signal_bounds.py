"""H2, H3: where exactly each check of the strap begins and ends: one report, given what was known before it."""

from typing import Any

import pytest
from msgspec.structs import replace

from coach.model.events import Signal
from coach.model.messages import HeartRate
from coach.session.pace import Pace
from coach.session.signal_quality import HeartRateSource, echoes, expire, lose, receive

GOOD = HeartRateSource(
    signal=Signal.LIVE,
    reason="ok",
    bpm=150.0,
    at_t=99.0,
    changed_t=99.0,
    trusted_bpm=150.0,
    trusted_t=99.0,
    usable_since_t=0.0,
)
"""A good source at 99 s; the report that is judged comes at 100 s."""
JUMPED = replace(GOOD, signal=Signal.WEAK, reason="jump", bpm=190.0, jumped_t=80.0, jump_bpm=40.0, level_bpm=190.0)
JUMPED = replace(JUMPED, level_t=99.0, trusted_t=79.0)
FALLEN = replace(JUMPED, bpm=110.0, jump_bpm=-40.0, level_bpm=110.0)
STALE = replace(GOOD, signal=Signal.STALE, reason="silent", at_t=90.0, trusted_t=90.0, usable_since_t=None)
LIVE, RETURNING, BELIEVED = ("live", "ok"), ("weak", "returning"), ("weak", "believed")
JUMP, WEAK_JUMP, FROZEN, WEAK_FROZEN = (
    ("implausible", "jump"),
    ("weak", "jump"),
    ("implausible", "frozen"),
    ("weak", "frozen"),
)
DISAGREES = ("implausible", "rr_disagrees")


def receives(
    source: HeartRateSource,
    bpm: float,
    t: float = 100.0,
    *rr_ms: float,
    contact: bool | None = None,
    warming_up: bool = False,
) -> HeartRateSource:
    return receive(source, HeartRate(t, bpm, rr_ms, contact), warming_up=warming_up)


def verdict(source: HeartRateSource) -> tuple[str, str]:
    return source.signal.value, source.reason


def at_level(bpm: float, **known: object) -> HeartRateSource:
    """A good source at another rate."""
    return replace(GOOD, bpm=bpm, trusted_bpm=bpm, **known)


@pytest.mark.parametrize(
    ("bpm", "expected"),
    [
        (29.9, ("implausible", "out_of_range")),
        (30.0, ("weak", "very_low")),
        (39.9, ("weak", "very_low")),
        (40.0, LIVE),
        (230.0, LIVE),
        (230.1, ("implausible", "out_of_range")),
    ],
)
def test_hearts_lie_in_30_to_230_and_under_40_urge_nobody(bpm: float, expected: tuple[str, str]) -> None:
    assert verdict(receives(at_level(bpm + 1), bpm)) == expected


def test_an_impossible_rate_is_kept_apart_from_what_is_trusted() -> None:
    source = receives(GOOD, 240.0)
    assert (source.bpm, source.at_t, source.trusted_bpm, source.usable_since_t) == (240.0, 100.0, 150.0, None)


def test_no_rate_is_a_strap_that_is_lost_from_now() -> None:
    source = receives(GOOD, 0.0)
    assert (verdict(source), source.bpm, source.at_t, source.usable_since_t) == (("lost", "no_rate"), None, 100.0, None)
    assert verdict(receives(at_level(30.0), 0.5)) == ("implausible", "out_of_range")


@pytest.mark.parametrize(
    ("trusted_t", "bpm", "expected"),
    [
        (99.0, 163.0, LIVE),
        (99.0, 163.1, JUMP),
        (99.0, 137.0, LIVE),
        (99.0, 136.9, JUMP),
        (96.0, 172.0, LIVE),
        (96.0, 172.1, JUMP),
        (80.0, 185.0, LIVE),
        (80.0, 185.1, JUMP),
    ],
)
def test_ten_beats_and_three_a_second_more_up_to_35_are_no_jump(
    trusted_t: float, bpm: float, expected: tuple[str, str]
) -> None:
    source = receives(replace(GOOD, trusted_t=trusted_t), bpm)
    assert verdict(source) == expected
    if expected is LIVE:
        assert (source.trusted_bpm, source.trusted_t, source.jumped_t) == (bpm, 100.0, None)
    else:
        jump = (source.trusted_bpm, source.jumped_t, source.jump_bpm, source.level_bpm, source.level_t)
        assert jump == (150.0, 100.0, bpm - 150.0, bpm, 100.0)


@pytest.mark.parametrize(("jumped_t", "expected"), [(85.1, JUMP), (85.0, WEAK_JUMP)])
def test_a_jump_is_implausible_for_15_seconds_and_weak_after_them(jumped_t: float, expected: tuple[str, str]) -> None:
    source = receives(replace(JUMPED, jumped_t=jumped_t), 191.0)
    assert verdict(source) == expected
    assert (source.level_bpm, source.level_t, source.trusted_bpm, source.jumped_t) == (191.0, 100.0, 150.0, jumped_t)


@pytest.mark.parametrize(
    ("source", "bpm", "expected"),
    [
        (JUMPED, 174.0, RETURNING),
        (JUMPED, 174.1, JUMP),
        (JUMPED, 90.0, RETURNING),
        (JUMPED, 89.9, JUMP),
        (JUMPED, 210.0, JUMP),
        (FALLEN, 126.0, RETURNING),
        (FALLEN, 125.9, JUMP),
        (FALLEN, 210.0, RETURNING),
        (FALLEN, 90.0, JUMP),
    ],
)
def test_a_jump_is_over_by_a_jump_back_of_two_fifths_to_five_halves_of_it(
    source: HeartRateSource, bpm: float, expected: tuple[str, str]
) -> None:
    after = receives(source, bpm)
    assert verdict(after) == expected
    if expected == RETURNING:
        assert (after.trusted_bpm, after.trusted_t, after.jumped_t, after.jump_bpm) == (bpm, 100.0, None, 0.0)
        assert after.weak_until_t == 105.0
    else:
        assert (after.jumped_t, after.jump_bpm, after.level_bpm) == (100.0, bpm - 150.0, bpm)


@pytest.mark.parametrize(
    ("jumped_t", "bpm", "expected"),
    [(90.0, 160.0, RETURNING), (89.9, 160.0, JUMP), (90.0, 160.1, JUMP), (90.0, 159.0, RETURNING)],
)
def test_a_jump_of_seconds_is_over_where_the_rate_glides_back_to_ten_beats(
    jumped_t: float, bpm: float, expected: tuple[str, str]
) -> None:
    gliding = replace(JUMPED, jumped_t=jumped_t, bpm=165.0, level_bpm=165.0)
    assert verdict(receives(gliding, bpm)) == expected


@pytest.mark.parametrize(
    ("source", "since_s", "warming_up", "expected"),
    [
        (JUMPED, 60.0, False, BELIEVED),
        (JUMPED, 59.9, False, WEAK_JUMP),
        (FALLEN, 180.0, True, BELIEVED),
        (FALLEN, 179.9, True, WEAK_JUMP),
        (FALLEN, 600.0, False, BELIEVED),
        (FALLEN, 599.9, False, WEAK_JUMP),
        (replace(FALLEN, beats_since_t=-200.0), 300.0, False, BELIEVED),
        (replace(FALLEN, beats_since_t=-200.0), 299.9, False, WEAK_JUMP),
        (replace(FALLEN, beats_since_t=-199.9), 599.9, False, WEAK_JUMP),
        (replace(FALLEN, beats_since_t=-200.0, jump_bpm=-90.0, level_bpm=60.0, bpm=60.0), 599.0, False, WEAK_JUMP),
        (replace(FALLEN, beats_since_t=-200.0, jump_bpm=-60.0, level_bpm=90.0, bpm=90.0), 599.0, False, WEAK_JUMP),
        (replace(FALLEN, beats_since_t=-200.0, jump_bpm=-91.0, level_bpm=59.0, bpm=59.0), 300.0, False, BELIEVED),
        (replace(FALLEN, beats_since_t=-200.0, jump_bpm=-59.0, level_bpm=91.0, bpm=91.0), 300.0, False, BELIEVED),
    ],
)
def test_a_smooth_level_after_a_jump_is_believed_after_its_time(
    source: HeartRateSource,
    since_s: float,
    warming_up: bool,  # noqa: FBT001
    expected: tuple[str, str],
) -> None:
    before = replace(source, jumped_t=100.0 - since_s)
    regular = () if source.beats_since_t is None else (60000 / source.level_bpm + 9,)
    after = receives(
        before, source.level_bpm + 1 if not regular else source.level_bpm, 100.0, *regular, warming_up=warming_up
    )
    assert verdict(after) == expected
    if expected == BELIEVED:
        assert (after.weak_until_t, after.jumped_t, after.trusted_t) == (400.0, None, 100.0)


@pytest.mark.parametrize(
    ("weak_until_t", "reason", "expected"),
    [(100.1, "believed", BELIEVED), (100.0, "believed", LIVE), (100.1, "returning", RETURNING)],
)
def test_a_weakness_is_over_at_its_time(weak_until_t: float, reason: str, expected: tuple[str, str]) -> None:
    assert verdict(receives(replace(GOOD, weak_until_t=weak_until_t, weak_reason=reason), 151.0)) == expected


# After silence


@pytest.mark.parametrize(
    ("bpm", "expected"), [(175.0, RETURNING), (175.1, JUMP), (125.0, RETURNING), (124.9, JUMP), (150.0, RETURNING)]
)
def test_in_silence_a_heart_gets_15_beats_and_one_a_second_away(bpm: float, expected: tuple[str, str]) -> None:
    source = receives(STALE, bpm)
    assert verdict(source) == expected
    # The gap itself is a sign of life: the same rate as before it is not frozen.
    assert source.changed_t == 100.0
    if expected is RETURNING:
        assert (source.weak_until_t, source.trusted_bpm, source.usable_since_t) == (105.0, bpm, 100.0)


def test_the_first_rate_of_all_is_a_beginning() -> None:
    source = receives(HeartRateSource(), 80.0)
    assert verdict(source) == LIVE
    assert (source.trusted_bpm, source.trusted_t, source.weak_until_t, source.changed_t) == (80.0, 100.0, 100.0, 100.0)


def test_a_source_that_began_out_of_range_trusts_the_first_rate_within_it() -> None:
    source = receives(replace(GOOD, trusted_bpm=None, trusted_t=0.0, signal=Signal.IMPLAUSIBLE), 80.0)
    assert (verdict(source), source.trusted_bpm, source.trusted_t) == (LIVE, 80.0, 100.0)


def test_a_doubt_outlasts_a_short_silence_where_the_rate_is_where_it_was_doubted() -> None:
    doubted = replace(JUMPED, signal=Signal.STALE, at_t=90.0, level_t=90.0, trusted_t=79.0, jumped_t=80.0)
    same = receives(doubted, 191.0)
    assert (verdict(same), same.level_bpm, same.level_t, same.jumped_t) == (WEAK_JUMP, 191.0, 100.0, 80.0)
    assert (receives(doubted, 225.0).jumped_t, receives(doubted, 225.1).jumped_t) == (80.0, 100.0)
    recent = replace(doubted, at_t=95.0, level_t=95.0)
    assert (receives(recent, 215.0).jumped_t, receives(recent, 215.1).jumped_t) == (80.0, 100.0)


@pytest.mark.parametrize(("bpm", "believed"), [(175.0, True), (175.1, False)])
def test_a_doubted_source_has_only_its_silence_to_come_back_in(bpm: float, believed: bool) -> None:  # noqa: FBT001
    """Silent for 10 s, though it was trusted 40 s ago: 15 + 10 beats."""
    doubted = replace(JUMPED, signal=Signal.STALE, at_t=90.0, level_bpm=230.0, level_t=90.0, trusted_t=60.0)
    source = receives(doubted, bpm)
    assert (source.jumped_t is None) is believed
    if believed:
        assert (verdict(source), source.weak_until_t) == (BELIEVED, 400.0)


def test_a_doubted_strap_that_said_it_had_no_rate_was_put_on_afresh() -> None:
    refitted = replace(JUMPED, signal=Signal.LOST, reason="no_rate", bpm=None, at_t=90.0, trusted_t=60.0)
    source = receives(refitted, 160.0)
    assert (verdict(source), source.weak_until_t, source.jumped_t) == (BELIEVED, 160.0, None)
    lost = receives(replace(refitted, reason="silent"), 160.0)
    assert (verdict(lost), lost.weak_until_t) == (BELIEVED, 400.0)
    # It was lost, so all the time since it was trusted counts.
    assert receives(refitted, 205.0).jumped_t is None


@pytest.mark.parametrize(("weak_until_t", "after"), [(105.1, 105.1), (105.0, 105.0), (50.0, 105.0)])
def test_a_short_silence_does_not_shorten_a_longer_weakness(weak_until_t: float, after: float) -> None:
    source = receives(replace(STALE, weak_until_t=weak_until_t, weak_reason="believed"), 150.0)
    assert (source.weak_until_t, source.weak_reason) == (after, "believed" if weak_until_t > 105 else "returning")


# Standing still


@pytest.mark.parametrize(
    ("flat_s", "usual_s", "expected"),
    [
        (44.9, 1.0, LIVE),
        (45.0, 1.0, WEAK_FROZEN),
        (59.9, 1.0, WEAK_FROZEN),
        (60.0, 1.0, FROZEN),
        (53.9, 6.0, LIVE),
        (54.0, 6.0, WEAK_FROZEN),
        (71.9, 6.0, WEAK_FROZEN),
        (72.0, 6.0, FROZEN),
    ],
)
def test_a_rate_that_stands_still_is_weak_then_frozen_by_the_sources_own_pace(
    flat_s: float, usual_s: float, expected: tuple[str, str]
) -> None:
    source = replace(GOOD, changed_t=100.0 - flat_s, at_t=100.0 - usual_s, pace=Pace((usual_s,) * 3))
    assert verdict(receives(source, 150.0)) == expected


@pytest.mark.parametrize(("usual_s", "expected"), [(6.5, LIVE), (6.6, ("weak", "slow"))])
def test_a_source_slower_than_six_and_a_half_seconds_urges_nobody(usual_s: float, expected: tuple[str, str]) -> None:
    assert verdict(receives(replace(GOOD, at_t=100.0 - usual_s, pace=Pace((usual_s,) * 3)), 151.0)) == expected


@pytest.mark.parametrize(
    ("same_rr", "rr_run", "expected"), [(3, 0, LIVE), (4, 0, FROZEN), (4, 2, FROZEN), (4, 3, LIVE), (5, 3, FROZEN)]
)
def test_the_same_beats_five_times_are_frozen_or_twice_the_longest_run_that_ended(
    same_rr: int, rr_run: int, expected: tuple[str, str]
) -> None:
    source = replace(GOOD, last_rr_ms=(390.0, 411.0), same_rr=same_rr, rr_run=rr_run)
    assert verdict(receives(source, 150.0, 100.0, 390.0, 411.0)) == expected


def test_other_beats_are_a_sign_of_life_and_end_the_run() -> None:
    source = replace(GOOD, last_rr_ms=(390.0, 411.0), same_rr=4, rr_run=3, changed_t=60.0)
    other = receives(source, 150.0, 100.0, 391.0, 411.0)
    assert (other.same_rr, other.rr_run, other.changed_t, other.last_rr_ms) == (0, 4, 100.0, (391.0, 411.0))
    same = receives(source, 150.0, 100.0, 390.0, 411.0)
    assert (same.same_rr, same.rr_run, same.changed_t) == (5, 3, 60.0)
    none = receives(source, 150.0)
    assert (none.same_rr, none.rr_run, none.changed_t) == (0, 3, 60.0)
    assert receives(replace(source, same_rr=30), 151.0).rr_run == 20
    assert receives(replace(source, rr_run=7), 151.0).rr_run == 7
    gone = receives(replace(STALE, last_rr_ms=(390.0,), same_rr=4, rr_run=1), 151.0)
    assert gone.rr_run == 1


# Beats


def beating(rr_ms: float, kept: int = 10, **known: object) -> HeartRateSource:
    return replace(GOOD, rr_ms=(rr_ms,) * kept, **known)


@pytest.mark.parametrize(
    ("rate_of_beats", "kept", "rr_off", "expected"),
    [
        (119.9, 10, 2, DISAGREES),
        (120.1, 10, 2, LIVE),
        (180.1, 10, 2, DISAGREES),
        (179.9, 10, 2, LIVE),
        (119.9, 10, 1, LIVE),
        (119.9, 9, 2, LIVE),
    ],
)
def test_eleven_beats_a_fifth_off_the_rate_three_times_in_a_row_disagree(
    rate_of_beats: float, kept: int, rr_off: int, expected: tuple[str, str]
) -> None:
    rr_ms = 60000 / rate_of_beats
    after = receives(beating(rr_ms, kept, rr_off=rr_off, rr_off_t=98.0), 150.0, 100.0, rr_ms)
    assert verdict(after) == expected
    off = rate_of_beats in (119.9, 180.1) and kept == 10
    assert (after.rr_off, after.rr_off_t) == ((rr_off + 1, 98.0) if off else (0, None))


def test_a_disagreement_is_dated_from_its_first_report_and_none_begins_after_silence_or_without_beats() -> None:
    rr_ms = 60000 / 100.0
    assert receives(beating(rr_ms), 150.0, 100.0, rr_ms).rr_off_t == 100.0
    assert receives(beating(rr_ms, rr_off=2), 150.0).rr_off == 0
    assert receives(beating(rr_ms, signal=Signal.STALE, rr_off=2), 150.0, 100.0, *(rr_ms,) * 11).rr_off == 0


@pytest.mark.parametrize(
    ("rate_of_beats", "off_t", "expected"),
    [
        (100.0, 40.0, ("weak", "rr_disagrees")),
        (100.0, 40.1, DISAGREES),
        (200.0, 40.0, DISAGREES),
    ],
)
def test_a_rate_above_its_beats_is_shown_after_a_minute_and_one_below_them_never(
    rate_of_beats: float, off_t: float, expected: tuple[str, str]
) -> None:
    rr_ms = 60000 / rate_of_beats
    assert verdict(receives(beating(rr_ms, rr_off=5, rr_off_t=off_t), 150.0, 100.0, rr_ms)) == expected


def test_the_last_eleven_possible_beats_are_kept_unless_the_reports_are_far_apart() -> None:
    kept = receives(beating(400.0, 11), 150.0, 100.0, 269.9, 270.0, 2000.0, 2000.1).rr_ms
    assert kept == (*(400.0,) * 9, 270.0, 2000.0)
    assert receives(beating(400.0, at_t=97.5), 150.0, 100.0, 410.0).rr_ms == (*(400.0,) * 10, 410.0)
    assert receives(beating(400.0, at_t=97.4), 150.0, 100.0, 410.0).rr_ms == (410.0,)
    assert receives(beating(400.0, signal=Signal.STALE, at_t=99.0), 150.0, 100.0, 410.0).rr_ms == (410.0,)


@pytest.mark.parametrize(
    ("rr_ms", "since_t"),
    [
        ((390.0, 584.9), 20.0),
        ((390.0, 585.0), None),
        ((390.0, 200.0), None),
        ((), None),
    ],
)
def test_regular_beats_are_dated_and_any_other_report_ends_them(
    rr_ms: tuple[float, ...], since_t: float | None
) -> None:
    assert receives(replace(GOOD, beats_since_t=20.0), 150.0, 100.0, *rr_ms).beats_since_t == since_t


def test_beats_of_its_own_begin_with_intervals_that_are_no_echo() -> None:
    assert receives(GOOD, 150.0, 100.0, 390.0).beats_since_t == 100.0
    assert receives(GOOD, 150.0, 100.0, 400.0).beats_since_t is None
    assert receives(beating(600.0, beats_since_t=20.0), 150.0, 100.0, 600.0).beats_since_t is None


@pytest.mark.parametrize(
    ("rr_ms", "echo"),
    [
        ((402.0,), True),
        ((402.7,), False),
        ((397.4,), True),
        ((397.3,), False),
        ((400.0, 390.0), False),
        ((0.0,), False),
        ((), False),
    ],
)
def test_an_echo_lies_within_two_milliseconds_or_one_beat_of_the_rate(rr_ms: tuple[float, ...], echo: bool) -> None:  # noqa: FBT001
    assert echoes(rr_ms, 150.0) is echo


def test_at_a_slow_rate_two_milliseconds_are_less_than_a_beat_and_at_a_fast_one_more() -> None:
    assert [echoes((60000 / bpm,), 40.0) for bpm in (41.0, 41.1, 39.0, 38.9)] == [True, False, True, False]
    assert [echoes((60000 / 220.0 + ms,), 220.0) for ms in (2.0, 2.1, -2.0, -2.1)] == [True, False, True, False]


# The contact bit


@pytest.mark.parametrize(
    ("off_t", "was_set", "expected"),
    [
        (-20.0, False, LIVE),
        (-19.9, False, ("weak", "no_contact")),
        (-200.0, True, LIVE),
        (-199.9, True, ("weak", "no_contact")),
        (None, False, ("weak", "no_contact")),
    ],
)
def test_a_contact_bit_is_outweighed_by_two_minutes_or_by_five_where_it_was_set_before(
    off_t: float | None,
    was_set: bool,  # noqa: FBT001
    expected: tuple[str, str],
) -> None:
    source = receives(replace(GOOD, contact_off_t=off_t, contact_was_set=was_set), 151.0, contact=False)
    assert verdict(source) == expected
    assert source.contact_off_t == (100.0 if off_t is None else off_t)


@pytest.mark.parametrize(
    "doubt",
    [
        {"signal": Signal.STALE, "at_t": 94.0},
        {"jumped_t": 80.0, "jump_bpm": 40.0, "level_bpm": 150.0, "level_t": 99.0, "trusted_bpm": 110.0},
        {"rr_ms": (600.0,) * 11, "rr_off": 0, "_rr": (600.0,)},
        {"changed_t": 55.0},
    ],
    ids=["silence", "jump", "beats that disagree", "standing still"],
)
def test_a_doubt_of_its_own_begins_the_contact_bits_time_again(doubt: dict[str, Any]) -> None:
    known = dict(doubt)
    rr_ms = known.pop("_rr", ())
    source = replace(GOOD, contact_off_t=-200.0, **known)
    assert receives(source, 150.0, 100.0, *rr_ms, contact=False).contact_off_t == 100.0


@pytest.mark.parametrize(
    ("on_t", "expected"), [(None, ("weak", "no_contact")), (95.1, ("weak", "no_contact")), (95.0, LIVE), (40.1, LIVE)]
)
def test_a_contact_bit_that_was_off_a_moment_ago_is_believed_again_after_five_seconds(
    on_t: float | None, expected: tuple[str, str]
) -> None:
    off = replace(GOOD, contact_off_t=50.0, contact_on_t=on_t)
    source = receives(off, 151.0, contact=True)
    assert verdict(source) == expected
    assert (source.contact_off_t, source.contact_was_set) == (50.0, True)
    assert source.contact_on_t == (100.0 if on_t is None else on_t)


def test_a_contact_bit_that_has_been_set_for_a_minute_never_wavered() -> None:
    off = replace(GOOD, contact_off_t=30.0, contact_on_t=40.0)
    assert receives(off, 151.0, contact=True).contact_off_t is None
    unknown = receives(replace(off, contact_on_t=95.0), 151.0)
    assert (unknown.contact_off_t, unknown.contact_on_t, unknown.contact_was_set) == (30.0, 95.0, False)
    let_go = receives(replace(off, contact_on_t=95.0, contact_was_set=True), 151.0, contact=False)
    assert (let_go.contact_off_t, let_go.contact_on_t, let_go.contact_was_set) == (30.0, None, True)


@pytest.mark.parametrize(
    ("bpm", "still_bpm", "kept", "expected_still"),
    [(157.9, 150.0, (390.0,), 150.0), (158.0, 150.0, (), 0.0), (150.0, None, (390.0,), 150.0)],
)
def test_intervals_that_stay_the_same_while_the_rate_moves_eight_beats_are_no_beats(
    bpm: float, still_bpm: float | None, kept: tuple[float, ...], expected_still: float
) -> None:
    source = receives(replace(GOOD, last_rr_ms=(390.0,), rr_still_bpm=still_bpm), bpm, 100.0, 390.0)
    assert (source.rr_ms, source.rr_still_bpm, source.last_rr_ms) == (kept, expected_still, (390.0,))
    assert receives(replace(GOOD, last_rr_ms=(391.0,), rr_still_bpm=100.0), 150.0, 100.0, 390.0).rr_still_bpm == 150.0
    before = replace(GOOD, last_rr_ms=(390.0,), rr_ms=(390.0,) * 5, rr_still_bpm=150.0)
    assert receives(before, 158.0, 100.0, 390.0).rr_ms == ()


@pytest.mark.parametrize(
    ("rr_ms", "same_rr", "expected"),
    [(405.0, 13, LIVE), (405.0, 14, FROZEN), (390.0, 14, FROZEN), (410.1, 4, FROZEN), (389.9, 4, FROZEN)],
)
def test_rounded_intervals_near_the_rate_may_repeat_fifteen_times(
    rr_ms: float, same_rr: int, expected: tuple[str, str]
) -> None:
    source = replace(GOOD, last_rr_ms=(rr_ms,), same_rr=same_rr, rr_still_bpm=150.0)
    assert verdict(receives(source, 150.0, 100.0, rr_ms)) == expected


def test_a_source_that_relapses_within_five_minutes_must_be_usable_for_a_minute() -> None:
    first = expire(GOOD)
    assert (first.troubled_t, first.relapsed) == (99.0, False)
    assert expire(replace(GOOD, troubled_t=-201.0)).relapsed
    assert not expire(replace(GOOD, troubled_t=-201.1)).relapsed
    relapsed = replace(GOOD, relapsed=True, usable_since_t=90.0)
    assert [relapsed.steady(149.9), relapsed.steady(150.0)] == [False, True]
    already = replace(GOOD, usable_since_t=None, troubled_t=50.0)
    assert (expire(already).troubled_t, expire(already).relapsed) == (50.0, False)


# Time


@pytest.mark.parametrize(
    ("gaps_s", "due_s", "fresh_s", "flat_s"),
    [((), 5.0, 2.5, 8.0), ((5.0,) * 3, 9.0, 6.25, 11.0), ((9.0,) * 3, 12.0, 8.0, 14.0)],
)
def test_silence_freshness_and_standing_still_are_judged_by_the_pace_within_bounds(
    gaps_s: tuple[float, ...], due_s: float, fresh_s: float, flat_s: float
) -> None:
    source = replace(GOOD, pace=Pace(gaps_s))
    assert source.due_t == 99.0 + due_s
    assert [source.fresh(99.0 + fresh_s), source.fresh(99.0 + fresh_s + 0.1)] == [True, False]
    assert [source.flat(99.0 + flat_s), source.flat(99.0 + flat_s + 0.1)] == [False, True]
    assert replace(source, signal=Signal.STALE).due_t == 119.0
    assert replace(source, signal=Signal.LOST).due_t is None
    assert (replace(source, at_t=None).due_t, replace(source, at_t=None).fresh(99.0)) == (None, False)


def test_a_source_is_steady_after_ten_usable_seconds() -> None:
    source = replace(GOOD, usable_since_t=90.0)
    assert [source.steady(99.9), source.steady(100.0), replace(source, usable_since_t=None).steady(100.0)] == [
        False,
        True,
        False,
    ]
    again = receives(replace(GOOD, usable_since_t=None), 151.0)
    assert (again.usable_since_t, receives(GOOD, 151.0).usable_since_t, receives(GOOD, 199.0).usable_since_t) == (
        100.0,
        0.0,
        None,
    )


def test_silence_and_the_adapters_word_end_what_was_usable() -> None:
    over = {"usable_since_t": None, "troubled_t": 99.0}
    stale = expire(GOOD)
    assert stale == replace(GOOD, signal=Signal.STALE, reason="silent", **over)
    assert expire(stale) == replace(stale, signal=Signal.LOST)
    assert lose(GOOD, "disconnected") == replace(GOOD, signal=Signal.LOST, reason="disconnected", **over)


def test_gaps_are_learned_but_not_from_before_the_first_report_or_after_a_loss() -> None:
    assert receives(replace(GOOD, at_t=95.0), 151.0).pace == Pace((5.0,))
    assert receives(STALE, 151.0).pace == Pace((10.0,))
    assert receives(replace(GOOD, signal=Signal.LOST), 151.0).pace == Pace()
    assert receives(HeartRateSource(), 151.0).pace == Pace()


def test_nothing_is_known_of_a_strap_that_was_never_seen() -> None:
    assert HeartRateSource() == HeartRateSource(
        signal=Signal.LOST,
        reason="never_seen",
        bpm=None,
        at_t=None,
        changed_t=0.0,
        trusted_bpm=None,
        trusted_t=0.0,
        jump_bpm=0.0,
        jumped_t=None,
        level_bpm=0.0,
        level_t=0.0,
        weak_until_t=0.0,
        weak_reason="returning",
        rr_ms=(),
        last_rr_ms=(),
        same_rr=0,
        rr_off=0,
        pace=Pace(()),
        rr_run=0,
        rr_off_t=None,
        beats_since_t=None,
        contact_off_t=None,
        rr_still_bpm=None,
        contact_on_t=None,
        contact_was_set=False,
        usable_since_t=None,
        troubled_t=None,
        relapsed=False,
    )
    assert [(replace(GOOD, signal=one).shown_bpm, replace(GOOD, signal=one).usable_bpm) for one in Signal] == [
        (
            150.0 if one not in (Signal.STALE, Signal.LOST) else None,
            150.0 if one in (Signal.LIVE, Signal.WEAK) else None,
        )
        for one in Signal
    ]
