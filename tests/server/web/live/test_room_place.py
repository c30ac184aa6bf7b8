"""One machine's place in the room: what is folded together from what was heard."""

from msgspec.structs import replace

from coach.model.events import Level, Signal
from server.live.machine_state import PASSED_SHOWN_S, SEEN_SHOWN_S, TRACE_S, DisplayName, LiveMachine, NoticeKey
from server.live.tiles import CommandTold, NoticeTold
from sync.wire.messages import Clocks, CommandResult, Live, LiveNotice, Software, State

SESSION = "01a201a2-20b4-7dc4-b145-77fdcea40af6"
AT = Clocks("boot", 1.0, 1000.0, synchronised=True)
CEILING = LiveNotice("over_ceiling", Level.ATTENTION, 40.0)
KEY = NoticeKey(SESSION, "over_ceiling", 40.0)


def live(number: int, *, connection: int = 1, **more: object) -> Live:
    usual = Live(
        number=number,
        connection=connection,
        at=AT,
        age_s=0.5,
        face="session",
        participant="p-1",
        session_id=SESSION,
        t=50.0,
        stage="running",
        rate_bpm=150.0,
        low_bpm=140.0,
        high_bpm=160.0,
        signal=Signal.LIVE,
    )
    return replace(usual, **more)


def state(*, online: bool = True, connection: int = 1) -> State:
    return State(
        online=online,
        connection=connection,
        clinic="trondheim",
        machine="molle-1",
        software=Software("0.1.0", "3.11", "Debian 12"),
        at=AT,
    )


def test_a_picture_is_as_old_as_the_machine_says_it_was() -> None:
    place = LiveMachine("molle-1")
    place.hear_live(live(1), 100.0)
    assert place.tile().heard_s == 99.5


def test_a_picture_that_comes_late_is_passed_over() -> None:
    place = LiveMachine("molle-1")
    place.hear_state(state(connection=3), 90.0)
    assert place.hear_live(live(5, connection=3), 100.0) is not None
    assert place.hear_live(live(4, connection=3), 100.1) is None
    assert place.hear_live(live(9, connection=2), 100.2) is None


def test_a_will_that_a_later_birth_has_overtaken_changes_nothing() -> None:
    place = LiveMachine("molle-1")
    place.hear_state(state(connection=2), 100.0)
    assert not place.hear_state(state(online=False, connection=1), 101.0)
    assert place.tile().online


def test_a_machine_that_goes_away_says_since_when() -> None:
    place = LiveMachine("molle-1")
    place.hear_state(state(), 100.0)
    place.hear_state(state(online=False), 160.0)
    assert (place.tile().online, place.tile().link_s, place.away_s(200.0)) == (False, 160.0, 40.0)


def test_a_notice_that_passes_before_anybody_looked_stays_until_it_is_seen() -> None:
    place = LiveMachine("molle-1")
    heard = place.hear_live(live(1, notices=(CEILING,)), 100.0)
    assert heard is not None
    assert [one.code for one in heard.raised] == ["over_ceiling"]
    heard = place.hear_live(live(2, t=58.0), 108.0)
    assert heard is not None
    assert heard.ended == ((KEY, 18.0),)
    (told,) = place.tile().notices
    assert (told.holds, told.lasted_s, told.to_acknowledge, told.at_s) == (False, 18.0, True, None)
    place.told_seen(KEY, "Kari", 110.0)
    assert place.tile().notices[0].by == "Kari"
    assert place.forget_old(110.0 + SEEN_SHOWN_S + 1)
    assert place.tile().notices == ()


def test_the_first_who_saw_it_remains_who_saw_it() -> None:
    place = LiveMachine("molle-1")
    place.hear_live(live(1, notices=(CEILING,)), 100.0)
    assert place.told_seen(KEY, "Kari", 101.0)
    assert not place.told_seen(KEY, "Ola", 102.0)
    assert place.tile().notices[0].by == "Kari"


