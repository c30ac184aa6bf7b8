"""Entry and exit: changes with their limits, one HRmax for all estimates, and a source for every figure."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone, translation

from coach.progress.fitness import FitnessPoint
from server.assessment.models import CourseMeasurement
from server.diary.course.plots import FitnessAgeInput, Point
from server.documents.comparison import DatedEstimate, EntryExit, compare, estimates_of, fall_at_one_load
from server.documents.export import fhir
from server.people.models import PlanVersion
from tests.server.web.conftest import People
from tests.server.web.diary.test_diary_pages import text_of
from tests.server.web.papers_ground import weeks
from tests.support.standards import checked

WHERE = "/c/trondheim/participants/p-1/papers/comparison/"
FIRST = date(2026, 9, 1)


def point(number: int, *, speed_kmh: float = 6.0, bpm: float | None = 160.0, hr_max_bpm: float = 185.0) -> Point:
    return Point(
        session_id=f"00000000-0000-4000-8000-{number:012}", on=FIRST + timedelta(days=2 * number), zone_s=600.0,
        above_95_s=0.0, third_minute_bpm=bpm, third_minute_fraction=None if bpm is None else bpm / hr_max_bpm,
        speed_kmh=speed_kmh, incline_percent=5.0, recovery_fall_bpm=20.0, borg=16, mood=4, completed=True,
        completed_intervals=4, hr_max_bpm=hr_max_bpm,
    )  # fmt: skip


def compared(people: People, points: list[Point], sex: str | None = "f", language: str = "en") -> EntryExit:
    plan = PlanVersion(version=3, hr_max_bpm=185.0, hr_max_source="measured")
    person = FitnessAgeInput(1988, sex, 185.0, "measured")  # type: ignore[arg-type]
    with translation.override(language):
        return compare(people.participant, points, person, plan, [])


@pytest.mark.parametrize(
    ("rates", "change", "counts"),
    [
        ([160.0] * 8 + [150.0] * 8, -10.0, True),
        ([160.0] * 8 + [157.0] * 8, -3.0, False),
        ([160.0, 154.0], -6.0, False),
        ([160.0, 148.0], -12.0, True),
    ],
)
def test_a_fall_at_one_load_counts_beyond_what_differs_from_day_to_day(
    people: People, *, rates: list[float], change: float, counts: bool
) -> None:
    points = [point(at, bpm=bpm) for at, bpm in enumerate(rates)]
    fall = fall_at_one_load(points)
    assert fall is not None
    half = len(rates) // 2
    assert fall.limit_bpm == pytest.approx(1.96 * 4 * (2 / half) ** 0.5)
    row = compared(people, points).rows[0]
    assert (row.key, fall.change_bpm, row.counts) == ("same_load", change, counts)


def test_a_load_that_was_trained_at_one_end_alone_is_not_compared(people: People) -> None:
    points = [point(at, speed_kmh=5.0 if at < 8 else 6.0) for at in range(16)]
    assert fall_at_one_load(points) is None
    assert any("No load was trained" in note for note in compared(people, points).notes)
    assert fall_at_one_load([]) is None
    assert fall_at_one_load([point(0)]) is None
    assert fall_at_one_load([point(at, bpm=None) for at in range(4)]) is None


def test_all_estimates_go_by_one_hr_max_and_a_corrected_one_is_told_and_is_no_change(people: People) -> None:
    points = [point(at, hr_max_bpm=175.0 if at < 12 else 185.0) for at in range(24)]
    found = compared(people, points)
    uptake = next(row for row in found.rows if row.key == "uptake")
    assert (uptake.counts, uptake.change) == (False, "0.0 (0%)")
    assert found.basis is not None
    assert "one HRmax, 185 beats/min" in found.basis.words
    assert found.basis.source == "plan, version 3"
    assert any("by 175 beats/min too" in note for note in found.notes)
    same = compared(people, [point(at) for at in range(24)])
    assert not any("changed in the course" in note for note in same.notes)


def test_an_age_has_its_error_and_the_share_of_the_expected_its_range(people: People) -> None:
    points = [point(at, speed_kmh=5.0 + 0.06 * at) for at in range(24)]
    rows = {row.key: row for row in compared(people, points).rows}
    assert rows["age"].exit.words.endswith("± 15")
    assert "off by ± 15 years" in rows["age"].limit
    assert rows["share"].exit.words.count("%") == 3
    assert rows["uptake"].counts is True
    assert "may be chance (95%)" in rows["uptake"].limit
    assert {"age", "share"} & {row.key for row in compared(people, points, sex=None).rows} == set()


def test_an_age_beyond_the_table_has_no_error_and_rates_add_up_to_their_change(people: People) -> None:
    points = [point(at, speed_kmh=4.0, bpm=169.5 if at < 8 else 163.0) for at in range(16)]
    rows = {row.key: row for row in compared(people, points).rows}
    assert rows["age"].exit.words == "75 or older"
    load = rows["same_load"]
    assert (load.entry.words, load.exit.words, load.change) == ("169.5", "163.0", "−6.5 beats/min")


def test_every_figure_leads_to_its_source_in_one_press(people: People) -> None:
    entries = weeks(10)
    for ago, value in ((56, 84.0), (0, 82.0)):
        CourseMeasurement.objects.create(
            participant=people.participant, kind="weight", value=value,
            taken_on=timezone.localdate() - timedelta(days=ago),
        )  # fmt: skip
    answer = people.therapist.get(WHERE)
    shown = answer.context["comparison"]
    assert shown.rows
    links = {figure.href for row in shown.rows for figure in row.pair} | {shown.basis.href if shown.basis else ""}
    assert "" not in links - {""}
    for figure in (figure for row in shown.rows for figure in row.pair):
        assert figure.href
        assert people.therapist.get(figure.href).status_code == 200
    assert {str(one.session_id) for one in entries} & {href.rstrip("/").split("/")[-1] for href in links}
    text = text_of(answer.content.decode())
    assert "Vekt, kg" in text
    assert "Puls ved samme belastning" in text


def test_without_anything_the_page_says_so_and_who_may_not_see_the_diary_sees_none(people: People) -> None:
    assert "ingenting å sammenligne" in text_of(people.therapist.get(WHERE).content.decode())
    for name in ("clinic_admin", "coordinator", "researcher", "support", "bergen-therapist"):
        assert people.clients[name].get(WHERE).status_code == 404


def test_it_is_printed(people: People) -> None:
    weeks(6)
    answer = people.therapist.get(WHERE.replace("comparison/", "comparison.pdf"))
    assert answer.content.startswith(b"%PDF")


MEASURED = (
    ("weight", 82.0, None), ("waist", 98.0, None), ("resting_hr", 66.0, None), ("blood_pressure", 132.0, 84.0),
    ("vo2_max", 38.4, None), ("six_minute_walk", 510.0, 528.0), ("of_tomorrow", 1.0, None),
)  # fmt: skip


def test_the_fhir_bundle_of_a_course_has_measurements_and_estimates_by_r4s_schema(
    people: People, tmp_path: Path
) -> None:
    weeks(2)
    for kind, value, second in MEASURED:
        CourseMeasurement.objects.create(
            participant=people.participant, kind=kind, value=value, second=second, taken_on=timezone.localdate()
        )
    answer = people.therapist.get("/c/trondheim/participants/p-1/papers/course.fhir.json")
    found = observations(answer.content)
    assert found["29463-7"]["valueQuantity"] == {
        "value": 82.0, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg",
    }  # fmt: skip
    assert [one["valueQuantity"]["value"] for one in found["85354-9"]["component"]] == [132.0, 84.0]
    assert found["six-minute-walk"]["valueQuantity"]["value"] == 528.0
    assert {"waist", "40443-4", "measured-vo2max"} <= set(found)
    estimate = DatedEstimate(FIRST, FitnessPoint(8, 8, 38.0, 36.0, 40.0), 185.0)
    assessed = list(people.participant.measurements.all())
    made = fhir.bundle(people.participant, [], assessed=assessed, estimates=[estimate], transaction=True)
    told = observations(made)["estimated-vo2max"]
    assert (told["valueQuantity"]["value"], told["effectiveDateTime"]) == (38.0, "2026-09-01")
    assert [one["valueQuantity"]["value"] for one in told["component"]] == [36.0, 40.0, 185.0]
    file = tmp_path / "bundle.json"
    for content in (answer.content, made):
        file.write_bytes(content)
        assert checked("fhir", file) == {"parsed": True, "errors": []}


def test_the_estimates_of_a_bundle_are_those_of_the_page(people: People) -> None:
    points = [point(at) for at in range(8)]
    found = estimates_of(people.participant, points)
    assert [(one.on, one.hr_max_bpm) for one in found] == [(points[3].on, 185.0), (points[7].on, 185.0)]
    assert estimates_of(people.participant, points[:2]) == ()


def observations(content: bytes) -> dict[str, Any]:
    resources = [one["resource"] for one in json.loads(content)["entry"]]
    found = [one for one in resources if one["resourceType"] == "Observation"]
    return {one["code"]["coding"][0]["code"]: one for one in found}
