"""The cues of whole sessions to the second, their quiet times, and that every cue is given in some session."""

from collections import Counter
from itertools import pairwise
from typing import Any

from msgspec.structs import replace

from coach.model.cue import Cue, CueName
from coach.model.events import Advice, Direction, Level
from coach.model.messages import CommandName, SourceLost
from coach.model.plan import Plan
from coach.model.protocol import Phase, PhaseKind, Protocol
from coach.session.timeline import cues_at
from tests.support.led_session import PLAN, TWO_INTERVALS, LedSession, Says, built_in


def silent(_: Plan) -> Says:
    return Says()


def holding(_: Plan) -> Says:
    return Says(Advice(Direction.HOLD, reason="in_zone"))


def whole(name: str, guidance: Any = silent) -> LedSession:  # noqa: ANN401 - any maker of guidance
    session = LedSession(protocol=built_in(name), guidance=guidance)
    return session.live_until(session.state.protocol.length_s + 5, 150)


def phase_cues(start_s: int, length_s: int, name: CueName, number: int = 0) -> list[Cue]:
    """The cues of a phase without short work and rest: its name, halfway, half a minute left, three, two, one."""
    end_s = start_s + length_s
    return [
        Cue(start_s, name, number=number),
        Cue(start_s + length_s / 2, CueName.HALFWAY),
        Cue(end_s - 30, CueName.HALF_MINUTE_LEFT),
        *(Cue(end_s - left_s, CueName.COUNTDOWN, number=left_s) for left_s in (3, 2, 1)),
    ]


def test_every_cue_of_a_4x4_to_the_second() -> None:
    expected = phase_cues(0, 600, CueName.WARM_UP)
    for number in range(1, 5):
        start_s = 600 + 420 * (number - 1)
        expected += phase_cues(start_s, 240, CueName.INTERVAL, number)
        rest = phase_cues(start_s + 240, 180, CueName.RECOVERY, number)
        after = rest if number < 4 else phase_cues(2100, 300, CueName.COOL_DOWN)
        expected += [after[0], Cue(start_s + 250, CueName.ARE_YOU_ALL_RIGHT), *after[1:]]
    expected += [Cue(2400, CueName.DONE), Cue(2400, CueName.SAY_EXERTION)]
    assert whole("4x4").cues == expected


def test_every_cue_of_a_tabata_round_to_the_second() -> None:
    first = [cue for cue in whole("tabata-x5").cues if 600 <= cue.t < 840]
    expected = [Cue(600, CueName.INTERVAL, number=1)]
    for bout in range(8):
        start_s = 600 + 30 * bout
        if bout:
            expected.append(Cue(start_s, CueName.WORK, number=bout + 1))
        expected.append(Cue(start_s + 20, CueName.REST))
        expected += [Cue(start_s + 30 - left_s, CueName.COUNTDOWN, number=left_s) for left_s in (3, 2, 1)]
    assert first == expected


def test_how_often_each_cue_comes_in_five_tabata_rounds() -> None:
    counted = Counter(cue.name for cue in whole("tabata-x5").cues)
    assert (counted[CueName.INTERVAL], counted[CueName.WORK], counted[CueName.REST]) == (5, 35, 40)
    assert counted[CueName.COUNTDOWN] == 5 * 8 * 3 + 3 * (1 + 4 + 1)


def test_a_short_phase_has_neither_halfway_nor_half_a_minute() -> None:
    short = Phase(PhaseKind.MOTOR, 60)
    cues = [(second, name) for second in range(60) for name, _ in cues_at(short, second, 60)]
    assert cues == [(0, CueName.MOTOR), *((second, CueName.COUNTDOWN) for second in (57, 58, 59))]


def test_halfway_of_an_odd_length_comes_at_the_last_whole_second_before() -> None:
    odd = Phase(PhaseKind.STEADY, 121)
    assert [second for second in range(121) for name, _ in cues_at(odd, second, 121) if name is CueName.HALFWAY] == [60]


def test_two_cues_never_fall_on_the_same_moment_but_where_one_phase_gives_way_to_another() -> None:
    changes = {cue.t for cue in whole("4x4").cues if cue.name in set(map(CueName, PhaseKind)) | {CueName.DONE}}
    doubled = {t for t, count in Counter(cue.t for cue in whole("4x4").cues).items() if count > 1}
    assert doubled <= changes


