"""`interval-coach participants` where no coach runs: what is added, refused, typed twice, and never told."""

import argparse
from collections.abc import Iterator
from datetime import date, datetime
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from coach.errors import CoachError
from coach.model.plan import Plan
from firmware.cli import main
from firmware.commands import participants
from firmware.commands.participants import Typist, run
from firmware.ipc.messages import AddParticipant, OpenTraining, RemoveParticipant
from firmware.journal.file import JournalLock
from firmware.participants import pins, plan_cache
from firmware.participants.plan_files import GUEST, PlanRepository, end_of_day_s, read_folder, read_plan
from firmware.participants.registry import ParticipantRegistry
from firmware.participants.training_closures import TrainingClosures, folder_beside
from firmware.system.errors import FirmwareError
from firmware.system.known_time import trusted_moment


class Desk:
    """A command line in a folder of its own, with somebody or nobody at it."""

    def __init__(self, folder: Path) -> None:
        """Nobody is known yet."""
        self.folder = folder
        self.diary = folder / "state" / "diary.db"
        self.plans = folder / "plans"
        self.plans.mkdir()
        self.told = ""
        self.complained = ""

    def run(self, *words: str, answers: tuple[str, ...] = (), line: str = "", secrets: tuple[str, ...] = ()) -> int:
        """Run the command; a person is there where there are answers or secrets. Gives its status."""
        parser = argparse.ArgumentParser()
        participants.add_parser(parser.add_subparsers())
        places = ["--diary", str(self.diary), "--plans", str(self.plans)]
        arguments = parser.parse_args(["participants", *places, *words])
        arguments.socket = self.folder / "socket"
        out, errors = StringIO(), StringIO()
        waiting, hidden = iter(answers), iter(secrets)

        def next_of(source: Iterator[str], _question: str) -> str:
            answer = next(source, None)
            if answer is None:
                raise EOFError
            return answer

        typist = Typist(
            bool(answers or secrets),
            ask=lambda question: next_of(waiting, question),
            ask_secretly=lambda question: next_of(hidden, question),
            read_line=lambda: line,
        )
        status = run(
            arguments,
            typist=typist,
            output=Console(file=out, width=160, highlight=False),
            errors=Console(file=errors, width=400, highlight=False, soft_wrap=True),
        )
        self.told, self.complained = out.getvalue(), errors.getvalue()
        return status

    def added(self) -> list[Plan]:
        """The plans that were added here, as the coach would read them."""
        found, refused = read_folder(plan_cache.added_beside(self.diary))
        assert refused == ()
        return [one.plan for one in found]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_somebody_is_added_by_options_listed_shown_and_removed(desk: Desk) -> None:
    words = ["--participant", "p1", "--nickname", "Fjell", "--picture", "boat", "--hr-max", "185", "--ceiling", "175"]
    more = [
        "--start-speed",
        "6",
        "--start-incline",
        "5",
        "--weekly-cap",
        "3",
        "--valid-until",
        "2030-01-31",
        "--closed-after-yes",
        "48",
    ]
    assert desk.run("add", *words, *more) == 0
    (plan,) = desk.added()
    assert (plan.participant, plan.nickname, plan.picture, plan.hr_max_bpm, plan.ceiling_bpm, plan.weekly_cap) == (
        "p1",
        "Fjell",
        "boat",
        185.0,
        175.0,
        3,
    )
    assert plan.closed_after_yes_h == 48.0
    assert desk.run("list") == 0
    assert all(word in desk.told for word in ("p1", "Fjell", "boat", "185", "175", "2030-01-31", "this machine"))
    assert desk.run("show", "p1") == 0
    assert "6 km/h, 5 %" in desk.told
    assert desk.run("remove", "p1") == 0
    assert desk.added() == []
    assert desk.run("list") == 0
    assert "Nobody is known here yet" in desk.told


@pytest.mark.parametrize("who", ["p1", GUEST])
def test_staff_open_training_again_at_the_machine(desk: Desk, who: str) -> None:
    assert desk.run("add", "--participant", "p1", "--hr-max", "185") == 0
    closures = TrainingClosures(folder_beside(desk.diary))
    closures.answered(who, ("chest_pain",), trusted_moment(1_700_000_000.0))
    assert desk.run("open", who) == 0
    assert "may train here again" in desk.told
    assert TrainingClosures(folder_beside(desk.diary)).closed == frozenset()
    assert desk.run("open", who) == 2
    assert f"no yes before a start closes training here for {who}" in desk.complained.replace("No yes", "no yes")
    assert desk.run("open", "p9") == 2
    assert "p9" in desk.complained


def test_a_running_coach_lets_in_again_whom_staff_let_in_or_who_left(tmp_path: Path) -> None:
    people, _ = ParticipantRegistry.beside(tmp_path / "diary.db", tmp_path / "plans")
    for change in (OpenTraining(participant="p1"), RemoveParticipant(participant="p1")):
        people.carry_out(AddParticipant(plan=Plan(participant="p1", hr_max_bpm=185.0), replace=True))
        people.closures.answered("p1", ("fever",), trusted_moment(1_700_000_000.0))
        assert people.closures.closed == {"p1"}
        people.carry_out(change)
        assert people.closures.closed == frozenset()
    people.close()


