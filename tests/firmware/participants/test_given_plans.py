from pathlib import Path

import pytest

from coach.model.plan import Plan
from firmware.participants import plan_cache
from firmware.participants.plan_cache import UnsafeNameError
from firmware.participants.plan_files import PlanRepository, read_folder, ready

PLAN = Plan(participant="p-1", nickname="Rev", hr_max_bpm=180.0, hr_max_source="measured")


def test_a_plan_from_the_server_is_read_again_after_a_restart(tmp_path: Path) -> None:
    folder = plan_cache.folder_beside(tmp_path / "diary.db")
    plan_cache.keep(folder, PLAN)
    found, refused = read_folder(folder)
    assert ([one.plan for one in found], refused) == ([PLAN], ())


def test_a_newer_plan_takes_the_place_of_the_older_one(tmp_path: Path) -> None:
    plan_cache.keep(tmp_path, PLAN)
    plan_cache.keep(tmp_path, Plan(participant="p-1", hr_max_bpm=170.0, hr_max_source="measured"))
    found, _ = read_folder(tmp_path)
    assert [one.plan.hr_max_bpm for one in found] == [170.0]


def test_a_withdrawn_plan_is_gone_and_withdrawing_twice_is_no_fault(tmp_path: Path) -> None:
    plan_cache.keep(tmp_path, PLAN)
    for _ in range(2):
        plan_cache.remove(tmp_path, "p-1")
    assert read_folder(tmp_path) == ((), ())


@pytest.mark.parametrize("name", ["", "../p-1", "a/b", ".hidden", "p 1", "x" * 65, "p\n"])
def test_no_pseudonym_reaches_outside_the_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnsafeNameError):
        plan_cache.keep(tmp_path / "plans", Plan(participant=name, hr_max_bpm=170.0, hr_max_source="measured"))
    with pytest.raises(UnsafeNameError):
        plan_cache.remove(tmp_path / "plans", name)
    assert list(tmp_path.iterdir()) == []


def test_a_shelf_forgets_who_was_withdrawn_and_keeps_the_others_in_order() -> None:
    others = [Plan(participant=f"p-{n}", hr_max_bpm=180.0, hr_max_source="measured") for n in (2, 3)]
    shelf = PlanRepository(tuple(ready(plan, "test") for plan in (others[0], PLAN, others[1])))
    shelf.withdraw("p-1")
    shelf.withdraw("nobody")
    assert shelf.names == ("p-2", "p-3")
