import math

import pytest

from coach.model.messages import AllRightAnswer, CommandName
from coach.model.messages import SessionCommand as ToEngine
from sync.delivery.command_validator import CommandRefusal, CommandValidator, Order, Show, StartAt
from sync.wire.messages import Adjust, AnyAction, Attend, Clocks, Command, Ease, End, Pause, Resume, StartGroup, Text

WALL_S = 1_795_330_000.0
SINCE_S = 1000.0


def at(after_s: float = 100.0, *, synchronised: bool = True) -> Clocks:
    """The machine's clocks, so long after it came up."""
    return Clocks("b", SINCE_S + after_s, WALL_S + after_s, synchronised)


def command(action: AnyAction, *, made_s: float = 100.0, lives_s: float = 10.0, **more: str) -> Command:
    return Command(
        id=more.get("id", "c1"),
        by="t1",
        made_at_wall_s=WALL_S + made_s,
        expires_wall_s=WALL_S + made_s + lives_s,
        action=action,
        participant=more.get("participant"),
    )


def judge(one: Command, now: Clocks | None = None, participant: str | None = "p1") -> Order | CommandRefusal:
    return CommandValidator(SINCE_S).judge(one, now or at(), participant)


def code(judged: Order | CommandRefusal) -> str:
    assert isinstance(judged, CommandRefusal)
    return judged.code


@pytest.mark.parametrize(
    ("action", "name", "seconds"),
    [
        (Pause(), CommandName.PAUSE, None),
        (Resume(), CommandName.RESUME, None),
        (Ease(), CommandName.EASE, None),
        (End(), CommandName.STOP, None),
        (Adjust(60), CommandName.EXTEND_RECOVERY, 60),
    ],
)
def test_a_command_becomes_the_engines_own_with_its_source(
    action: AnyAction, name: CommandName, seconds: int | None
) -> None:
    assert judge(command(action)) == ToEngine(0.0, name, seconds, "therapist")


def test_staff_beside_the_participant_answer_for_them() -> None:
    assert judge(command(Attend())) == AllRightAnswer(0.0, ok=True, source="therapist")


def test_nothing_that_a_server_can_say_makes_a_session_harder() -> None:
    """Of all that the engine can be told, what skips or urges cannot be said from afar.

    What goes on is said as the therapist's word, which ends no pause but a therapist's (`tests/coach`).
    """
    told = {judge(command(action)) for action in (Pause(), Resume(), Ease(), End(), Adjust(1), Adjust(300))}
    names = {one.name for one in told if isinstance(one, ToEngine)}
    assert names.isdisjoint({CommandName.SKIP_WARM_UP, CommandName.START})
    assert {one.source for one in told if isinstance(one, ToEngine)} == {"therapist"}


@pytest.mark.parametrize("seconds", [0, -1, -300, 301, 10**9])
def test_a_recovery_is_never_made_shorter_nor_endless(seconds: int) -> None:
    assert code(judge(command(Adjust(seconds)))) == "limit"


@pytest.mark.parametrize(
    "one",
    [
        command(Pause(), made_s=80, lives_s=10),
        command(Pause(), made_s=100, lives_s=0),
        command(Pause(), made_s=-600, lives_s=10_000),
        command(Pause(), made_s=140, lives_s=10),
        command(Pause(), made_s=-1, lives_s=500),
        command(Pause(), made_s=math.nan),
        command(Pause(), lives_s=math.nan),
    ],
    ids=["expired", "expires at once", "too old", "from the future", "from before the start", "no time", "no end"],
)
def test_a_command_whose_time_is_not_now_is_refused(one: Command) -> None:
    assert code(judge(one)) == "stale"


def test_a_repeated_command_is_refused_also_when_the_first_came_to_nothing() -> None:
    gate = CommandValidator(SINCE_S)
    first, again = (gate.judge(command(Pause()), at(), "p1") for _ in range(2))
    assert (isinstance(first, ToEngine), code(again)) == (True, "repeated")


def test_ids_are_remembered_for_as_long_as_a_command_could_come_again() -> None:
    gate = CommandValidator(SINCE_S)
    gate.judge(command(Pause(), lives_s=10_000), at(), "p1")
    for after_s in (300.0, 599.0, 699.0):
        assert code(gate.judge(command(Pause(), lives_s=10_000), at(after_s), "p1")) == "repeated"
    assert code(gate.judge(command(Pause(), lives_s=10_000), at(2000.0), "p1")) == "stale"


def test_a_command_for_another_participant_or_for_nobody_here_is_refused() -> None:
    one = command(Pause(), participant="p2")
    assert (code(judge(one)), code(judge(one, participant=None))) == ("other_participant",) * 2
    assert isinstance(judge(command(Pause(), participant="p1")), ToEngine)


def test_no_command_is_dated_by_a_clock_that_was_never_set() -> None:
    assert code(judge(command(Pause()), at(synchronised=False))) == "clock_unsynchronised"


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "é", "a\n"])
def test_an_id_that_is_none_is_refused(name: str) -> None:
    assert code(judge(command(Pause(), id=name))) == "not_understood"


def test_a_group_start_waits_for_its_instant_by_the_monotonic_clock() -> None:
    judged = judge(command(StartGroup(WALL_S + 130)))
    assert judged == StartAt(SINCE_S + 130, ToEngine(0.0, CommandName.START, None, "therapist"))


@pytest.mark.parametrize("instant_s", [90.0, 800.0, math.nan, math.inf])
def test_a_start_that_has_passed_or_is_too_far_ahead_is_refused(instant_s: float) -> None:
    assert code(judge(command(StartGroup(WALL_S + instant_s)))) == "stale"


def test_a_text_is_one_line_without_control_characters() -> None:
    assert judge(command(Text("Bra \x1b[2J\n jobba! ", 10))) == Show("Bra [2J jobba!", 10)


@pytest.mark.parametrize(("text", "for_s"), [("", 5), ("   ", 5), ("x" * 81, 5), ("x", 0), ("x", 61), ("x", math.nan)])
def test_a_text_that_is_empty_long_or_stays_is_refused(text: str, for_s: float) -> None:
    assert code(judge(command(Text(text, for_s)))) == "limit"