def test_a_file_is_added_whole(desk: Desk) -> None:
    file = desk.folder / "plan.toml"
    file.write_text('participant = "p2"\nhr_max_bpm = 170\nvalid_until = 2030-01-31\n[start]\nspeed_kmh = 5.5\n')
    assert desk.run("add", str(file)) == 0
    (plan,) = desk.added()
    assert plan == read_plan(file).plan
    assert plan.valid_until_wall_s is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('participant = "p1"\nhr_max_bpm = 180\nclosed_by_yes = ["fever"]\n', "closed_by_yes is set by the machine"),
        ('participant = "p2"\nhr_max = 170\n', "plan.toml:2: "),
        ('participant = "p2"\nhr_max_bpm = "x"\n', "plan.toml:2: hr_max_bpm: expected `float | null`, got `str`."),
        ('participant = "p2"\nhr_max_bpm = \n', "plan.toml:2: not valid TOML"),
        ('participant = "p2"\nhr_max_bpm = 300\n', "it must lie in 80–240 bpm"),
        ('participant = "p2"\n', "the plan has no HRmax"),
        ('participant = "guest"\nhr_max_bpm = 170\n', "The pseudonym «guest» is every guest's"),
        ('participant = "../p2"\nhr_max_bpm = 170\n', "A pseudonym has 1–64 letters"),
        ('participant = "p2"\nhr_max_bpm = 170\nvalid_until = 9999-12-31\n', "valid_until is 9999-12-31"),
        ('participant = "p2"\nhr_max_bpm = 170\nprotocol = "5x5"\n', "no such protocol"),
        ("participant = " + "[" * 3000, "plan.toml:"),
        ("\0", "not valid TOML"),
    ],
)
def test_a_file_that_cannot_be_is_refused_with_its_line_and_changes_nothing(desk: Desk, text: str, said: str) -> None:
    file = desk.folder / "plan.toml"
    file.write_text(text)
    assert desk.run("add", str(file)) == 2
    assert said in desk.complained
    assert desk.complained.count("\n") == 1
    assert desk.added() == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(st.binary(max_size=200), st.text(max_size=80).map(lambda text: f"participant = {text}".encode()))
)
def test_rubbish_in_a_file_is_refused_in_a_sentence(desk: Desk, content: bytes) -> None:
    file = desk.folder / "rubbish.toml"
    file.write_bytes(content)
    assert desk.run("add", str(file)) == 2
    assert desk.complained.startswith("interval-coach: ")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12), min_size=3, max_size=3
    )
)
def test_rubbish_in_the_answers_is_refused_in_a_sentence_or_is_a_plan(desk: Desk, words: list[str]) -> None:
    status = desk.run("add", "--replace", answers=(words[0], words[1], "", words[2], words[2], "", ""))
    assert status in (0, 2)
    assert status == 0 or desk.complained.startswith("interval-coach: ")


def test_what_decides_over_safety_is_typed_twice(desk: Desk) -> None:
    """Hazard H7: a slip of the hand is found."""
    asked = ("p1", "Fjell", "", "185", "158", "", "")
    assert desk.run("add", answers=asked) == 2
    assert "The two entries of the HRmax differ" in desk.complained
    assert desk.run("add", answers=("p1", "Fjell", "", "185", "185", "170", "107")) == 2
    assert "The two entries of the ceiling differ" in desk.complained
    assert desk.added() == []
    assert desk.run("add", answers=("p1", "Fjell", "", "185", "185,0", "170", "170")) == 0
    assert [(plan.hr_max_bpm, plan.ceiling_bpm) for plan in desk.added()] == [(185.0, 170.0)]


def test_options_typed_by_a_person_are_typed_again_too(desk: Desk) -> None:
    words = ("add", "--participant", "p1", "--hr-max", "185")
    assert desk.run(*words, answers=("158",)) == 2
    assert desk.run(*words, answers=("185",)) == 0


def test_an_end_of_the_answers_changes_nothing(desk: Desk) -> None:
    assert desk.run("add", answers=("p1", "Fjell")) == 2
    assert "nothing has changed" in desk.complained
    assert desk.added() == []


def test_whoever_is_known_is_replaced_only_when_told_to(desk: Desk) -> None:
    assert desk.run("add", "--participant", "p1", "--hr-max", "185") == 0
    assert desk.run("add", "--participant", "p1", "--hr-max", "170") == 2
    assert "add --replace" in desk.complained
    assert desk.run("add", "--participant", "p1", "--hr-max", "170", "--replace") == 0
    assert [plan.hr_max_bpm for plan in desk.added()] == [170.0]


