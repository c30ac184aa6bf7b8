"""The week: filling it, copying it, who came and who did not, the fixed times, and who may."""

import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from server.appointments import appointment_service
from server.appointments.appointment_service import TypedPlace
from server.appointments.attendance import AttendanceState, TrainedSession, attendance_of, attended_in
from server.appointments.calendar_week import week_of
from server.appointments.models import Appointment, ClosedDay, FixedTime
from server.appointments.week_page import unsaid
from server.appointments.week_plan import WeekPlace
from server.audit.models import Entry
from server.documents.deletion import delete
from server.documents.export.data_export import everything
from server.follow_up.histories import histories_of
from server.follow_up.rules import find_missed
from server.follow_up.thresholds import FollowUpThresholds
from server.live.models import Outgoing, SuppliedMachine
from server.people.models import Course, Participant
from server.people.plan_rules import Values
from server.people.plan_service import save_plan
from sync.wire.codec import read
from sync.wire.messages import PlanOnWire
from tests.server.web.conftest import People, logged_in
from tests.server.web.diary.test_diary_pages import keep, text_of, trained

MONDAY = date(2026, 11, 30)
WEEK = week_of(MONDAY)
WHERE = "/c/trondheim/week/"


@pytest.fixture(autouse=True)
def tuesday_noon(people: People) -> Iterator[None]:
    """Let it be a Tuesday in December, with everybody just logged in."""
    with time_machine.travel(datetime(2026, 12, 1, 11, tzinfo=UTC), tick=False):
        for name in people.clients:
            people.clients[name] = logged_in(people.account(name))
        yield


@pytest.fixture
def times(people: People) -> list[FixedTime]:
    """Monday, Wednesday and Friday at nine, at two machines."""
    return [
        FixedTime.objects.create(
            clinic=people.clinic, weekday=weekday, begins=time(9), machine=machine, begun_on=MONDAY
        )
        for weekday in (0, 2, 4)
        for machine in ("molle-1", "molle-2")
    ]  # fmt: skip


def field(fixed: FixedTime, on: date) -> str:
    return WeekPlace(fixed.pk, on, 0).name


def fill(people: People, who: str = "therapist", **more: Any) -> Any:  # noqa: ANN401 - Django's answer
    return people.clients[who].post(f"{WHERE}fill/", {"week": WEEK.name, **more})


def booked(participant: Participant) -> list[str]:
    return [
        f"{timezone.localtime(one.begins_at, participant.clinic.zone):%m-%d %H:%M} {one.machine}"
        for one in participant.appointments.order_by("begins_at")
    ]


def book(
    people: People, on: date, hour: int = 9, participant: Participant | None = None, **more: object
) -> Appointment:
    begins_at = appointment_service.at_clinic(people.clinic, on, time(hour))
    return Appointment.objects.create(
        clinic=people.clinic, participant=participant or people.participant, begins_at=begins_at, on=on, **more
    )


def test_a_few_letters_book_a_person_at_the_same_time_on_further_days(people: People, times: list[FixedTime]) -> None:
    answer = fill(people, **{field(times[0], MONDAY): "rev", "all_week": "1"})
    assert answer.status_code == 302
    assert booked(people.participant) == ["11-30 09:00 molle-1", "12-02 09:00 molle-1", "12-04 09:00 molle-1"]
    assert Entry.objects.filter(action="appointments.filled", participant="p-1").count() == 1
    page = text_of(people.therapist.get(f"{WHERE}?week={WEEK.name}").content.decode())
    assert "Kari Nordmann" in page


def test_further_days_are_as_many_as_the_course_has_a_week(people: People, times: list[FixedTime]) -> None:
    Course.objects.create(participant=people.participant, begins_on=MONDAY, weeks=12, sessions=24)
    fill(people, **{field(times[0], MONDAY): "Kari", "all_week": "1"})
    assert booked(people.participant) == ["11-30 09:00 molle-1", "12-04 09:00 molle-1"]


