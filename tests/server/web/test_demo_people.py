"""The demo's people: one for each rule of the follow-up list, led by the engine and found by the rules.

Some eighty sessions are led by the engine, so that this is no quick test.
"""

from collections import Counter
from pathlib import Path

import msgspec
import pytest
from django.utils import timezone

from firmware.demo import needs
from firmware.demo.clinic_history import DemoPerson, main
from server.accounts.models import Clinic
from server.demo.filling import fill
from server.diary.models import DiaryEntry
from server.follow_up.checking import check_all, check_unassigned
from server.follow_up.models import FollowUpItem
from server.follow_up.rules import BY_CODE
from server.models import PlanOnMachine
from server.people.models import Participant
from tests.server.web.conftest import People

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

PEOPLE = needs.FIRST + len(needs.NEEDS)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The past of each person with a need, and of one who is not registered."""
    out: Path = tmp_path_factory.mktemp("past")
    assert main([str(out), "--clinic", f"demo:{PEOPLE + 1}", "--clinic", "other:1"]) == 0
    return out


@pytest.fixture
def filled(people: People, past: Path) -> Clinic:
    """The demo's clinic, filled; a machine has refused a plan, as the room's last one does."""
    del people
    made = fill(past, [("demo", "Demoklinikken"), ("other", "Nabo")])
    PlanOnMachine.objects.create(
        clinic="demo", machine="molle-12", participant=made.refused, refused_version=1, monotonic_s=0.0
    )
    return Clinic.objects.get(code="demo")


def test_every_rule_finds_the_person_who_was_made_for_it(filled: Clinic, past: Path) -> None:
    check_all()
    check_unassigned(filled, timezone.now())
    told = msgspec.json.decode((past / "people.json").read_bytes(), type=list[DemoPerson])
    found = {
        (item.participant.pseudonym if item.participant else "", item.rule)
        for item in FollowUpItem.objects.filter(clinic=filled).select_related("participant")
    }
    made = {(one.pseudonym, one.need) for one in told if one.need}
    assert sorted(need for _who, need in made - found) == []
    assert {rule for _who, rule in found} == set(BY_CODE)


def test_nobody_has_another_s_name_and_no_session_is_another_again(filled: Clinic) -> None:
    people = Participant.objects.filter(clinic=filled)
    assert len({one.name for one in people}) == len({one.nickname for one in people}) == people.count() == PEOPLE
    entries = DiaryEntry.objects.filter(clinic=filled)
    figures = Counter(entries.values_list("zone_s", "peak_bpm", "load", "speed_kmh", "training_s"))
    assert [one for one, times in figures.items() if times > 1 and one[0]] == []
    for entry in entries.exclude(participant=None).select_related("participant"):
        assert entry.participant is not None
        newest = entry.participant.plans.order_by("-version").first()
        if newest is not None:
            assert entry.hr_max_bpm == newest.hr_max_bpm
