"""For whom training is closed after a yes: over a restart, until its time has passed or a therapist opens it."""

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from coach.model.plan import Plan
from firmware.participants.plan_files import GUEST
from firmware.participants.training_closures import GUEST_CLOSED_S, UNREADABLE, TrainingClosures, forget_closure

PLAN = Plan(participant="p1", hr_max_bpm=190.0, closed_after_yes_h=12.0)
NOON_S = 1_700_000_000.0


def closed(folder: Path, plan: Plan = PLAN, after_s: float = 60.0) -> tuple[str, ...]:
    """What closes training for this plan, by what the disk has."""
    return TrainingClosures(folder).applied(plan, NOON_S + after_s).closed_by_yes


def test_a_closing_yes_outlives_a_restart_until_the_plans_time_has_passed(tmp_path: Path) -> None:
    TrainingClosures(tmp_path).answered("p1", ("chest_pain", "injury"), NOON_S)
    assert closed(tmp_path) == ("chest_pain",)
    assert closed(tmp_path, after_s=12 * 3600 - 1.0) == ("chest_pain",)
    assert closed(tmp_path, after_s=12 * 3600) == ()
    assert closed(tmp_path, after_s=-3600.0) == ("chest_pain",)


@pytest.mark.parametrize("question", ["withdrawal", "medication", "other", "dizziness"])
def test_a_yes_to_another_question_closes_nothing_lasting(tmp_path: Path, question: str) -> None:
    TrainingClosures(tmp_path).answered("p1", (question,), NOON_S)
    assert closed(tmp_path) == ()


def test_a_therapist_opens_what_was_closed_before_and_not_what_comes_after(tmp_path: Path) -> None:
    TrainingClosures(tmp_path).answered("p1", ("fever",), NOON_S)
    assert closed(tmp_path, replace(PLAN, training_opened_wall_s=NOON_S + 30)) == ()
    assert closed(tmp_path, replace(PLAN, training_opened_wall_s=NOON_S - 30)) == ("fever",)


def test_a_guest_is_closed_out_for_a_shorter_time(tmp_path: Path) -> None:
    TrainingClosures(tmp_path).answered(GUEST, ("intoxication",), NOON_S)
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
    TrainingClosures(tmp_path).answered("p1", ("fever",), NOON_S)
    forget_closure(tmp_path, "p1")
    assert closed(tmp_path) == ()
    assert TrainingClosures().applied(PLAN, NOON_S) == PLAN
