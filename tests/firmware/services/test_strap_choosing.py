"""From the list of straps to the session in the journal: what a person confirms is bound, remembered and kept."""

from collections.abc import Callable
from pathlib import Path

import pytest

from coach.kiosk.strap_choice import StrapScene
from coach.kiosk.view import Button, ScreenId
from coach.model.messages import CommandName, SessionCommand, StrapChosen
from coach.model.strap_advertisement import StrapSeen
from firmware.journal.journal import Journal
from firmware.journal.writer import JournalSettings
from firmware.participants.last_strap import StrapMemory, folder_beside
from firmware.participants.plan_files import PlanRepository
from firmware.sensors.recovery import RecoveryEscalation, RecoveryStep
from firmware.sensors.strap import Delivery, Measurement, SelectedStrap
from firmware.sensors.timings import StrapTimings
from firmware.services.session_controller import SessionController
from firmware.services.strap_selection import StrapChoosing
from tests.firmware.services.test_session_keeper import _Hand, _Outlet, _Stamps, guest_plan_of

MINE = StrapSeen("serial:8F3A2B1C", "Polar H10 8F3A2B1C", "8F3A2B1C", -51.0)
THEIRS = StrapSeen("serial:A90C77E2", "Polar H10 A90C77E2", "A90C77E2", -45.0)
QUICK = JournalSettings(commit_every_s=0.0, retry_s=0.01, free_floor_bytes=0)


class FakeStrap:
    """A strap that tells what a test lets it tell."""

    name, serial, battery_percent = "", None, None

    def __init__(self) -> None:
        """Nothing is asked yet."""
        self.asked: list[object] = []
        self.scene: Callable[[StrapScene], None] = lambda _: None
        self.bond: Callable[[SelectedStrap], None] = lambda _: None

    async def run(self, deliver: Callable[[Delivery], None]) -> None:
        """Nothing comes by itself."""

    def shown_to(self, on_scene: Callable[[StrapScene], None], on_bond: Callable[[SelectedStrap], None]) -> None:
        """Take them down."""
        self.scene, self.bond = on_scene, on_bond

    def look(self) -> None:
        """Take it down."""
        self.asked.append("look")

    def bind(self, bond: SelectedStrap) -> None:
        """Take it down."""
        self.asked.append(bond)

    def release(self) -> None:
        """Take it down."""
        self.asked.append("release")


class Bench:
    """A keeper with a strap to choose; `start` again is what a kill and a new start leave."""

    def __init__(self, folder: Path) -> None:
        """Start."""
        self.diary = folder / "diary.db"
        self.hand = _Hand()
        self.start()

    def start(self) -> None:
        """A fresh coach over the same files."""
        self.strap = FakeStrap()
        self.journal = Journal.open(self.diary, settings=QUICK, clock=_Stamps(self.hand))
        self.keeper = SessionController(
            plans=PlanRepository((guest_plan_of("p1"),)),
            journal=self.journal,
            clock=self.hand,
            stamps=_Stamps(self.hand),
            outlet=_Outlet(),
        )
        self.keeper.choose_straps(StrapChoosing(self.strap, StrapMemory(folder_beside(self.diary))))

    def press(self, *buttons: Button) -> None:
        """A press, and another a second later."""
        for button in buttons:
            assert self.keeper.press(button) is None
            self.hand.s += 1

    @property
    def face(self) -> ScreenId:
        """What the screen shows."""
        return self.keeper.view().face

    def come(self) -> None:
        """Choose oneself, and confirm it."""
        self.press(Button.START, Button.START)

    def beat(self, bpm: float = 80.0) -> None:
        """A measurement of the strap."""
        self.keeper.deliver(Measurement(bpm))
        self.hand.s += 1


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_strap_is_chosen_confirmed_and_then_measured(bench: Bench) -> None:
    bench.come()
    assert (bench.strap.asked, bench.face) == (["look"], ScreenId.STRAP)
    bench.strap.scene(StrapScene((THEIRS, MINE)))
    assert (bench.face, bench.keeper.view().straps) == (ScreenId.CHOOSE_STRAP, (THEIRS, MINE))
    bench.press(Button.DOWN, Button.START)
    assert bench.strap.asked[1:] == [SelectedStrap(MINE.key, MINE.name)]
    assert (bench.face, bench.keeper.view().strap_name) == (ScreenId.STRAP, MINE.name)
    bench.beat()
    assert bench.face is ScreenId.READY


