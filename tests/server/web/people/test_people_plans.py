"""Plans on the therapist's pages: limits, what is typed twice, versions, two at once, what the coach proposes (H7)."""

import re
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from django.conf import settings
from django.utils import timezone

from coach.guidance.carried_response import HrMaxEstimate, KindRecord, LearnedResponse, NextTime, as_json
from coach.guidance.priors import KINDS, PERSON
from coach.model.events import HrMaxFinding, Level, NoticeRaised
from coach.model.plan import CLOCK_QUESTIONS, Load
from display.drawing.participant_pictures import PICTURES as DRAWN
from display.texts import texts_in
from scripts.draw_pictures import FOLDER, svg
from server.audit.models import Entry
from server.live.models import Outgoing
from server.live.wire_plans import plan_on_wire
from server.models import MachineState, PlanOnMachine
from server.people import plan_service
from server.people.errors import EditConflictError
from server.people.models import Participant, PlanVersion
from server.people.pictures import PICTURES
from server.people.plan_delivery_status import OnMachine, on_machines
from server.people.plan_rules import QUESTIONS, Values, doubts, faults, merged, to_type_again, values_of
from server.people.protocols import offered
from sync.wire.codec import read
from sync.wire.envelope import Unreadable
from sync.wire.messages import PlanOnWire, SessionDelivery
from tests.server.web.conftest import People
from tests.server.web.diary.test_diary_pages import keep, text_of, trained

TODAY = date(2026, 11, 22)
SOUND = Values(hr_max_bpm=180.0, hr_max_source="measured", ceiling_bpm=175.0, start_speed_kmh=6.0)
WHERE = "/c/trondheim/participants/p-1/plan/"


def form_of(values: Values, base: int, **more: object) -> dict[str, object]:
    """The form as a browser sends it."""
    told = {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in msgspec.structs.asdict(values).items()
        if value is not None and value is not False
    }
    return {**told, "questions": list(values.questions), "base": base, "reason": "Ny test", **more}


def given(people: People, values: Values = SOUND) -> PlanVersion:
    return plan_service.save_plan(people.participant, people.account("therapist"), values, base=0, reason="")


def newest(people: People) -> PlanVersion:
    found = plan_service.newest_of(people.participant)
    assert found is not None
    return found


def post(people: People, form: dict[str, object], who: str = "therapist") -> tuple[int, str]:
    answer = people.clients[who].post(f"{WHERE}change/", form)
    return answer.status_code, text_of(answer.content.decode()) if answer.content else answer.headers["Location"]


# --- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"hr_max_bpm": None, "hr_max_source": ""}, "hr_max_bpm"),
        ({"hr_max_bpm": 300.0}, "hr_max_bpm"),
        ({"hr_max_bpm": 60.0, "ceiling_bpm": None}, "hr_max_bpm"),
        ({"ceiling_bpm": 181.0}, "ceiling_bpm"),
        ({"hr_max_source": ""}, "hr_max_source"),
        ({"hr_max_set_on": TODAY + timedelta(days=1)}, "hr_max_set_on"),
        ({"start_speed_kmh": 12.0, "max_speed_kmh": 10.0}, "start_speed_kmh"),
        ({"start_speed_kmh": None, "start_incline_percent": 5.0}, "start_speed_kmh"),
        ({"max_speed_kmh": 40.0}, "max_speed_kmh"),
        ({"speed_step_kmh": 2.0}, "speed_step_kmh"),
        ({"start_incline_percent": 31.0}, "start_incline_percent"),
        ({"weekly_cap": 0}, "weekly_cap"),
        ({"rest_hours": -1.0}, "rest_hours"),
        ({"closed_after_yes_h": 0.0}, "closed_after_yes_h"),
        ({"closed_after_yes_h": 721.0}, "closed_after_yes_h"),
        ({"valid_until": TODAY - timedelta(days=1)}, "valid_until"),
        ({"valid_until": TODAY + timedelta(days=3000)}, "valid_until"),
    ],
)
def test_what_cannot_stand_is_a_fault_of_its_field(changes: dict[str, object], field: str) -> None:
    found = faults(msgspec.structs.replace(SOUND, **changes), TODAY)
    assert field in [one.field for one in found]
    assert all(one.words.endswith(".") for one in found)