def test_no_zone_advice_in_the_run_up_of_an_interval_nor_within_twenty_seconds_of_another() -> None:
    session = whole("4x4", holding)
    first = [t for t, _ in session.cued(CueName.HOLD) if 600 <= t < 840]
    assert first == [690, 710, 730, 750, 770, 790, 811], "at 810 something else is said; the last ten seconds are quiet"


def test_no_zone_advice_in_the_first_minute_of_a_recovery() -> None:
    session = whole("4x4", holding)
    first = [t for t, _ in session.cued(CueName.HOLD) if 840 <= t < 1020]
    assert first == [900, 920, 940, 960, 980, 1000]


def test_advice_never_comes_together_with_another_cue() -> None:
    cues = whole("4x4", holding).cues
    taken = {cue.t for cue in cues if cue.name is not CueName.HOLD}
    hold = [cue.t for cue in cues if cue.name is CueName.HOLD]
    assert not taken & set(hold)
    assert all(later - earlier >= 20 for earlier, later in pairwise(hold))


def test_no_tone_or_word_is_louder_than_information_in_an_undisturbed_session() -> None:
    """H10: nothing startling during effort; a cue's level decides its loudness."""
    assert {cue.level for cue in whole("4x4", holding).cues} == {Level.INFORMATION}


def test_a_recovery_is_named_after_the_interval_before_it() -> None:
    cues = [cue.number for cue in whole("4x4").cues if cue.name is CueName.RECOVERY]
    assert cues == [1, 2, 3]


def test_the_treadmill_is_set_by_voice_at_each_phase_change() -> None:
    session = LedSession(replace(PLAN, ceiling_bpm=None)).live_until(60).live_until(300, 172).live_until(480, 130)
    settings = session.cued(CueName.SPEED_UP, CueName.SLOW_DOWN)
    assert settings == [(60.0, CueName.SPEED_UP), (300.0, CueName.SLOW_DOWN), (480.0, CueName.SPEED_UP)]


def eventful_sessions() -> list[LedSession]:
    """Sessions in which everything happens that a coach can speak of."""
    lost = LedSession(answers=False).live_until(60).live_until(310, 150).silent_until(340).live_until(480, 130)
    lost.live_until(520, 150).send(SourceLost(520, "disconnected")).silent_until(900)
    eased = LedSession().live_until(100, 150).silent_until(140)
    by_feeling = LedSession(replace(PLAN, exertion_when_lost=True)).live_until(60).silent_until(100)
    over = LedSession(replace(PLAN, ceiling_bpm=165)).live_until(60).live_until(120, 170)
    slow = LedSession().live_until(60).live_until(300, 150)
    fast = LedSession().live_until(60).live_until(300, 195)
    paused = LedSession().command(CommandName.PAUSE).command(CommandName.RESUME).command(CommandName.STOP)
    steady = LedSession(protocol=built_in("steady"), guidance=holding).live_until(2700, 140)
    hundred = replace(TWO_INTERVALS, phases=(Phase(PhaseKind.WARM_UP, 60), Phase(PhaseKind.MOTOR, 60)))
    motor = LedSession(protocol=hundred).live_until(130)
    return [lost, eased, by_feeling, over, slow, fast, paused, steady, motor, whole("tabata-x5")]


def test_every_cue_is_given_in_some_session() -> None:
    given = {cue.name for session in eventful_sessions() for cue in session.cues}
    # The machine says these of itself: without a session, without an answering coach, with a line from a therapist.
    assert set(CueName) - given == {CueName.SELF_TEST, CueName.MACHINE_SILENT, CueName.THERAPIST_TEXT}


def test_a_protocol_of_nothing_but_a_walk_is_completed_by_walking() -> None:
    walk = Protocol("walk", {}, (Phase(PhaseKind.WARM_UP, 30), Phase(PhaseKind.COOL_DOWN, 30)))
    assert LedSession(protocol=walk).live_until(60).state.completed
    assert not LedSession(protocol=walk).live_until(40).command(CommandName.STOP).state.completed
