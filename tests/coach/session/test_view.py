"""The snapshot of one moment and the profile of the whole session: pure views of the state."""

import pytest
from msgspec.structs import replace

from coach.model.events import Advice, Direction, Level, Signal
from coach.model.messages import CommandName, HeartRate, SessionCommand
from coach.model.protocol import PhaseKind
from coach.model.snapshot import Bout, NoticeNow, ProfilePhase, ZoneNow
from coach.session.snapshots import profile
from tests.support.led_session import PLAN, LedSession, built_in


def test_before_the_start() -> None:
    seen = LedSession(started=False).send(HeartRate(3, 80)).seen
    assert (seen.stage, seen.phase, seen.phase_index, seen.interval, seen.intervals) == ("ready", "waiting", 0, 0, 2)
    assert (seen.phase_elapsed_s, seen.phase_remaining_s, seen.phase_length_s, seen.session_elapsed_s) == (0, 0, 0, 0)
    assert (seen.bpm, seen.fraction, seen.signal, seen.signal_age_s) == (80, 0.4, Signal.LIVE, 0)
    assert seen.zone == ZoneNow(120.0, 150.0)
    assert (seen.bout, seen.text, seen.prediction, seen.question, seen.summary) == (None, {}, None, None, None)


def test_nothing_seen_yet() -> None:
    seen = LedSession(started=False).seen
    assert (seen.bpm, seen.fraction, seen.signal, seen.signal_reason, seen.signal_age_s, seen.position) == (
        None,
        None,
        Signal.LOST,
        "never_seen",
        None,
        "unknown",
    )


def test_within_an_interval() -> None:
    session = LedSession(protocol=built_in("4x4")).live_until(600).live_until(650, 150)
    seen = session.send(HeartRate(650.5, 150)).seen
    assert (seen.stage, seen.phase, seen.phase_index, seen.interval, seen.intervals) == (
        "running",
        "interval",
        1,
        1,
        4,
    )
    assert (seen.phase_elapsed_s, seen.phase_remaining_s, seen.phase_length_s, seen.session_elapsed_s) == (
        50.5,
        189.5,
        240,
        650.5,
    )
    assert seen.zone == ZoneNow(170.0, 190.0, 15, 17)
    assert seen.advice == Advice(Direction.FASTER, 1.6, 6.0, 5.0, "phase_start")


@pytest.mark.parametrize(("bpm", "position"), [(169, "below"), (170, "in"), (190, "in"), (191, "above")])
def test_both_ends_of_the_zone_belong_to_it(bpm: float, position: str) -> None:
    session = LedSession().live_until(60).live_until(120, 165).live_until(150, bpm).send(HeartRate(151, bpm))
    assert session.seen.position == position


def test_without_a_zone_the_position_is_unknown() -> None:
    plan = replace(PLAN, mode="exertion", hr_max_bpm=None)
    seen = LedSession(plan).live_until(100, 150).seen
    assert (seen.position, seen.zone, seen.fraction, seen.bpm) == ("unknown", ZoneNow(), None, 150)


def test_after_the_end() -> None:
    seen = LedSession().live_until(100, 150).command(CommandName.STOP).seen
    assert (seen.stage, seen.phase, seen.zone, seen.phase_length_s, seen.session_elapsed_s) == (
        "ended",
        "ended",
        ZoneNow(),
        0,
        100.0,
    )
    assert seen.advice == Advice()
    assert seen.summary is not None


def test_notices_that_hold_are_shown_since_when() -> None:
    seen = LedSession().live_until(30).silent_until(36).seen
    assert seen.notices == (NoticeNow("signal_stale", Level.INFORMATION, 35.0),)


@pytest.mark.parametrize(
    ("into_s", "bout"),
    [
        (0, Bout(working=True, number=1, total=8, remaining_s=20.0)),
        (19, Bout(working=True, number=1, total=8, remaining_s=1.0)),
        (20, Bout(working=False, number=1, total=8, remaining_s=10.0)),
        (30, Bout(working=True, number=2, total=8, remaining_s=20.0)),
        (239, Bout(working=False, number=8, total=8, remaining_s=1.0)),
    ],
)
def test_the_bout_of_a_tabata_round(into_s: int, bout: Bout) -> None:
    session = LedSession(protocol=built_in("tabata-x5")).live_until(600).live_until(600 + into_s, 160)
    assert session.seen.bout == bout


def test_the_instruction_of_a_phase_is_shown() -> None:
    mit = built_in("3x3-mit")
    session = LedSession(protocol=mit).live_until(480 + 900)
    assert session.seen.phase == "motor"
    assert session.seen.text["en"] == "Stand on one leg, change sides"
    assert session.seen.text.keys() == {"nb", "en"}


def test_the_profile_before_the_start_is_the_protocol() -> None:
    shown = profile(LedSession(started=False).state)
    assert shown.phases == (
        ProfilePhase(PhaseKind.WARM_UP, 0, 0.0, 60.0, 120.0, 150.0),
        ProfilePhase(PhaseKind.INTERVAL, 1, 60.0, 300.0, 170.0, 190.0),
        ProfilePhase(PhaseKind.RECOVERY, 0, 300.0, 480.0, 120.0, 140.0),
        ProfilePhase(PhaseKind.INTERVAL, 2, 480.0, 720.0, 170.0, 190.0),
        ProfilePhase(PhaseKind.COOL_DOWN, 0, 720.0, 840.0, 100.0, 130.0),
    )
    assert (shown.trace, shown.hr_max_bpm, shown.ceiling_bpm) == ((), 200.0, 200.0)


def test_the_profile_follows_what_happened() -> None:
    session = LedSession().live_until(60).live_until(200, 165).command(CommandName.EASE).live_until(210, 150)
    session.command(CommandName.EXTEND_RECOVERY)
    assert [(block.kind.value, block.start_s, block.end_s) for block in profile(session.state).phases] == [
        ("warm_up", 0.0, 60.0),
        ("interval", 60.0, 200.0),
        ("recovery", 200.0, 410.0),
        ("interval", 410.0, 650.0),
        ("cool_down", 650.0, 770.0),
    ]


def test_the_profile_of_an_ended_session_holds_only_what_ran() -> None:
    session = LedSession().live_until(60).live_until(100, 150).command(CommandName.STOP)
    assert [block.end_s for block in profile(session.state).phases] == [60.0, 100.0]


def test_the_profile_of_a_session_that_never_started_and_was_stopped_is_the_protocol() -> None:
    session = LedSession(started=False).send(SessionCommand(5, CommandName.STOP))
    assert len(profile(session.state).phases) == 5


def test_the_trace_has_a_rate_every_five_seconds_and_gaps_where_there_was_none() -> None:
    session = LedSession().live_until(12).silent_until(25)
    assert profile(session.state).trace == ((5.0, 120.0), (10.0, 121.0), (15.0, 120.0), (20.0, None), (25.0, None))


def test_without_hr_max_the_profile_has_no_zones() -> None:
    plan = replace(PLAN, mode="exertion", hr_max_bpm=None)
    assert {block.low_bpm for block in profile(LedSession(plan).state).phases} == {None}
