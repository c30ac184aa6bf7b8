"""A plan from the server: the coach keeps until when it holds, and when its sessions were counted."""

from msgspec.structs import replace

from coach.model.plan import Plan
from firmware.services.server_commands import plan_of
from sync.wire.messages import PlanOnWire

PLAN = Plan(participant="p1", hr_max_bpm=180.0)
CAME = PlanOnWire(version=1, made_at_wall_s=1000.0, made_by="t1", plan=PLAN)


def test_the_day_until_which_it_holds_stays_with_the_plan() -> None:
    assert plan_of(replace(CAME, valid_until_wall_s=5000.0)).valid_until_wall_s == 5000.0
    assert plan_of(CAME).valid_until_wall_s is None


def test_of_two_days_the_earlier_counts() -> None:
    both = replace(CAME, valid_until_wall_s=5000.0, plan=replace(PLAN, valid_until_wall_s=4000.0))
    assert plan_of(both).valid_until_wall_s == 4000.0


def test_sessions_were_counted_when_the_plan_was_made_unless_it_says_otherwise() -> None:
    assert plan_of(CAME).counted_at_wall_s == 1000.0
    assert plan_of(replace(CAME, plan=replace(PLAN, counted_at_wall_s=900.0))).counted_at_wall_s == 900.0