def test_a_plan_of_the_server_or_of_a_file_is_neither_replaced_nor_removed_here(desk: Desk) -> None:
    plan_cache.keep(plan_cache.folder_beside(desk.diary), Plan(participant="p1", hr_max_bpm=180.0))
    (desk.plans / "p2.toml").write_text('participant = "p2"\nhr_max_bpm = 170\n')
    for words, said in (
        (("add", "--participant", "p1", "--hr-max", "185", "--replace"), "comes from the clinic's server"),
        (("remove", "p1"), "withdraw it there"),
        (("remove", "p2"), "is a file of the clinic's"),
        (("remove", "p3"), "Nobody here is p3"),
        (("show", "p3"), "Nobody here is p3"),
        (("pin", "p3", "--remove"), "Nobody here is p3"),
    ):
        assert desk.run(*words) == 2
        assert said in desk.complained


def test_a_pin_is_set_hashed_and_removed_and_goes_with_its_participant(desk: Desk) -> None:
    desk.run("add", "--participant", "p1", "--hr-max", "185")
    assert desk.run("pin", "p1", secrets=("2580", "2580")) == 0
    assert "2580" not in desk.told
    folder = desk.diary.parent / pins.FOLDER
    (kept,) = pins.read_pins(folder)[0].values()
    assert pins.is_right("2580", kept)
    assert desk.run("pin", "p1", "--remove") == 0
    assert pins.read_pins(folder) == ({}, ())
    assert desk.run("pin", "p1", line="1234\n") == 0
    desk.run("remove", "p1")
    assert pins.read_pins(folder) == ({}, ())


@pytest.mark.parametrize("secrets", [("2580", "2581"), ("258", "258"), ("abcd", "abcd"), ("", "")])
def test_a_pin_that_cannot_be_is_refused_and_not_repeated(desk: Desk, secrets: tuple[str, str]) -> None:
    desk.run("add", "--participant", "p1", "--hr-max", "185")
    assert desk.run("pin", "p1", secrets=secrets) == 2
    assert not secrets[0] or secrets[0] not in desk.complained
    assert pins.read_pins(desk.diary.parent / pins.FOLDER) == ({}, ())


def test_there_are_never_two_writers(desk: Desk) -> None:
    desk.diary.parent.mkdir()
    lock = JournalLock(desk.diary)
    assert desk.run("add", "--participant", "p1", "--hr-max", "185") == 2
    assert "Name its socket with --socket" in desk.complained
    lock.release()
    assert desk.run("add", "--participant", "p1", "--hr-max", "185") == 0


def test_a_file_and_options_do_not_go_together(desk: Desk) -> None:
    assert desk.run("add", "plan.toml", "--hr-max", "185") == 2
    assert "--hr-max" in desk.complained
    assert desk.run("add") == 2
    assert "Name a plan's file" in desk.complained


def test_the_command_is_found_and_explains_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["participants", "--help"])
    assert ended.value.code == 0
    places = ["--socket", str(tmp_path / "s"), "--diary", str(tmp_path / "d" / "diary.db"), "--plans", str(tmp_path)]
    assert main(["participants", *places, "list"]) == 0
    assert "Nobody is known here yet" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_pin_opens_no_door_and_can_be_set_again(tmp_path: Path) -> None:
    diary = tmp_path / "diary.db"
    (tmp_path / pins.FOLDER).mkdir()
    (tmp_path / pins.FOLDER / "p1.json").write_bytes(b"\0")
    plan_cache.keep(plan_cache.added_beside(diary), Plan(participant="p1", hr_max_bpm=180.0))
    people, _ = ParticipantRegistry.beside(diary, tmp_path / "plans")
    answers: list[bool] = []
    people.check_pin("p1", "0000", answers.append)
    assert (answers, people.shelf.with_pin) == ([False], frozenset({"p1"}))
    people.close()


def test_a_plan_from_the_server_takes_the_place_of_the_one_added_here_for_good(tmp_path: Path) -> None:
    diary = tmp_path / "diary.db"
    plan_cache.keep(plan_cache.added_beside(diary), Plan(participant="p1", hr_max_bpm=180.0))
    people, _ = ParticipantRegistry.beside(diary, tmp_path / "plans")
    people.give(Plan(participant="p1", hr_max_bpm=170.0)).result(10)
    assert [(one.plan.hr_max_bpm, one.source) for one in people.entries()] == [(170.0, "server")]
    people.withdraw("p1").result(10)
    people.close()
    again, refused = ParticipantRegistry.beside(diary, tmp_path / "plans")
    assert (again.entries(), refused) == ((), ())
    again.close()


def test_the_server_cannot_take_the_guests_pseudonym(tmp_path: Path) -> None:
    people = ParticipantRegistry(tmp_path / "diary.db", PlanRepository())
    with pytest.raises((FirmwareError, CoachError)):
        people.give(Plan(participant="guest", hr_max_bpm=180.0))
    people.close()


def test_a_plan_holds_to_the_end_of_its_last_day() -> None:
    end = datetime.fromtimestamp(end_of_day_s(date(2030, 1, 31)) - 1.0).astimezone()
    assert (end.year, end.month, end.day, end.hour, end.minute) == (2030, 1, 31, 23, 59)