def test_why_nothing_is_heard_stands_on_the_screen(bench: Bench) -> None:
    bench.come()
    bench.strap.scene(StrapScene(trouble="bluetooth_blocked"))
    assert (bench.face, bench.keeper.view().strap_trouble) == (ScreenId.STRAP, "bluetooth_blocked")
    bench.strap.scene(StrapScene())
    assert bench.keeper.view().strap_trouble is None


def test_the_strap_of_last_time_is_offered_first_and_bound_only_by_a_press(bench: Bench) -> None:
    bench.come()
    bench.strap.scene(StrapScene((MINE,)))
    bench.press(Button.START)
    bench.strap.bond(SelectedStrap(MINE.key, MINE.name, "S-1"))
    bench.press(Button.STOP)
    bench.journal.close(10)
    bench.start()
    bench.come()
    bench.strap.scene(StrapScene((THEIRS, MINE)))
    shown = bench.keeper.view()
    assert ([row.key for row in shown.straps], shown.selected) == ([MINE.key, THEIRS.key], 0)
    assert bench.strap.asked == ["look"]
    bench.press(Button.START)
    assert bench.strap.asked[1:] == [SelectedStrap(MINE.key, MINE.name, "S-1")]
    bench.journal.close(10)


def test_who_leaves_lets_others_have_the_strap(bench: Bench) -> None:
    bench.come()
    bench.strap.scene(StrapScene((MINE,)))
    bench.press(Button.START, Button.STOP)
    assert bench.strap.asked[-1] == "release"
    assert bench.keeper.view().strap_name is None
    bench.journal.close(10)


def test_who_trains_without_a_strap_is_not_looked_around_for(bench: Bench) -> None:
    bench.come()
    bench.keeper.tell(SessionCommand(0, CommandName.START))
    assert bench.strap.asked == ["look", "release"]
    bench.journal.close(10)


def test_after_a_restart_a_session_goes_on_with_the_strap_it_had(bench: Bench) -> None:
    bench.come()
    bench.strap.scene(StrapScene((THEIRS, MINE)))
    bench.press(Button.DOWN, Button.START)
    bench.beat()
    bench.press(Button.START)
    bench.beat()
    bench.journal.close(10)
    bench.start()
    assert (bench.strap.asked, bench.face) == ([SelectedStrap(MINE.key, MINE.name)], ScreenId.GO_ON)
    bench.press(Button.START)
    bench.strap.scene(StrapScene((THEIRS, MINE)))
    assert (bench.face, bench.keeper.view().strap_name) == (ScreenId.SESSION, MINE.name)
    record = bench.journal.unfinished().result()
    assert record is not None
    chosen = [message for message in record.messages if isinstance(message, StrapChosen)]
    assert [(one.key, one.name) for one in chosen] == [(MINE.key, MINE.name)]
    bench.journal.close(10)


def test_the_treadmills_own_setting_reaches_the_session(bench: Bench) -> None:
    bench.keeper.measured(6.4, 5.0)
    bench.come()
    bench.keeper.measured(6.4, 5.0)
    bench.keeper.measured(6.6, None)
    state = bench.keeper.state
    assert state is not None
    assert (state.speed_kmh, state.incline_percent) == (6.6, 5.0)
    bench.keeper.measured(99.0, None)
    assert bench.keeper.state == state
    bench.journal.close(10)


def test_of_a_guest_nothing_is_remembered_and_what_is_known_of_a_person_can_be_removed(tmp_path: Path) -> None:
    memory = StrapMemory(tmp_path / "straps")
    bond = SelectedStrap(MINE.key, MINE.name)
    memory.keep("guest", bond)
    memory.keep("p1", bond)
    (tmp_path / "straps" / "p2.json").write_text("{", encoding="utf-8")
    again = StrapMemory(tmp_path / "straps")
    assert (again.of("guest"), again.of("p1"), again.of("p2")) == (None, bond, None)
    again.forget("p1")
    assert StrapMemory(tmp_path / "straps").of("p1") is None