def test_what_the_signal_tells_needs_no_acknowledgement_and_passes_with_it() -> None:
    place = LiveMachine("molle-1")
    lost = LiveNotice("signal_lost", Level.ATTENTION, 45.0)
    heard = place.hear_live(live(1, notices=(lost,)), 100.0)
    assert heard is not None
    assert heard.raised == ()
    place.hear_live(live(2), 101.0)
    assert place.tile().notices == ()


def test_a_notice_that_nobody_sees_is_let_go_after_half_a_day() -> None:
    place = LiveMachine("molle-1")
    place.told_notice(NoticeTold(code="over_ceiling", level="attention", since_s=40.0, holds=False, heard_s=100.0))
    assert not place.forget_old(100.0 + PASSED_SHOWN_S - 1)
    assert place.forget_old(100.0 + PASSED_SHOWN_S + 1)


def test_a_result_belongs_to_a_command_and_never_goes_back() -> None:
    place = LiveMachine("molle-1")
    result = CommandResult(id="c1", outcome="done", at=AT)
    assert not place.hear_result(replace(result, id="c0"))
    place.told_command(CommandTold(id="c1", name="start_group", made_s=100.0))
    assert place.hear_result(replace(result, outcome="accepted"))
    assert place.hear_result(result)
    assert not place.hear_result(replace(result, outcome="accepted"))
    assert place.tile().commands[0].outcome == "done"


def test_a_result_that_comes_before_word_of_its_command_is_kept_for_it() -> None:
    place = LiveMachine("molle-1")
    assert not place.hear_result(CommandResult(id="c1", outcome="refused", at=AT, code="not_ready"))
    place.told_command(CommandTold(id="c1", name="pause", made_s=100.0))
    assert (place.tile().commands[0].outcome, place.tile().commands[0].code) == ("refused", "not_ready")


def test_another_person_begins_with_an_empty_trace_and_without_the_last_ones_name() -> None:
    place = LiveMachine("molle-1")
    place.hear_live(live(1), 100.0)
    place.told_who("p-1", DisplayName("Rev", "fox"))
    assert place.tile().nickname == "Rev"
    place.hear_live(live(2, participant="p-2", session_id="other", rate_bpm=None), 101.0)
    tile = place.tile_with_trace(101.0)
    assert tile.nickname == ""
    assert tile.trace is not None
    assert tile.trace.bpm == (None,)


def test_the_trace_is_a_value_a_second_with_holes_and_zones() -> None:
    place = LiveMachine("molle-1")
    place.hear_live(live(1, age_s=0.0), 100.2)
    place.hear_live(live(2, age_s=0.0, rate_bpm=151.0, low_bpm=110.0, high_bpm=130.0), 102.4)
    trace = place.tile_with_trace(102.4).trace
    assert trace is not None
    assert (trace.start_s, trace.bpm, trace.bands) == (
        100,
        (150.0, None, 151.0),
        ((0, 140.0, 160.0), (2, 110.0, 130.0)),
    )


def test_the_trace_holds_no_more_than_its_minutes() -> None:
    place = LiveMachine("molle-1")
    for second in range(2 * TRACE_S):
        place.hear_live(live(second + 1, age_s=0.0), 1000.0 + second)
    trace = place.tile_with_trace(1000.0 + 2 * TRACE_S).trace
    assert trace is not None
    assert len(trace.bpm) <= TRACE_S


def test_a_jittering_age_never_takes_the_trace_back() -> None:
    place = LiveMachine("molle-1")
    for number, age_s in enumerate((0.1, 60.0, 0.9, 59.0, 0.2), 1):
        place.hear_live(live(number, age_s=age_s, rate_bpm=150.0 + number), 100.0 + number)
    trace = place.tile_with_trace(106.0).trace
    assert trace is not None
    assert (trace.start_s, len(trace.bpm)) == (100, 5)
    assert trace.bpm[-1] == 155