def test_an_emptied_place_is_free_and_an_untouched_one_stays(people: People, times: list[FixedTime]) -> None:
    fill(people, **{field(times[0], MONDAY): "rev", field(times[1], MONDAY): "ørn"})
    first, second = field(times[0], MONDAY), field(times[1], MONDAY)
    was = {f"was_{first}": people.participant.pk, f"was_{second}": people.participants[1].pk}
    fill(people, **{first: "", second: "Ola Nordmann (Ørn)", **was})
    assert booked(people.participant) == []
    assert booked(people.participants[1]) == ["11-30 09:00 molle-2"]


@pytest.mark.parametrize("typed", ["Nordmann", "xyz", "'; DROP TABLE", "<b>", "9" * 300, "\x00x"])
def test_what_names_no_one_alone_is_told_at_its_place_and_nothing_is_booked(
    people: People, times: list[FixedTime], typed: str
) -> None:
    answer = fill(people, **{field(times[0], MONDAY): typed, field(times[1], MONDAY): "ørn"})
    assert (answer.status_code, Appointment.objects.count()) == (422, 0)
    assert 'aria-invalid="true"' in answer.content.decode()


def test_a_place_that_a_colleague_has_filled_since_is_kept_and_told(people: People, times: list[FixedTime]) -> None:
    fill(people, **{field(times[0], MONDAY): "ørn"})
    answer = fill(people, **{field(times[0], MONDAY): "rev", f"was_{field(times[0], MONDAY)}": ""})
    assert answer.status_code == 422
    assert (booked(people.participants[1]), booked(people.participant)) == (["11-30 09:00 molle-1"], [])


def test_no_one_is_in_two_places_at_a_time(people: People, times: list[FixedTime]) -> None:
    answer = fill(people, **{field(times[0], MONDAY): "rev", field(times[1], MONDAY): "rev"})
    assert (answer.status_code, booked(people.participant)) == (422, ["11-30 09:00 molle-1"])


def test_two_people_may_change_places_at_once(people: People, times: list[FixedTime]) -> None:
    fill(people, **{field(times[0], MONDAY): "rev", field(times[1], MONDAY): "ørn"})
    first, second = field(times[0], MONDAY), field(times[1], MONDAY)
    was = {f"was_{first}": people.participant.pk, f"was_{second}": people.participants[1].pk}
    assert fill(people, **{first: "ørn", second: "rev", **was}).status_code == 302
    assert booked(people.participant) == ["11-30 09:00 molle-2"]


def test_another_clinics_places_cannot_be_filled(people: People, times: list[FixedTime]) -> None:
    theirs = FixedTime.objects.create(clinic=people.other, weekday=0, begins=time(9), machine="m", begun_on=MONDAY)
    assert fill(people, **{field(theirs, MONDAY): "rev"}).status_code == 422
    assert fill(people, who="bergen-therapist", **{field(times[0], MONDAY): "rev"}).status_code == 404
    assert not Appointment.objects.exists()


def test_groups_fill_their_own_places(people: People) -> None:
    for weekday in (0, 1, 2, 3, 4):
        FixedTime.objects.create(
            clinic=people.clinic, weekday=weekday, begins=time(10), machine="molle-1", group="A", begun_on=MONDAY
        )
    answer = people.therapist.post(f"{WHERE}fill/groups/", {"week": WEEK.name}, follow=True)
    first, second = booked(people.participant), booked(people.participants[1])
    assert (len(first), len(second)) == (3, 2)
    assert not set(first) & set(second)
    assert "1 deltaker har færre timer enn forløpet tilsier" in text_of(answer.content.decode())
    people.therapist.post(f"{WHERE}fill/groups/", {"week": WEEK.name})
    assert booked(people.participant) == first


def test_a_copied_week_leaves_out_closed_days_taken_places_and_those_who_have_ended(
    people: People, times: list[FixedTime]
) -> None:
    fill(people, **{field(one, MONDAY + timedelta(days=one.weekday)): "rev" for one in times[::2]})
    fill(people, **{field(times[1], MONDAY): "ørn"})
    people.participants[1].active = False
    people.participants[1].save()
    ClosedDay.objects.create(clinic=people.clinic, on=MONDAY + timedelta(days=9))
    people.therapist.post(f"{WHERE}copy/", {"week": WEEK.name, "weeks": "2"})
    assert booked(people.participant)[3:] == [
        "12-07 09:00 molle-1", "12-11 09:00 molle-1",
        "12-14 09:00 molle-1", "12-16 09:00 molle-1", "12-18 09:00 molle-1",
    ]  # fmt: skip
    assert booked(people.participants[1]) == ["11-30 09:00 molle-2"]
    people.therapist.post(f"{WHERE}copy/", {"week": WEEK.name, "weeks": "1"})
    assert len(booked(people.participant)) == 8
    assert people.therapist.post(f"{WHERE}copy/", {"week": WEEK.name, "weeks": "3"}).status_code == 404