def test_a_sound_plan_and_one_by_borg_without_hr_max_have_no_fault() -> None:
    assert faults(SOUND, TODAY) == ()
    assert faults(Values(mode="exertion"), TODAY) == ()


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({}, 0),
        ({"hr_max_bpm": 150.0, "ceiling_bpm": None}, 1),
        ({"hr_max_bpm": 135.0, "ceiling_bpm": None, "hr_max_source": "formula_beta_blocker"}, 0),
        ({"hr_max_bpm": 165.0, "ceiling_bpm": None, "hr_max_source": "formula_beta_blocker"}, 0),
        ({"hr_max_bpm": 169.0, "ceiling_bpm": None, "hr_max_source": "formula_beta_blocker"}, 1),
        ({"ceiling_bpm": 140.0}, 1),
        ({"weekly_cap": 6, "cap_released": True}, 2),
        ({"start_speed_kmh": 9.0}, 1),
        ({"hr_max_set_on": date(2020, 1, 1)}, 1),
    ],
)
def test_what_is_worth_a_second_look_is_doubted_when_it_is_changed(changes: dict[str, object], count: int) -> None:
    before = msgspec.structs.replace(SOUND, hr_max_bpm=178.0)
    after = msgspec.structs.replace(SOUND, **changes)
    assert len(doubts(after, before, 1980, TODAY, 0.85)) == count
    assert doubts(after, after, 1980, TODAY, 0.85) == ()


def test_two_changes_of_one_plan_are_put_together_and_what_both_changed_is_told() -> None:
    theirs = msgspec.structs.replace(SOUND, weekly_cap=2, ceiling_bpm=170.0)
    mine = msgspec.structs.replace(SOUND, ceiling_bpm=165.0, rest_hours=24.0)
    both = msgspec.structs.replace(SOUND, weekly_cap=2, ceiling_bpm=165.0, rest_hours=24.0)
    assert merged(SOUND, theirs, mine) == (both, ("ceiling_bpm",))


def test_of_a_first_plan_what_was_left_empty_is_not_typed_twice() -> None:
    assert to_type_again(None, Values(mode="exertion")) == ("mode", "max_speed_kmh")
    assert to_type_again(SOUND, msgspec.structs.replace(SOUND, weekly_cap=2)) == ()


def test_pictures_questions_and_protocols_are_those_of_the_machine() -> None:
    assert list(PICTURES) == list(DRAWN)
    assert {one: (FOLDER / f"{one}.svg").read_text(encoding="utf-8") for one in DRAWN} == {
        one: svg(drawing) for one, drawing in DRAWN.items()
    }
    # What the machine asks where its clock is not set is no plan's question.
    assert set(QUESTIONS) == set(texts_in("nb").group("question")) - set(CLOCK_QUESTIONS)
    assert [one.name for one in offered()] == ["4x4", "3x3-mit", "steady", "tabata-x5"]


# --- saving ----------------------------------------------------------------------------------------------------------


def test_a_first_plan_is_typed_twice_saved_logged_and_on_its_way(people: People) -> None:
    MachineState.objects.create(
        clinic="trondheim", machine="molle-1", online=True, connection=1, waiting=0, state={}, heard_wall_s=0.0
    )
    plan = msgspec.structs.replace(SOUND, valid_until=timezone.localdate() + timedelta(days=60), questions=("fever",))
    people.participant.picture = "fox"
    people.participant.save()
    status, page = post(people, form_of(plan, 0))
    assert (status, "Skriv det en gang til" in page) == (200, True)
    assert PlanVersion.objects.count() == 0
    again = {"again": "yes", "again_hr_max_bpm": "180", "again_ceiling_bpm": "175,0", "again_mode": "heart_rate"}
    status, where = post(people, form_of(plan, 0, **again, again_max_speed_kmh="20"))
    assert (status, where) == (302, WHERE)
    assert values_of(newest(people)) == plan
    told = read(bytes(Outgoing.objects.get().payload), PlanOnWire)
    assert not isinstance(told, Unreadable)
    assert (told.version, told.plan.participant, told.plan.picture, told.plan.questions) == (
        1,
        "p-1",
        "fox",
        ("fever",),
    )
    assert told.plan.valid_until_wall_s == told.valid_until_wall_s is not None
    line = Entry.objects.get(action="plan.changed")
    assert (line.account, line.participant, line.detail["version"]) == ("therapist", "p-1", 1)
    assert "180" not in str(line.detail)


