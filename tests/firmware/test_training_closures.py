"""For whom training is closed after a yes: over a restart, until its time has passed or a therapist opens it."""

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from coach.model.plan import CLOSED_LATELY, Plan
from firmware.participants.plan_files import GUEST
from firmware.participants.training_closures import GUEST_CLOSED_S, UNREADABLE, TrainingClosures, forget_closure
from firmware.system.known_time import KnownTime, trusted_moment
from firmware.system.timestamps import Timestamp

PLAN = Plan(participant="p1", hr_max_bpm=190.0, closed_after_yes_h=12.0)
NOON_S = 1_700_000_000.0


def closed(folder: Path, plan: Plan = PLAN, after_s: float = 60.0) -> tuple[str, ...]:
    """What closes training for this plan, by what the disk has."""
    return TrainingClosures(folder).applied(plan, KnownTime(trusted_moment(NOON_S + after_s))).closed_by_yes


def test_a_closing_yes_outlives_a_restart_until_the_plans_time_has_passed(tmp_path: Path) -> None:
    TrainingClosures(tmp_path).answered("p1", ("chest_pain", "injury"), trusted_moment(NOON_S))
    assert closed(tmp_path) == ("chest_pain",)
    assert closed(tmp_path, after_s=12 * 3600 - 1.0) == ("chest_pain",)
    assert closed(tmp_path, after_s=12 * 3600) == ()
    assert closed(tmp_path, after_s=-3600.0) == ("chest_pain",)


@pytest.mark.parametrize("question", ["withdrawal", "medication", "other", "dizziness"])
def test_a_yes_to_another_question_closes_nothing_lasting(tmp_path: Path, question: str) -> None:
    TrainingClosures(tmp_path).answered("p1", (question,), trusted_moment(NOON_S))
    assert closed(tmp_path) == ()


def test_a_therapist_opens_what_was_closed_before_and_not_what_comes_after(tmp_path: Path) -> None:
    TrainingClosures(tmp_path).answered("p1", ("fever",), trusted_moment(NOON_S))
    assert closed(tmp_path, replace(PLAN, training_opened_wall_s=NOON_S + 30)) == ()
    assert closed(tmp_path, replace(PLAN, training_opened_wall_s=NOON_S - 30)) == ("fever",)


def test_a_guest_is_closed_out_for_a_shorter_time(tmp_path: Path) -> None:
    TrainingClosures(tmp_path).answered(GUEST, ("intoxication",), trusted_moment(NOON_S))
    guest = replace(PLAN, participant=GUEST)
    assert closed(tmp_path, guest) == ("intoxication",)
    assert closed(tmp_path, guest, after_s=GUEST_CLOSED_S) == ()


def test_a_damaged_file_keeps_training_closed_until_a_therapist_opens_it(tmp_path: Path) -> None:
    file = tmp_path / "p1.json"
    file.write_text("{", encoding="utf-8")
    os.utime(file, (NOON_S, NOON_S))
    assert closed(tmp_path) == (UNREADABLE,)
    assert closed(tmp_path, replace(PLAN, training_opened_wall_s=NOON_S + 30)) == ()


def test_what_is_forgotten_closes_nothing(tmp_path: Path) -> None:
    TrainingClosures(tmp_path).answered("p1", ("fever",), trusted_moment(NOON_S))
    forget_closure(tmp_path, "p1")
    assert closed(tmp_path) == ()
    assert TrainingClosures().applied(PLAN, KnownTime(trusted_moment(NOON_S))) == PLAN


def test_where_no_clock_says_how_long_ago_it_was_the_person_is_asked(tmp_path: Path) -> None:
    """Neither does a clock that stood still keep training closed, nor one that ran ahead open it (hazard H14)."""
    closed_at = Timestamp("boot-1", 100.0, NOON_S, synchronised=False)
    TrainingClosures(tmp_path).answered("p1", ("fever",), closed_at)
    plan = replace(PLAN, questions=("chest_pain",))
    for wall_s in (0.0, NOON_S + 60.0, NOON_S + 3 * 365 * 86400.0):
        unset = KnownTime(Timestamp("boot-2", 50.0, wall_s, synchronised=False))
        asked = TrainingClosures(tmp_path).applied(plan, unset)
        assert (asked.closed_by_yes, asked.questions) == ((), (CLOSED_LATELY, "chest_pain"))


def test_within_one_boot_no_wall_clock_is_needed(tmp_path: Path) -> None:
    TrainingClosures(tmp_path).answered("p1", ("fever",), Timestamp("boot-1", 100.0, NOON_S, synchronised=False))
    for later_s, yes in ((12 * 3600 - 1.0, ("fever",)), (12 * 3600.0, ())):
        now = KnownTime(Timestamp("boot-1", 100.0 + later_s, 0.0, synchronised=False))
        told = TrainingClosures(tmp_path).applied(PLAN, now)
        assert (told.closed_by_yes, told.questions) == (yes, ())


def test_after_a_boot_that_has_lasted_long_enough_nothing_is_asked(tmp_path: Path) -> None:
    TrainingClosures(tmp_path).answered("p1", ("fever",), Timestamp("boot-1", 100.0, NOON_S, synchronised=False))
    now = KnownTime(Timestamp("boot-2", 12 * 3600.0, 0.0, synchronised=False))
    assert TrainingClosures(tmp_path).applied(PLAN, now) == PLAN