def test_a_copied_time_stays_at_its_hour_when_the_clocks_change(people: People) -> None:
    before = date(2027, 3, 24)
    fixed = FixedTime.objects.create(clinic=people.clinic, weekday=2, begins=time(9), machine="m", begun_on=MONDAY)
    appointment_service.fill_week(
        people.clinic, people.account("therapist"), week_of(before),
        [TypedPlace(WeekPlace(fixed.pk, before, 0), None, people.participant.pk)], all_week=False,
    )  # fmt: skip
    book(people, date(2027, 3, 25), 14)
    appointment_service.copy_week(people.clinic, people.account("therapist"), week_of(before), 1)
    found = list(people.participant.appointments.order_by("begins_at").values_list("begins_at", flat=True))
    assert [f"{at.astimezone(UTC):%H}" for at in found] == ["08", "13", "07", "12"]
    assert booked(people.participant)[2:] == ["03-31 09:00 m", "04-01 14:00 "]


def test_who_came_is_read_from_the_sessions_each_for_the_nearest_time(people: People) -> None:
    morning, noon, tomorrow = (
        book(people, MONDAY, 9),
        book(people, MONDAY, 13),
        book(people, MONDAY + timedelta(days=2)),
    )
    at = datetime(2026, 11, 30, 12, 10, tzinfo=UTC)
    one = TrainedSession(people.participant.pk, MONDAY, at, "s-1")
    found = attendance_of([morning, noon, tomorrow], [one], timezone.now())
    assert {key: value.state for key, value in found.items()} == {
        morning.pk: AttendanceState.MISSING, noon.pk: AttendanceState.CAME, tomorrow.pk: AttendanceState.EXPECTED,
    }  # fmt: skip
    noon.absence = "sick"
    assert attendance_of([noon], [one], timezone.now())[noon.pk].state is AttendanceState.CAME


@pytest.mark.parametrize(
    ("minutes_later", "state"),
    [
        (-1, AttendanceState.EXPECTED),
        (0, AttendanceState.NOW),
        (89, AttendanceState.NOW),
        (90, AttendanceState.MISSING),
    ],
)
def test_a_time_is_missed_half_an_hour_after_its_end(
    people: People, minutes_later: int, state: AttendanceState
) -> None:
    one = book(people, MONDAY)
    found = attended_in([one], one.begins_at + timedelta(minutes=minutes_later))
    assert found[one.pk].state is state


def test_one_press_says_why_and_another_takes_it_back(people: People) -> None:
    one = book(people, MONDAY)
    assert [found.pk for found, _words in unsaid(people.clinic, timezone.now())] == [one.pk]
    where = f"{WHERE}appointment/{one.pk}/absence/"
    assert people.therapist.post(where, {"reason": "withdrawal"}).status_code == 302
    one.refresh_from_db()
    assert (one.absence, one.absence_by) == ("withdrawal", people.account("therapist"))
    assert unsaid(people.clinic, timezone.now()) == []
    assert "abstinens" in text_of(people.therapist.get(f"{WHERE}?week={WEEK.name}").content.decode())
    people.therapist.post(where, {"reason": ""})
    one.refresh_from_db()
    assert (one.absence, one.absence_by) == ("", None)
    assert people.therapist.post(where, {"reason": "drunk"}).status_code == 404
    assert people.clients["bergen-therapist"].post(where, {"reason": "sick"}).status_code == 404
    assert Entry.objects.filter(action="appointments.absence", participant="p-1").count() == 2


def test_a_session_in_the_diary_is_the_word_for_came(people: People) -> None:
    one = book(people, date(2026, 3, 4))
    keep(trained(3, day=date(2026, 3, 4)))
    assert attended_in([one], timezone.now())[one.pk].state is AttendanceState.CAME