def test_the_second_typing_shows_nothing_of_the_first(people: People) -> None:
    given(people)
    changed = msgspec.structs.replace(SOUND, hr_max_bpm=176.0, ceiling_bpm=171.0)
    page = people.therapist.post(f"{WHERE}change/", form_of(changed, 1)).content.decode()
    seen = re.sub(r'<input type="hidden"[^>]*>', "", page)
    assert "again_hr_max_bpm" in seen
    assert "again_max_speed_kmh" not in seen
    assert not re.search(r"\b17[61]\b", seen)


def test_what_is_typed_otherwise_the_second_time_is_not_saved_and_neither_is_kept(people: People) -> None:
    given(people)
    changed = msgspec.structs.replace(SOUND, ceiling_bpm=157.0)
    status, page = post(people, form_of(changed, 1, again="yes", again_ceiling_bpm="175", looked_at="on"))
    assert (status, newest(people).version) == (422, 1)
    assert "Verdiene er ikke like" in page
    answer = people.therapist.post(f"{WHERE}change/", form_of(changed, 1, again="yes", again_ceiling_bpm="175"))
    assert b'value="157"' not in answer.content
    assert b'value="175"' not in answer.content


def test_a_doubt_is_looked_at_before_it_is_saved(people: People) -> None:
    given(people)
    changed = form_of(msgspec.structs.replace(SOUND, weekly_cap=6), 1)
    assert "denne planen tillater 6" in post(people, changed)[1]
    assert post(people, {**changed, "again": "yes"})[0] == 422
    assert post(people, {**changed, "again": "yes", "looked_at": "on"})[0] == 302
    assert newest(people).weekly_cap == 6


def test_what_decides_over_no_limit_is_saved_at_once(people: People) -> None:
    given(people)
    assert post(people, form_of(msgspec.structs.replace(SOUND, rest_hours=24.0), 1))[0] == 302
    assert (newest(people).version, newest(people).rest_hours, newest(people).reason) == (2, 24.0, "Ny test")


def test_faults_are_said_at_their_fields_and_nothing_is_lost(people: People) -> None:
    given(people)
    status, page = post(people, form_of(msgspec.structs.replace(SOUND, ceiling_bpm=200.0), 1, start_speed_kmh="fem"))
    assert (status, newest(people).version) == (422, 1)
    assert "Dette er ikke et tall." in page
    status, page = post(people, form_of(msgspec.structs.replace(SOUND, ceiling_bpm=200.0), 1))
    assert "Pulstaket er over makspuls" in page


def test_of_two_therapists_the_second_is_told_and_loses_nothing(people: People) -> None:
    given(people)
    mine = form_of(msgspec.structs.replace(SOUND, rest_hours=24.0), 1)
    theirs = msgspec.structs.replace(SOUND, weekly_cap=2)
    plan_service.save_plan(people.participant, people.account("clinic_admin"), theirs, base=1, reason="Sliten")
    status, page = post(people, mine)
    assert (status, newest(people).version) == (409, 2)
    assert "Clinic_Admin Testesen endret planen mens du skrev" in page
    answer = people.therapist.post(f"{WHERE}change/", mine).content.decode()
    fields = dict(re.findall(r'name="(weekly_cap|rest_hours|base|reason)" value="([^"]*)"', answer))
    assert fields == {"weekly_cap": "2", "rest_hours": "24", "base": "2", "reason": "Ny test"}
    with pytest.raises(EditConflictError):
        plan_service.save_plan(people.participant, people.account("therapist"), SOUND, base=1, reason="")


def machine_said(machine: str, *, online: bool = True, **said: object) -> None:
    MachineState.objects.create(
        clinic="trondheim", machine=machine, online=online, connection=1, waiting=0, state={}, heard_wall_s=0.0
    )
    if said:
        at_s = datetime(2026, 5, 4, 9, 42, tzinfo=UTC).timestamp()
        row = {"since_wall_s": at_s, "boot_id": "b", "monotonic_s": 1.0, **said}
        PlanOnMachine.objects.create(clinic="trondheim", machine=machine, participant="p-1", **row)


def machines_told(people: People, language: str = "nb") -> list[str]:
    """What the plan's page says of each machine."""
    people.therapist.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    page = people.therapist.get(WHERE).content.decode()
    inside = page.partition('class="plain machines">')[2].partition("</ul>")[0]
    return [text_of(f"<main>{one}</main>") for one in inside.split("<li>")[1:]]


