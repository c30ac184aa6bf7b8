"""Who trains, with the keeper and the plans: PIN, guest by age, expired plans, and people who walk away."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from coach.kiosk.view import Button, ScreenId
from coach.model.cue import Cue
from coach.model.events import AnyEvent
from coach.model.messages import Readiness
from coach.model.plan import Plan
from firmware.journal.journal import Journal
from firmware.journal.writer import JournalSettings
from firmware.participants.plan_files import GUEST, GuestTerms, PlanRepository, plan_by_age, ready
from firmware.sensors.strap import Measurement
from firmware.services.session_controller import SessionController
from firmware.system.known_time import KnownTime, trusted_moment
from firmware.system.timestamps import Timestamp

QUICK = JournalSettings(commit_every_s=0.0, retry_s=0.01, free_floor_bytes=0)
WALL_S = 1.8e9
PIN = "2580"


class _Hand:
    """A clock and a stamp that stand still until they are moved."""

    def __init__(self) -> None:
        self.s = 100.0

    def now(self) -> float:
        return self.s

    async def sleep_until(self, t: float) -> None:
        raise NotImplementedError


class _Stamps:
    def __init__(self, hand: _Hand) -> None:
        self._hand = hand

    def now(self) -> Timestamp:
        return Timestamp("boot-1", self._hand.s, WALL_S + self._hand.s, synchronised=True)


class _Outlet:
    def cue(self, cue: Cue, intervals: int, due_clock_s: float) -> None:
        pass

    def happened(self, events: tuple[AnyEvent, ...]) -> None:
        pass

    def changed(self, *, at_once: bool) -> None:
        pass


def plan(name: str, **fields: object) -> Plan:
    return replace(Plan(participant=name, nickname=name, hr_max_bpm=180.0, hr_max_source="measured"), **fields)


class _Bench:
    def __init__(self, folder: Path) -> None:
        self.hand = _Hand()
        self.journal = Journal.open(folder / "diary.db", settings=QUICK, clock=_Stamps(self.hand))
        plans = (plan("Rev"), plan("Fjell"), plan("Ugle", valid_until_wall_s=WALL_S + 1000.0))
        self.shelf = PlanRepository(tuple(ready(one, "test") for one in plans), guests=GuestTerms())
        self.shelf.with_pin = frozenset({"Fjell"})
        self.asked: list[tuple[str, str]] = []
        self.answer_later: list[Callable[[], None]] = []
        self.at_once = True
        self.keeper = SessionController(
            plans=self.shelf,
            journal=self.journal,
            clock=self.hand,
            stamps=_Stamps(self.hand),
            outlet=_Outlet(),
            check_pin=self._check,
        )

    def _check(self, participant: str, pin: str, then: Callable[[bool], None]) -> None:
        self.asked.append((participant, pin))
        if self.at_once:
            then(pin == PIN)
        else:
            self.answer_later.append(lambda: then(pin == PIN))

    def face(self) -> ScreenId:
        return self.keeper.view().face

    def press(self, *buttons: Button) -> None:
        for button in buttons:
            self.keeper.press(button)

    def type(self, digits: str) -> None:
        for digit in digits:
            self.keeper.type_digit(int(digit))

    def wait(self, seconds: float) -> None:
        """Let time pass as the loop does: woken at each due moment."""
        until_s = self.hand.s + seconds
        while (due_s := self.keeper.next_due_clock_s()) is not None and due_s <= until_s:
            assert due_s > self.hand.s - 1e-6
            self.hand.s = max(self.hand.s, due_s)
            self.keeper.wake()
        self.hand.s = until_s
        self.keeper.wake()

    def choose(self, place: int) -> None:
        self.press(*[Button.DOWN] * place, Button.START, Button.START)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[_Bench]:
    bench = _Bench(tmp_path)
    yield bench
    bench.journal.close()


def test_everybody_is_offered_with_their_pin_and_date_and_the_guest_last(bench: _Bench) -> None:
    shown = bench.keeper.view().choices
    assert [(one.participant, one.has_pin, one.expired, one.guest) for one in shown] == [
        ("Rev", False, False, False),
        ("Fjell", True, False, False),
        ("Ugle", False, False, False),
        (GUEST, False, False, True),
    ]


def test_the_right_pin_lets_in_and_the_wrong_one_waits(bench: _Bench) -> None:
    bench.choose(1)
    assert bench.face() is ScreenId.PIN
    bench.type("0000")
    assert (bench.face(), bench.keeper.participant) == (ScreenId.PIN, None)
    bench.type(PIN)
    assert bench.keeper.participant is None
    bench.wait(1.0)
    bench.type(PIN)
    assert bench.keeper.participant == "Fjell"
    assert bench.asked == [("Fjell", "0000"), ("Fjell", PIN)]


def test_the_countdown_after_a_wrong_pin_is_shown_second_by_second(bench: _Bench) -> None:
    bench.choose(1)
    for _ in range(3):
        bench.type("0000")
        bench.wait(5.0)
    bench.type("0000")
    told = []
    for _ in range(16):
        pin = bench.keeper.view().pin
        assert pin is not None
        told.append(pin.wait_s)
        due_s = bench.keeper.next_due_clock_s()
        assert due_s is not None
        assert bench.hand.s < due_s
        bench.hand.s = min(due_s, bench.hand.s + 1.0)
        bench.keeper.wake()
    assert told == list(range(15, -1, -1))


def test_an_answer_that_comes_after_somebody_left_lets_nobody_in(bench: _Bench) -> None:
    bench.at_once = False
    bench.choose(1)
    bench.type(PIN)
    bench.press(Button.STOP, Button.START)
    bench.answer_later[0]()
    assert (bench.face(), bench.keeper.participant) == (ScreenId.CONFIRM, None)


def test_digits_left_behind_are_not_added_to_the_next_persons(bench: _Bench) -> None:
    bench.choose(1)
    bench.type("25")
    bench.press(Button.STOP, Button.STOP, Button.STOP)
    bench.choose(1)
    bench.type("80" + "25")
    assert bench.asked == [("Fjell", "8025")]


def test_a_plan_that_changes_under_whoever_is_asked_asks_them_anew(bench: _Bench) -> None:
    bench.choose(1)
    bench.type("25")
    bench.shelf.put(ready(plan("Fjell", language="en"), "test"), "server")
    bench.keeper.refresh()
    assert bench.face() is ScreenId.CONFIRM
    bench.press(Button.START)
    bench.type(PIN)
    assert bench.keeper.participant == "Fjell"


def test_a_plan_withdrawn_between_the_question_and_the_answer_begins_for_nobody(bench: _Bench) -> None:
    bench.press(Button.START)
    bench.shelf.withdraw("Rev")
    bench.press(Button.START)
    assert (bench.keeper.participant, bench.face()) == (None, ScreenId.CONFIRM)
    assert bench.keeper.view().who is not None
    assert bench.keeper.view().nickname == "Fjell"


def test_a_pin_set_while_somebody_is_asked_is_asked_for(bench: _Bench) -> None:
    bench.press(Button.START)
    bench.shelf.with_pin = frozenset({"Rev", "Fjell"})
    bench.press(Button.START)
    assert (bench.keeper.participant, bench.face()) == (None, ScreenId.PIN)


def test_a_plan_expires_by_itself_and_then_begins_nothing(bench: _Bench) -> None:
    bench.hand.s += 1000.0
    bench.choose(2)
    assert (bench.face(), bench.keeper.view().reason) == (ScreenId.NOT_TODAY, "plan_expired")
    assert bench.keeper.participant is None
    bench.wait(120.0)
    assert bench.face() is ScreenId.CHOOSE_PARTICIPANT


def test_a_guest_trains_by_age_after_the_questions_and_is_a_guest_in_the_diary(bench: _Bench) -> None:
    bench.choose(3)
    assert bench.face() is ScreenId.GUEST_AGE
    bench.type("50")
    bench.press(Button.START)
    for _ in range(4):
        assert bench.face() is ScreenId.QUESTIONS
        bench.press(Button.DOWN, Button.START)
    bench.keeper.deliver(Measurement(100.0))
    bench.press(Button.START)
    assert bench.face() is ScreenId.SESSION
    (line,) = bench.journal.sessions().result(10)
    kept = bench.journal.session(line.session_id).result(10)
    assert (line.participant, kept.plan.age, kept.plan.hr_max_source) == (GUEST, 50, "formula")
    assert any(isinstance(message, Readiness) for message in kept.messages)


@pytest.mark.parametrize(
    ("age", "hr_max_bpm", "ceiling_bpm"), [(16, 201.0, 190.0), (50, 179.0, 170.0), (90, 153.0, 145.0)]
)
def test_a_guests_plan_follows_the_formula_with_a_ceiling_below_it(
    age: int, hr_max_bpm: float, ceiling_bpm: float
) -> None:
    """Hazard H7: nobody has measured this person."""
    made = plan_by_age(age, GuestTerms()).plan
    assert (made.hr_max_bpm, made.ceiling_bpm, made.hr_max_source) == (hr_max_bpm, ceiling_bpm, "formula")
    assert made.questions == ("chest_pain", "fever", "intoxication", "withdrawal")
    assert (made.exertion_when_lost, made.early_warm_up_end, made.start) == (False, False, None)


def test_without_guests_only_who_has_a_plan_is_offered() -> None:
    choices = PlanRepository((ready(plan("Rev"), "test"),)).choices(KnownTime(trusted_moment(WALL_S)))
    assert [one.participant for one in choices] == ["Rev"]


@pytest.mark.parametrize("place", [0, 1, 3])
def test_who_walks_away_is_signed_out_after_three_minutes(bench: _Bench, place: int) -> None:
    bench.choose(place)
    bench.wait(179.0)
    assert bench.face() is not ScreenId.CHOOSE_PARTICIPANT
    bench.press(Button.UP)
    bench.wait(179.0)
    assert bench.face() is not ScreenId.CHOOSE_PARTICIPANT
    bench.wait(1.0)
    assert (bench.face(), bench.keeper.participant) == (ScreenId.CHOOSE_PARTICIPANT, None)
    assert bench.journal.sessions().result(10) == ()


def test_a_rate_from_the_strap_says_that_somebody_is_there(bench: _Bench) -> None:
    bench.choose(0)
    for second in range(400):
        bench.wait(1.0)
        bench.keeper.deliver(Measurement(80.0 + second % 3))
    assert (bench.face(), bench.keeper.participant) == (ScreenId.READY, "Rev")


def test_a_strap_left_on_a_bench_keeps_nobody_signed_in(bench: _Bench) -> None:
    bench.choose(0)
    for _ in range(400):
        bench.wait(1.0)
        bench.keeper.deliver(Measurement(0.0))
    assert (bench.face(), bench.keeper.participant) == (ScreenId.CHOOSE_PARTICIPANT, None)


def test_a_machine_at_rest_waits_for_nothing(bench: _Bench) -> None:
    bench.choose(1)
    bench.press(Button.STOP)
    assert bench.keeper.next_due_clock_s() is None


def close_by_answers(bench: _Bench, *yes: int) -> None:
    """Choose Rev, and answer the questions at these places with yes."""
    bench.choose(0)
    for place in range(2):
        bench.press(*[Button.UP] * (place in yes), Button.START)


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[_Bench]:
    bench = _Bench(tmp_path)
    asking = replace(plan("Rev"), questions=("chest_pain", "withdrawal"))
    bench.shelf.put(ready(asking, "test"))
    yield bench
    bench.journal.close()


def test_leaving_and_answering_no_does_not_open_training_that_a_yes_has_closed(asked: _Bench) -> None:
    close_by_answers(asked, 0)
    assert (asked.face(), asked.keeper.view().reason) == (ScreenId.NOT_TODAY, "unwell")
    asked.press(Button.STOP)
    asked.choose(0)
    assert (asked.face(), asked.keeper.view().reason) == (ScreenId.NOT_TODAY, "unwell")
    asked.wait(24 * 3600.0)
    asked.choose(0)
    assert asked.face() is ScreenId.QUESTIONS


def test_a_yes_to_another_question_closes_this_session_only(asked: _Bench) -> None:
    close_by_answers(asked, 1)
    assert (asked.face(), asked.keeper.view().reason) == (ScreenId.NOT_TODAY, "readiness")
    asked.press(Button.STOP)
    asked.choose(0)
    assert asked.face() is ScreenId.QUESTIONS


def test_one_persons_yes_closes_nothing_for_another(asked: _Bench) -> None:
    close_by_answers(asked, 0)
    asked.press(Button.STOP)
    asked.choose(2)
    assert asked.face() is not ScreenId.NOT_TODAY
