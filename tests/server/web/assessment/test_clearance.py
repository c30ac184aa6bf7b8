"""Clearance: without one in force no plan beyond moderate effort is saved, and none is begun on a machine (H15)."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from server.assessment.clearance import NEVER, ClearanceState, last_days, status_of
from server.assessment.contraindications import LISTS, NEWEST
from server.assessment.models import Clearance, ClearanceGrace
from server.audit.models import Entry
from server.live.models import Outgoing, RaisedNotice
from server.live.signals import notice_raised
from server.models import MachineState
from server.people import plan_service
from server.people.errors import NotClearedError
from server.people.plan_rules import Values
from sync.wire.codec import read
from sync.wire.envelope import Unreadable
from sync.wire.messages import PlanOnWire
from tests.server.conftest import using
from tests.server.web.conftest import People, cleared
from tests.server.web.diary.test_diary_pages import text_of
from tests.server.web.follow_up.test_follow_up_pages import codes
from tests.server.web.people.test_people_plans import form_of

WHERE = "/c/trondheim/participants/p-1/clearance/"
PLAN = "/c/trondheim/participants/p-1/plan/"
HARD = Values(hr_max_bpm=180.0, hr_max_source="measured")
MODERATE = msgspec.structs.replace(HARD, protocol="steady")


def uncleared(people: People) -> None:
    people.participant.clearances.all().delete()


def machine() -> None:
    MachineState.objects.create(
        clinic="trondheim", machine="molle-1", online=True, connection=1, waiting=0, state={}, heard_wall_s=0.0
    )


def on_wire() -> PlanOnWire:
    """The newest plan on its way to the machine."""
    told = read(bytes(Outgoing.objects.order_by("-pk")[0].payload), PlanOnWire)
    assert not isinstance(told, Unreadable)
    return told


def end_of(day: object) -> float:
    midnight = datetime.fromisoformat(f"{day}T00:00:00+01:00")
    return midnight.timestamp()


def saved(people: People, values: Values = HARD, base: int = 0) -> None:
    plan_service.save_plan(people.participant, people.account("therapist"), values, base=base, reason="")


def yes(people: People, code: str, after: timedelta = timedelta(seconds=1)) -> None:
    """A machine reports an answer before a start."""
    notice_raised.send(
        RaisedNotice,
        notice=RaisedNotice(
            clinic=people.clinic, machine="molle-1", participant="p-1", code=code, level="attention", since_s=0.0,
            heard_at=timezone.now() + after,
        ),
    )  # fmt: skip


def form(**more: object) -> dict[str, object]:
    today = timezone.localdate()
    return {
        "cleared_by": "  Lege   Legesen ", "profession": "doctor", "cleared_on": today.isoformat(), "effort": "hard",
        "valid_until": (today + timedelta(days=300)).isoformat(), "by_list": NEWEST, "beta_blocker": "no", **more,
    }  # fmt: skip


# --- the plan -----------------------------------------------------------------------------------------------------


def test_without_a_clearance_a_hard_plan_is_a_fault_of_its_protocol_and_a_moderate_one_is_saved(
    people: People,
) -> None:
    uncleared(people)
    refused = people.therapist.post(f"{PLAN}change/", form_of(HARD, 0))
    assert refused.status_code == 422
    assert "Uten gyldig klarering fra lege" in text_of(refused.content.decode())
    with pytest.raises(NotClearedError):
        saved(people)
    assert not people.participant.plans.exists()
    saved(people, MODERATE)
    assert people.participant.plans.count() == 1


def test_a_first_plan_without_a_clearance_begins_with_the_moderate_protocol(people: People) -> None:
    uncleared(people)
    page = people.therapist.get(f"{PLAN}change/").content.decode()
    assert '<option value="steady" selected>' in page
    assert "Ingen gyldig klarering er registrert" in text_of(page)


def test_a_proposal_is_not_used_once_the_clearance_is_gone(people: People) -> None:
    saved(people)
    uncleared(people)
    with pytest.raises(NotClearedError):
        saved(people, msgspec.structs.replace(HARD, start_speed_kmh=6.0), base=1)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, ClearanceState.CLEARED),
        ({"profession": "physiotherapist"}, ClearanceState.MODERATE),
        ({"effort": "moderate"}, ClearanceState.MODERATE),
        ({"valid_until": timezone.localdate() - timedelta(days=1)}, ClearanceState.EXPIRED),
        ({"renewal_code": "unwell", "renewal_asked_at": timezone.now()}, ClearanceState.RENEWAL),
        ({"renewal_code": "not_ready", "renewal_asked_at": timezone.now()}, ClearanceState.CLEARED),
    ],
)
def test_only_a_doctors_clearance_for_hard_effort_in_force_allows_it(
    people: People, changes: dict[str, object], state: ClearanceState
) -> None:
    uncleared(people)
    cleared(people.participant, **changes)
    found = status_of(people.participant)
    assert (found.state, found.cleared) == (state, state is ClearanceState.CLEARED)


def test_the_newest_clearance_counts(people: People) -> None:
    cleared(people.participant, cleared_on=timezone.localdate(), effort="moderate")
    assert status_of(people.participant).state is ClearanceState.MODERATE


# --- what machines get --------------------------------------------------------------------------------------------


def test_a_machine_is_told_no_later_day_than_the_clearances_and_of_a_moderate_plan_its_own(people: People) -> None:
    machine()
    until = timezone.localdate() + timedelta(days=30)
    people.participant.clearances.update(valid_until=until)
    saved(people)
    assert on_wire().valid_until_wall_s == pytest.approx(end_of(until + timedelta(days=1)), abs=3600)
    sooner = until - timedelta(days=10)
    saved(people, msgspec.structs.replace(HARD, valid_until=sooner), base=1)
    assert on_wire().valid_until_wall_s == pytest.approx(end_of(sooner + timedelta(days=1)), abs=3600)
    saved(people, MODERATE, base=2)
    assert on_wire().valid_until_wall_s is None


def test_a_new_clearance_reaches_the_machines_with_the_plan(people: People) -> None:
    machine()
    saved(people)
    people.participant.clearances.update(valid_until=timezone.localdate() - timedelta(days=1))
    answer = people.therapist.post(WHERE, form())
    assert answer.status_code == 302
    assert on_wire().valid_until_wall_s > timezone.now().timestamp()  # type: ignore[operator] # told above
    kept = people.participant.clearances.latest("pk")
    assert (kept.cleared_by, kept.list_version, kept.beta_blocker, kept.made_by) == (
        "Lege Legesen", NEWEST, False, people.account("therapist"),
    )  # fmt: skip
    assert NEWEST in LISTS
    assert Entry.objects.filter(action="clearance.recorded", participant="p-1").count() == 1


def test_a_plan_that_was_never_cleared_begins_no_session_on_a_machine(people: People) -> None:
    saved(people)
    uncleared(people)
    newest = plan_service.newest_of(people.participant)
    assert newest is not None
    assert last_days([newest], timezone.localdate()) == {people.participant.pk: NEVER}


# --- a yes before a start -----------------------------------------------------------------------------------------


def test_a_yes_to_chest_pain_ends_the_clearance_until_a_therapist_says_why_it_holds(people: People) -> None:
    machine()
    saved(people)
    yes(people, "unwell")
    assert status_of(people.participant).state is ClearanceState.RENEWAL
    assert on_wire().valid_until_wall_s < timezone.now().timestamp()  # type: ignore[operator] # told above
    assert ("p-1", "ended_clearance") in codes(people)
    assert people.therapist.post(f"{WHERE}uphold/", {"answer": ""}).status_code == 422
    people.therapist.post(f"{WHERE}uphold/", {"answer": "Trykket feil"})
    assert status_of(people.participant).cleared
    assert on_wire().valid_until_wall_s > timezone.now().timestamp()  # type: ignore[operator] # told above
    assert ("p-1", "ended_clearance") not in codes(people)
    assert "Trykket feil" in text_of(people.therapist.get(WHERE).content.decode())
    assert "ikke lenger bedt om" in text_of(
        people.therapist.post(f"{WHERE}uphold/", {"answer": "Igjen"}, follow=True).content.decode()
    )


def test_another_yes_is_followed_up_and_ends_nothing_and_a_graver_one_takes_its_place(people: People) -> None:
    saved(people)
    yes(people, "not_ready")
    assert status_of(people.participant).cleared
    assert ("p-1", "asked_clearance") in codes(people)
    yes(people, "unwell")
    yes(people, "not_ready")
    assert status_of(people.participant).state is ClearanceState.RENEWAL
    assert ("p-1", "asked_clearance") not in codes(people)


def test_an_answer_from_before_the_clearance_and_other_notices_ask_for_nothing(people: People) -> None:
    yes(people, "unwell", timedelta(days=-1))
    yes(people, "over_ceiling")
    assert status_of(people.participant).cleared
    cleared(people.participant, renewal_answered_at=timezone.now() + timedelta(hours=1))
    yes(people, "unwell")
    assert status_of(people.participant).cleared


# --- who had a plan before ----------------------------------------------------------------------------------------


def test_who_had_a_plan_before_goes_on_for_a_while_and_is_followed_up(people: People) -> None:
    saved(people)
    uncleared(people)
    until = timezone.localdate() + timedelta(days=60)
    ClearanceGrace.objects.create(participant=people.participant, until=until)
    saved(people, msgspec.structs.replace(HARD, start_speed_kmh=6.0), base=1)
    assert (status_of(people.participant).state, status_of(people.participant).last_day) == ("grace", until)
    assert ("p-1", "ending_clearance") in codes(people)
    ClearanceGrace.objects.update(until=timezone.localdate() - timedelta(days=1))
    Clearance.objects.none()
    assert not status_of(people.participant).cleared


def test_the_upgrade_gives_that_grace_to_those_in_training_with_a_plan(people: People) -> None:
    saved(people)
    with using(connection.settings_dict["NAME"] and f"sqlite:///{connection.settings_dict['NAME']}"):
        executor = MigrationExecutor(connection)
        executor.migrate([("assessment", None)])
        call_command("migrate", verbosity=0)
        kept = dict(ClearanceGrace.objects.values_list("participant__pseudonym", "until"))
    assert list(kept) == ["p-1"]
    assert kept["p-1"] == datetime.now(UTC).date() + timedelta(days=60)


def test_a_clearance_that_ends_soon_or_has_ended_is_followed_up(people: People) -> None:
    saved(people)
    people.participant.clearances.update(valid_until=timezone.localdate() + timedelta(days=22))
    assert not [one for _, one in codes(people) if "clearance" in one]
    newest = people.participant.clearances.get()
    newest.valid_until = timezone.localdate() + timedelta(days=21)
    newest.save()
    assert ("p-1", "ending_clearance") in codes(people)
    newest.valid_until = timezone.localdate() - timedelta(days=1)
    newest.save()
    assert ("p-1", "no_clearance") in codes(people)
    page = text_of(people.therapist.get("/c/trondheim/follow-up/").content.decode())
    assert "Klareringen er utløpt" in page
    assert "klareringen er utløpt" in text_of(people.therapist.get(PLAN).content.decode())


# --- the form -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cleared_by": ""}, "cleared_by"),
        ({"beta_blocker": ""}, "beta_blocker"),
        ({"cleared_on": (timezone.localdate() + timedelta(days=1)).isoformat()}, "cleared_on"),
        ({"cleared_on": "2001-01-01"}, "cleared_on"),
        ({"valid_until": "2001-01-01"}, "valid_until"),
        ({"valid_until": "2199-01-01"}, "valid_until"),
        ({"by_list": "other"}, "list_name"),
        ({"by_list": "none of ours"}, "by_list"),
    ],
)
def test_a_clearance_that_cannot_stand_is_told_at_its_field_and_not_kept(
    people: People, changes: dict[str, object], words: str
) -> None:
    answer = people.therapist.post(WHERE, form(**changes))
    assert (answer.status_code, people.participant.clearances.count()) == (422, 1)
    assert words in answer.context["form"].errors


def test_another_list_is_kept_by_its_name_and_a_first_clearance_leads_to_the_plan(people: People) -> None:
    answer = people.therapist.post(
        WHERE, form(by_list="other", list_name="OUS prosedyre 2025", beta_blocker="unknown", restrictions="Ikke løping")
    )
    assert answer.url.endswith("/plan/change/")
    kept = people.participant.clearances.latest("pk")
    assert (kept.list_version, kept.list_name, kept.beta_blocker) == ("", "OUS prosedyre 2025", None)
    assert "Ikke løping" in text_of(people.therapist.get(answer.url).content.decode())


def test_a_participant_who_is_new_is_led_to_the_clearance(people: People) -> None:
    made = people.therapist.post(
        "/c/trondheim/participants/new/",
        {"name": "Nora Ny", "birth_year": "1990", "nickname": "Ny", "language": "nb"},
    )
    assert made.url.endswith("/clearance/")
    page = text_of(people.therapist.get(made.url).content.decode())
    assert "mangler klarering" in page
    assert "Planlegg moderat innsats uten klarering" in page