def test_each_machine_is_shown_with_what_it_said_it_took(people: People) -> None:
    plan_service.save_plan(people.participant, people.account("therapist"), SOUND, base=0, reason="")
    harder = msgspec.structs.replace(SOUND, start_speed_kmh=6.5)
    plan_service.save_plan(people.participant, people.account("therapist"), harder, base=1, reason="")
    machine_said("molle-1", version=2)
    machine_said("molle-2", version=1, refused_version=2)
    machine_said("molle-3", version=1)
    machine_said("molle-4")
    machine_said("molle-5", online=False)
    assert machines_told(people) == [
        "Mølle 1 4. mai har versjon 2",
        "Mølle 2 har fortsatt versjon 1 avviser versjon 2",
        "Mølle 3 har fortsatt versjon 1 sendt; ikke bekreftet ennå",
        "Mølle 4 sendt; ikke bekreftet ennå",
        "Mølle 5 sendt; får den når den er koblet til",
    ]
    PlanOnMachine.objects.filter(machine="molle-1").update(since_wall_s=timezone.now().timestamp())
    assert re.fullmatch(r"Mølle 1 \d\d:\d\d har versjon 2", machines_told(people)[0])
    assert machines_told(people, "en")[2] == "Treadmill 3 still has version 1 sent; not confirmed yet"


def test_after_the_end_only_machines_that_have_the_plan_yet_are_shown(people: People) -> None:
    given(people)
    machine_said("molle-1", version=None)
    machine_said("molle-2", version=1)
    people.therapist.post(f"{WHERE}end/", {"reason": "Brukket ankel", "base": 1})
    Outgoing.objects.update(published_at=timezone.now())
    assert machines_told(people) == [
        "Mølle 1 trukket tilbake",
        "Mølle 2 har fortsatt versjon 1 sendt; ikke bekreftet ennå",
    ]
    Participant.objects.update(active=False)
    assert machines_told(people) == ["Mølle 2 har fortsatt versjon 1"]


def test_a_withdrawn_plan_leaves_every_machine_and_its_history_stays(people: People) -> None:
    MachineState.objects.create(
        clinic="trondheim", machine="molle-1", online=False, connection=1, waiting=0, state={}, heard_wall_s=0.0
    )
    given(people)
    people.therapist.post(f"{WHERE}end/", {"reason": "Brukket ankel", "base": 1})
    assert (newest(people).version, newest(people).withdrawn) == (2, True)
    assert [bytes(row.payload) == b"" for row in Outgoing.objects.order_by("pk")] == [False, True]
    assert on_machines(people.participant) == (OnMachine(machine="molle-1", sent=False, online=False),)
    Outgoing.objects.update(published_at=timezone.now())
    page = text_of(people.therapist.get(WHERE).content.decode())
    assert "Ingen gjeldende plan" in page
    assert "«Brukket ankel»" in page
    assert "sendt; får den når den er koblet til" in page


def test_who_may_not_change_sees_the_plan_and_nothing_of_the_sessions(people: People) -> None:
    given(people)
    page = text_of(people.admin.get(WHERE).content.decode())
    assert "Plan, versjon 1" in page
    assert "Endre planen" not in page
    for name in ("change", "proposal", "end"):
        assert people.admin.post(f"{WHERE}{name}/", form_of(SOUND, 1)).status_code == 404
    assert newest(people).version == 1


# --- what the coach proposes -----------------------------------------------------------------------------------------


def learned(**more: object) -> object:
    record = KindRecord(0.0, (0.0,) * len(PERSON), ((0.0,) * len(PERSON),) * len(PERSON))
    usual: dict[str, object] = {"sessions": 3, "kinds": (record,) * len(KINDS), "hr_max_bpm": (170.0,)}
    return as_json(LearnedResponse(**{**usual, "evidence": (0.0,), **more}))  # type: ignore[arg-type] # of these types


def told(number: int, *, notices: tuple[str, ...] = (), response: object = None) -> SessionDelivery:
    made = trained(number)
    summary = msgspec.structs.replace(made.summary, hr_max_bpm=180.0, notices=notices, response=response)
    return msgspec.structs.replace(made, summary=summary)