def test_the_ladders_upper_rungs_rest_between_uses() -> None:
    now = [0.0]
    ladder = RecoveryEscalation(StrapTimings(), lambda: now[0])
    rungs = [
        RecoveryStep.RECONNECT,
        RecoveryStep.REMOVE_DEVICE,
        RecoveryStep.POWER_CYCLE,
        RecoveryStep.RECONNECT,
        RecoveryStep.RESTART,
    ]
    assert [ladder.failed() for _ in range(5)] == rungs
    now[0] = 30.0
    assert [ladder.failed() for _ in range(5)] == [
        RecoveryStep.RECONNECT,
        RecoveryStep.REMOVE_DEVICE,
        RecoveryStep.RECONNECT,
        RecoveryStep.RECONNECT,
        RecoveryStep.RECONNECT,
    ]
    now[0] = 301.0
    ladder.heard()
    assert [ladder.failed() for _ in range(5)] == rungs


NAMELESS = StrapSeen("address:A0:9E:1A:00:00:01", "", "00:01", -48.0, on_band=False)


def test_the_strap_of_last_time_is_offered_first_under_another_form_of_its_identity(bench: Bench) -> None:
    """It had no name when it was chosen; the name was learned once it was connected."""
    bench.come()
    bench.strap.scene(StrapScene((NAMELESS,)))
    bench.press(Button.START)
    bench.strap.bond(SelectedStrap(NAMELESS.key, MINE.name, "S-1"))
    bench.press(Button.STOP)
    bench.come()
    bench.strap.scene(StrapScene((THEIRS, MINE)))
    shown = bench.keeper.view()
    assert ([row.key for row in shown.straps], shown.selected) == ([MINE.key, THEIRS.key], 0)
    bench.press(Button.START)
    assert bench.strap.asked[-1] == SelectedStrap(MINE.key, MINE.name, "S-1")
    bench.journal.close(10)


def test_a_strap_that_has_no_name_today_is_still_last_times(bench: Bench) -> None:
    bench.come()
    bench.strap.scene(StrapScene((MINE,)))
    bench.press(Button.START)
    bench.strap.bond(SelectedStrap(MINE.key, MINE.name, "S-1", "A0:9E:1A:00:00:01"))
    bench.press(Button.STOP)
    bench.come()
    bench.strap.scene(StrapScene((THEIRS, NAMELESS)))
    assert [row.key for row in bench.keeper.view().straps] == [NAMELESS.key, THEIRS.key]
    bench.press(Button.START)
    assert bench.strap.asked[-1] == SelectedStrap(NAMELESS.key, MINE.name, "S-1", "A0:9E:1A:00:00:01")
    bench.journal.close(10)


def test_after_another_strap_answered_only_a_new_press_begins_with_a_new_serial(bench: Bench) -> None:
    bench.come()
    bench.strap.scene(StrapScene((MINE,)))
    bench.press(Button.START)
    bench.strap.bond(SelectedStrap(MINE.key, MINE.name, "S-1"))
    bench.strap.scene(StrapScene(trouble="wrong_strap"))
    assert bench.strap.asked[-1] == SelectedStrap(MINE.key, MINE.name)
    bench.press(Button.UP)
    assert bench.strap.asked[-1] == "look"
    bench.strap.scene(StrapScene((MINE,)))
    bench.press(Button.START)
    assert bench.strap.asked[-1] == SelectedStrap(MINE.key, MINE.name)
    bench.journal.close(10)


def test_a_strap_of_which_nothing_printed_is_known_is_bound_without_invented_signs(bench: Bench) -> None:
    bench.come()
    bench.strap.scene(StrapScene((NAMELESS,)))
    assert not bench.keeper.view().straps[0].on_band
    bench.press(Button.START)
    assert bench.keeper.view().strap_name == ""
    bench.journal.close(10)
