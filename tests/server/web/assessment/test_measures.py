"""Measurements at start, midway and end: what is kept, what cannot be, what a change means, and who gets them."""

import json
import zipfile
from datetime import timedelta

import pytest
from django.utils import timezone

from server.assessment.measures import KINDS, MeasureChange, histories
from server.assessment.models import CourseMeasurement
from server.audit.models import Entry
from server.documents.deletion import delete
from server.documents.export.data_export import everything
from server.documents.export.transfer import make, open_package, take_over
from tests.server.web.conftest import People
from tests.server.web.diary.test_diary_pages import text_of

WHERE = "/c/trondheim/participants/p-1/measures/"
ALL = {
    "weight": "84,5", "waist": "98", "resting_hr": "72", "blood_pressure": "132", "blood_pressure_second": "84",
    "vo2_max": "38.4", "six_minute_walk": "510", "six_minute_walk_second": "528",
}  # fmt: skip


def day(ago: int = 0) -> str:
    return (timezone.localdate() - timedelta(days=ago)).isoformat()


def post(people: People, ago: int = 0, who: str = "therapist", **figures: object) -> int:
    told = {"taken_on": day(ago), "moment": "start", "note": "", **figures}
    return people.clients[who].post(f"{WHERE}add/", told).status_code


def kept(people: People, kind: str, value: float, ago: int, second: float | None = None) -> CourseMeasurement:
    return CourseMeasurement.objects.create(
        participant=people.participant, kind=kind, value=value, second=second,
        taken_on=timezone.localdate() - timedelta(days=ago),
    )  # fmt: skip


def test_a_days_figures_are_kept_each_with_its_second_one_and_logged_without_them(people: People) -> None:
    assert post(people, **ALL) == 302
    rows = {one.kind: (one.value, one.second) for one in people.participant.measurements.all()}
    assert rows == {
        "weight": (84.5, None), "waist": (98.0, None), "resting_hr": (72.0, None), "blood_pressure": (132.0, 84.0),
        "vo2_max": (38.4, None), "six_minute_walk": (510.0, 528.0),
    }  # fmt: skip
    line = Entry.objects.get(action="measures.made")
    assert (line.participant, line.detail) == ("p-1", {})
    page = text_of(people.therapist.get(WHERE).content.decode())
    assert "132 / 84" in page
    assert "38,4" in page


@pytest.mark.parametrize(
    ("figures", "field"),
    [
        ({}, "__all__"),
        ({"weight": "abc"}, "weight"),
        ({"weight": "845"}, "weight"),
        ({"waist": "9.8"}, "waist"),
        ({"resting_hr": "nan"}, "resting_hr"),
        ({"vo2_max": "384"}, "vo2_max"),
        ({"blood_pressure": "132"}, "blood_pressure_second"),
        ({"blood_pressure_second": "84"}, "blood_pressure"),
        ({"blood_pressure": "84", "blood_pressure_second": "132"}, "blood_pressure_second"),
        ({"six_minute_walk_second": "500"}, "six_minute_walk"),
        ({"six_minute_walk": "500", "six_minute_walk_second": "5"}, "six_minute_walk_second"),
        ({"weight": "84", "taken_on": "2999-01-01"}, "taken_on"),
        ({"weight": "84", "taken_on": "1999-12-31"}, "taken_on"),
        ({"weight": "84", "moment": "later"}, "moment"),
    ],
)
def test_what_cannot_be_is_told_at_its_field_and_nothing_is_kept(
    people: People, figures: dict[str, object], field: str
) -> None:
    told = {"taken_on": day(), "moment": "start", "note": "", **figures}
    answer = people.therapist.post(f"{WHERE}add/", told)
    assert (answer.status_code, people.participant.measurements.count()) == (422, 0)
    assert field in answer.context["form"].errors


def test_a_change_is_told_by_what_is_known_of_its_kind(people: People) -> None:
    kept(people, "vo2_max", 38.0, 56)
    kept(people, "vo2_max", 45.1, 0)
    kept(people, "six_minute_walk", 500.0, 56, 512.0)
    kept(people, "six_minute_walk", 537.0, 0, 530.0)
    kept(people, "weight", 84.0, 56)
    kept(people, "weight", 82.5, 0)
    kept(people, "waist", 98.0, 0)
    kept(people, "of_tomorrow", 1.0, 0)
    found = {one.kind.key: one.change for one in histories(people.participant.measurements.all())}
    assert found == {
        "weight": MeasureChange(-1.5, None),
        "waist": None,
        "vo2_max": MeasureChange(7.1, counts=False),
        "six_minute_walk": MeasureChange(25.0, counts=True),
    }
    page = text_of(people.therapist.get(WHERE).content.decode())
    assert "Endring siden første: +7,1 ml/kg/min. Det kan være tilfeldig." in page
    assert "Endring siden første: +25 m. Det er mer enn tilfeldig variasjon." in page


def test_the_limits_are_those_of_the_sources() -> None:
    assert {key: one.counts_from for key, one in KINDS.items() if one.counts_from} == {
        "vo2_max": 7.2,
        "six_minute_walk": 25,
    }


def test_a_wrong_figure_is_taken_away_and_only_ones_own_clinics(people: People) -> None:
    row = kept(people, "weight", 84.0, 0)
    elsewhere = f"/c/bergen/participants/p-9/measures/{row.pk}/remove/"
    assert people.clients["bergen-therapist"].post(elsewhere).status_code == 404
    assert people.therapist.post(f"{WHERE}{row.pk}/remove/").status_code == 302
    assert not people.participant.measurements.exists()
    assert Entry.objects.filter(action="measures.removed", participant="p-1").count() == 1


def test_who_may_not_see_the_diary_sees_no_measurements(people: People) -> None:
    for name in ("clinic_admin", "coordinator", "researcher", "support"):
        assert people.clients[name].get(WHERE).status_code == 404
        assert post(people, who=name, weight="84") == 404


def test_measurements_go_into_the_persons_own_export_and_along_to_another_clinic_once(people: People) -> None:
    kept(people, "blood_pressure", 132.0, 10, 84.0)
    with everything(people.participant, []) as made, zipfile.ZipFile(made) as archive:
        told = json.loads(archive.read("participant.json"))
    assert [(one["kind"], one["value"], one["second"]) for one in told["measurements"]] == [
        ("blood_pressure", 132.0, 84.0)
    ]
    assert len(told["clearances"]) == 1
    account = people.account("therapist")
    sealed = make(people.participant, account, "et langt passord her", [], "Bergen")
    there = take_over(open_package(sealed, "et langt passord her"), people.other, account)
    again = open_package(sealed, "et langt passord her")
    take_over(again, people.other, account, into=there)
    assert list(there.measurements.values_list("kind", "value", "second")) == [("blood_pressure", 132.0, 84.0)]
    assert list(there.clearances.values_list("cleared_by", flat=True)) == ["Lege Legesen"]


def test_measurements_are_deleted_with_their_participant(people: People) -> None:
    kept(people, "weight", 84.0, 0)
    delete(people.participant, people.account("clinic_admin"))
    assert not CourseMeasurement.objects.exists()