def test_the_follow_up_list_asks_after_missed_times(people: People) -> None:
    def found(**limits: int) -> dict[str, Any] | None:
        history = histories_of(people.clinic, [people.participant], timezone.now())[people.participant.pk]
        evidence = find_missed(history, FollowUpThresholds(**limits))
        return None if evidence is None else evidence.facts

    assert found() is None
    one = book(people, MONDAY - timedelta(days=3))
    assert found() == {"on": "2026-11-27", "absence": "", "times": 1}
    Appointment.objects.update(absence="sick")
    assert found() is None
    assert found(missed_times=1) is not None
    two = book(people, MONDAY, absence="leave")
    assert found() == {"on": "2026-11-30", "absence": "leave", "times": 2}
    Appointment.objects.filter(pk=two.pk).update(absence="withdrawal")
    assert found(missed_times=9) == {"on": "2026-11-30", "absence": "withdrawal", "times": 2}
    Appointment.objects.filter(pk__in=[one.pk, two.pk]).update(on=date(2026, 11, 1))
    assert found() is None


def test_the_next_times_go_with_the_plan_and_change_with_the_week(people: People, times: list[FixedTime]) -> None:
    SuppliedMachine.objects.create(clinic=people.clinic, machine="molle-1")
    values = Values(protocol="4x4", hr_max_bpm=180.0, hr_max_source="measured")
    save_plan(people.participant, people.account("therapist"), values, base=0, reason="")
    wednesday = MONDAY + timedelta(days=2)
    fill(people, **{field(times[2], wednesday): "rev", field(times[4], MONDAY + timedelta(days=4)): "rev"})

    def told() -> tuple[float, ...]:
        sent = read(bytes(Outgoing.objects.order_by("-pk")[0].payload), PlanOnWire)
        assert isinstance(sent, PlanOnWire)
        assert sent.progress is not None
        assert sent.progress.appointment_wall_s == next(iter(sent.progress.appointments_wall_s), None)
        return sent.progress.appointments_wall_s

    first, second = datetime(2026, 12, 2, 8, tzinfo=UTC).timestamp(), datetime(2026, 12, 4, 8, tzinfo=UTC).timestamp()
    assert told() == (first, second)
    one = people.participant.appointments.order_by("begins_at")[0]
    people.therapist.post(f"{WHERE}appointment/{one.pk}/absence/", {"reason": "leave"})
    assert told() == (second,)
    people.therapist.post(f"{WHERE}closed/", {"on": "2026-12-04", "reason": "kurs"})
    assert told() == ()


def test_fixed_times_are_made_for_each_day_hour_and_machine_and_once(people: People) -> None:
    SuppliedMachine.objects.create(clinic=people.clinic, machine="molle-1")
    SuppliedMachine.objects.create(clinic=people.clinic, machine="molle-2")
    told = {
        "weekdays": ["0", "2"],
        "hours": "9, 10.30",
        "minutes": "60",
        "machines": ["molle-1", "molle-2"],
        "group": "A",
    }
    for _twice in range(2):
        assert people.therapist.post(f"{WHERE}times/", told).status_code == 302
    assert people.clinic.fixed_times.count() == 8
    group = {"weekdays": ["1"], "hours": "12", "minutes": "60", "places": "4", "group": ""}
    people.therapist.post(f"{WHERE}times/", group)
    assert people.clinic.fixed_times.get(weekday=1).places == 4


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ({"hours": "ni"}, "hours"),
        ({"hours": ""}, "hours"),
        ({"hours": ",".join(f"{hour}" for hour in range(13))}, "hours"),
        ({"weekdays": ["7"]}, "weekdays"),
        ({"minutes": "5"}, "minutes"),
        ({"machines": ["no-such"]}, "machines"),
        ({"machines": []}, "places"),
        ({"machines": [], "places": "0"}, "places"),
    ],
)
def test_fixed_times_that_cannot_be_are_told_at_their_field(
    people: People, told: dict[str, object], wrong: str
) -> None:
    SuppliedMachine.objects.create(clinic=people.clinic, machine="molle-1")
    whole = {"weekdays": ["0"], "hours": "9", "minutes": "60", "machines": ["molle-1"], "group": "", **told}
    answer = people.therapist.post(f"{WHERE}times/", whole)
    assert (answer.status_code, people.clinic.fixed_times.count()) == (422, 0)
    assert wrong in answer.context["form"].errors