def test_the_setting_that_the_coach_proposes_is_shown_with_its_reason_and_used_by_one_press(people: People) -> None:
    given(people)
    (entry,) = keep(told(1, response=learned(next_time=NextTime(Load(6.4, 5.0), "more_load"))))
    page = text_of(people.therapist.get(WHERE).content.decode())
    assert "6,4 km/t og 5 % stigning" in page
    assert "krever mer belastning nå." in page
    stale = {"session": str(entry.session_id), "base": "7"}
    people.therapist.post(f"{WHERE}proposal/", stale)
    assert newest(people).version == 1
    people.therapist.post(f"{WHERE}proposal/", {**stale, "base": "1"})
    used = newest(people)
    assert (used.version, used.start_speed_kmh, used.start_incline_percent) == (2, 6.4, 5.0)
    assert "Til neste økt" not in text_of(people.therapist.get(WHERE).content.decode())


def test_a_finding_is_shown_with_its_evidence_and_only_fills_in_the_form(people: People) -> None:
    given(people)
    found = HrMaxFinding("hr_max_seems_lower", 168.0, 162.0, 174.0, "exertion", ((158.0, 18), (160.0, 19)))
    made = told(1, notices=("hr_max_seems_lower",))
    notice = NoticeRaised(900.0, "hr_max_seems_lower", Level.ATTENTION, to_therapist=True, finding=found)
    keep(msgspec.structs.replace(made, events=(*made.events, notice)))
    page = text_of(people.therapist.get(WHERE).content.decode())
    assert "makspuls på omtrent 168 slag/min, trolig mellom 162 og 174" in page
    assert "Borg 18 ved 158" in page
    filled = people.therapist.get(f"{WHERE}change/?finding").content.decode()
    assert re.findall(r'name="(hr_max_bpm|ceiling_bpm|own_source)" value="(\w*)', filled) == [
        ("hr_max_bpm", "168"),
        ("ceiling_bpm", "168"),
        ("own_source", "anstrengelse"),
    ]
    assert newest(people).version == 1
    assert "vurder makspuls" in text_of(people.therapist.get("/c/trondheim/participants/").content.decode())


def test_a_finding_stands_by_the_summary_alone_and_falls_when_hr_max_is_changed(people: People) -> None:
    given(people)
    estimate = HrMaxEstimate(167.6, 160.0, 174.0, "measured")
    (entry,) = keep(told(1, notices=("hr_max_seems_lower",), response=learned(hr_max=estimate, borgs=((158.0, 18),))))
    entry.stored.payload = None
    entry.stored.save()
    assert "omtrent 168 slag/min" in text_of(people.therapist.get(WHERE).content.decode())
    after = msgspec.structs.replace(SOUND, hr_max_bpm=168.0, ceiling_bpm=None)
    plan_service.save_plan(people.participant, people.account("therapist"), after, base=1, reason="Funn")
    assert "omtrent 168" not in text_of(people.therapist.get(WHERE).content.decode())


def test_what_a_formula_says_on_a_beta_blocker_reaches_the_machine_as_a_formula(people: People) -> None:
    MachineState.objects.create(
        clinic="trondheim", machine="molle-1", online=True, connection=1, waiting=0, state={}, heard_wall_s=0.0
    )
    given(
        people, msgspec.structs.replace(SOUND, hr_max_bpm=132.0, ceiling_bpm=None, hr_max_source="formula_beta_blocker")
    )
    told_plan = read(bytes(Outgoing.objects.get().payload), PlanOnWire)
    assert not isinstance(told_plan, Unreadable)
    assert told_plan.plan.hr_max_source == "formula"


# --- training that a yes has closed ----------------------------------------------------------------------------------


def test_opening_training_is_a_version_that_the_machines_get_and_later_versions_keep(people: People) -> None:
    given(people)
    opening = {"base": 1}
    assert people.clients["therapist"].post(f"{WHERE}open-training/", opening).status_code == 302
    opened = newest(people)
    assert (opened.version, opened.training_opened_at is not None, opened.made_by is not None) == (2, True, True)
    wire = plan_on_wire(opened).plan
    assert wire.training_opened_wall_s == opened.training_opened_at.timestamp()  # type: ignore[union-attr]
    assert post(people, form_of(msgspec.structs.replace(SOUND, rest_hours=24.0), 2))[0] == 302
    assert newest(people).training_opened_at == opened.training_opened_at


@pytest.mark.parametrize("base", ["7", "", "x"])
def test_training_is_not_opened_by_a_page_that_is_out_of_date(people: People, base: str) -> None:
    given(people)
    assert people.clients["therapist"].post(f"{WHERE}open-training/", {"base": base}).status_code == 302
    assert newest(people).training_opened_at is None