def test_an_ended_time_keeps_its_past_and_frees_what_is_ahead(people: People, times: list[FixedTime]) -> None:
    fill(people, **{field(times[0], MONDAY): "rev"})
    people.therapist.post(f"{WHERE}copy/", {"week": WEEK.name, "weeks": "1"})
    people.therapist.post(f"{WHERE}times/{times[0].pk}/end/")
    assert booked(people.participant) == ["11-30 09:00 molle-1"]
    assert people.therapist.post(f"{WHERE}times/{times[0].pk}/end/").status_code == 404


def test_a_closed_day_has_no_places_and_can_be_opened_again(people: People, times: list[FixedTime]) -> None:
    wednesday = MONDAY + timedelta(days=2)
    fill(people, **{field(times[2], wednesday): "rev"})
    people.therapist.post(f"{WHERE}closed/", {"on": wednesday.isoformat(), "reason": "1. juledag"})
    assert booked(people.participant) == []
    page = people.therapist.get(f"{WHERE}fill/?week={WEEK.name}").content.decode()
    assert field(times[2], wednesday) not in page
    assert fill(people, **{field(times[2], wednesday): "rev"}).status_code in (302, 422)
    people.therapist.post(f"{WHERE}closed/", {"on": wednesday.isoformat(), "open": "1"})
    assert field(times[2], wednesday) in people.therapist.get(f"{WHERE}fill/?week={WEEK.name}").content.decode()


def test_a_single_time_is_booked_and_told_where_it_cannot(people: People) -> None:
    told = {"week": WEEK.name, "person": "rev", "on": "2026-12-03", "begins": "14:30", "minutes": "45", "machine": ""}
    assert people.therapist.post(f"{WHERE}single/", told).status_code == 302
    assert booked(people.participant) == ["12-03 14:30 "]
    for change in ({}, {"person": "xyz"}, {"on": "2036-12-03"}, {"begins": "halv tre"}, {"minutes": "1"}):
        assert people.therapist.post(f"{WHERE}single/", {**told, **change}).status_code == 422
    assert len(booked(people.participant)) == 1


def test_the_list_for_the_wall_has_nicknames_alone(people: People) -> None:
    book(people, MONDAY, absence="withdrawal")
    page = text_of(people.therapist.get(f"{WHERE}list/?week={WEEK.name}&names=nicknames").content.decode())
    assert "Rev" in page
    assert "Kari Nordmann" not in page
    assert "abstinens" not in page
    assert "Kari Nordmann" in text_of(people.therapist.get(f"{WHERE}list/?week={WEEK.name}").content.decode())


@pytest.mark.parametrize("name", ["2026-W54", "x", "2026-W49'", "9999-W01"])
def test_a_week_that_is_none_is_not_found(people: People, name: str) -> None:
    assert people.therapist.get(f"{WHERE}?week={name}").status_code == 404


def test_the_week_is_the_therapists_alone_and_each_look_is_logged(people: People) -> None:
    for name in ("clinic_admin", "coordinator", "researcher", "support", "bergen-therapist"):
        for page in ("", "fill/", "list/", "times/", "calendar/"):
            assert people.clients[name].get(f"{WHERE}{page}").status_code == 404
    people.therapist.get(WHERE)
    people.therapist.get(WHERE)
    assert Entry.objects.filter(action="appointments.opened").count() == 1


def test_appointments_go_into_the_persons_own_export_and_are_deleted_with_them(people: People) -> None:
    book(people, MONDAY, absence="sick")
    with everything(people.participant, []) as made, zipfile.ZipFile(made) as archive:
        told = json.loads(archive.read("participant.json"))["appointments"]
    assert [(one["on"], one["absence"]) for one in told] == [("2026-11-30", "sick")]
    delete(people.participant, people.account("clinic_admin"))
    assert not Appointment.objects.exists()
