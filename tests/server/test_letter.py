"""The draft of the letter to the GP is right for every number of sessions, weeks and findings."""

import re
from datetime import date, timedelta

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from server.assessment.measures import histories
from server.assessment.models import Clearance, CourseMeasurement
from server.diary.course.plots import FitnessAgeInput, Point, plots
from server.diary.course.schedule import CountedSession, CoursePlan, course_of
from server.documents.pdf import letter
from server.people.models import Participant, PlanVersion

FIRST = date(2026, 9, 7)
KARI = Participant(name="Kari Nordmann", nickname="Rev", birth_year=1988)
ONE = re.compile(r"(?<![\d,.])1 (økter|dager|uker|sessions|days|weeks)\b")
MANY = re.compile(r"(?<![\d,.])(?:0|[2-9]|[1-9]\d+) (?:planlagt |intervall)?(økt|dag|uke|session|day|week)\b")


def point(number: int, on: date, *, speed_kmh: float | None = 5.0, bpm: float | None = 160.0) -> Point:
    fraction = None if bpm is None else bpm / 185
    return Point(
        session_id=str(number), on=on, zone_s=600.0, above_95_s=0.0, third_minute_bpm=bpm,
        third_minute_fraction=fraction, speed_kmh=speed_kmh, incline_percent=5.0, recovery_fall_bpm=20.0, borg=16,
        mood=4, completed=True, completed_intervals=4,
    )  # fmt: skip


def plan(source: str = "measured", mode: str = "heart_rate", hr_max_bpm: float | None = 185) -> PlanVersion:
    return PlanVersion(version=1, hr_max_bpm=hr_max_bpm, hr_max_source=source, mode=mode)


def draft(points: list[Point], weeks: int, sessions: int, made: PlanVersion | None, language: str = "nb") -> str:
    counted = [CountedSession(one.on, one.session_id, one.completed, one.completed_intervals) for one in points]
    view = course_of(CoursePlan(FIRST, weeks, sessions), counted, FIRST + timedelta(days=90))
    with translation.override(language):
        person = (
            FitnessAgeInput(1988, "f")
            if made is None
            else FitnessAgeInput(1988, "f", made.hr_max_bpm, made.hr_max_source)
        )
        return str(letter.proposed(KARI, points, view, made, person)["text"])


@settings(max_examples=120)
@given(
    gaps=st.lists(st.integers(0, 30), max_size=30),
    weeks=st.integers(1, 12),
    sessions=st.integers(1, 36),
    source=st.sampled_from(["", "measured", "highest_seen", "formula", letter.BETA_BLOCKED, "sykehustest"]),
    mode=st.sampled_from(["heart_rate", "exertion"]),
    bpm=st.sampled_from([None, 160.0]),
    language=st.sampled_from(["nb", "en"]),
)
def test_every_sentence_is_whole_and_fits_its_numbers(
    gaps: list[int], weeks: int, sessions: int, source: str, mode: str, bpm: float | None, language: str
) -> None:
    on, points = FIRST, []
    for number, gap in enumerate(gaps):
        points.append(point(number, on, bpm=bpm))
        on += timedelta(days=gap)
    text = draft(points, weeks, sessions, plan(source, mode), language)
    assert ONE.search(text) is None
    assert MANY.search(text) is None
    assert all(int(done) <= int(due) for done, due in re.findall(r"(\d+) (?:av|of) (\d+)\b", text))
    assert not re.search(r"None|%\(|\(\)|formula_|  |\bnan\b| –[^ ]|: –", text)
    for paragraph in text.split("\n\n"):
        for line in paragraph.split("\n"):
            assert line.endswith((".", ":")) or line.startswith("– "), line
    assert ("Vurdering" if language == "nb" else "Assessment") in text


@pytest.mark.parametrize(
    ("last_kmh", "said"),
    [(6.5, "Kondisjonen er bedret"), (5.0, "Kondisjonen er uendret"), (3.9, "utfører mindre arbeid")],
)
def test_the_assessment_follows_from_the_work_at_one_heart_rate(last_kmh: float, said: str) -> None:
    points = [point(n, FIRST + timedelta(days=2 * n), speed_kmh=5.0 if n < 12 else last_kmh) for n in range(24)]
    assert said in draft(points, 8, 24, plan())


def test_a_corrected_hr_max_is_no_change_of_form() -> None:
    """The same rate at the same load, stored as shares of two HRmax values."""
    points = [point(n, FIRST + timedelta(days=2 * n)) for n in range(12)]
    for one in range(6, 12):
        points[one] = Point(**{**{f: getattr(points[one], f) for f in Point.__struct_fields__},
                               "third_minute_fraction": 160 / 200})  # fmt: skip
    assert "uendret" in draft(points, 8, 24, plan(hr_max_bpm=200))


def test_the_letter_has_the_estimate_of_the_page() -> None:
    """One odd session moves neither, and both give the same figures."""
    speeds = [5.0 + 0.05 * n for n in range(24)]
    speeds[23] = 12.0
    points = [point(n, FIRST + timedelta(days=2 * n), speed_kmh=kmh) for n, kmh in enumerate(speeds)]
    shown = next(one for one in plots(points, FitnessAgeInput(1988, "f", 185, "measured")) if one.key == "fitness")
    first, last = shown.table.rows[0][2], shown.table.rows[-1][2]
    assert f"{first} → {last} ml/kg/min" in draft(points, 8, 24, plan())


def test_the_letter_says_what_was_measured_and_who_cleared() -> None:
    def measured(kind: str, value: float, on: date, second: float | None = None) -> CourseMeasurement:
        return CourseMeasurement(pk=on.day, kind=kind, value=value, second=second, taken_on=on)

    last = FIRST + timedelta(days=56)
    rows = [
        measured("six_minute_walk", 500.0, FIRST, 512.0),
        measured("six_minute_walk", 530.0, last, 537.0),
        measured("weight", 84.5, FIRST),
        measured("weight", 82.0, last),
        measured("waist", 98.0, last),
    ]
    clearance = Clearance(
        cleared_by="Ingrid Lege", profession="doctor", cleared_on=FIRST, valid_until=last, medicines="propranolol"
    )
    with translation.override("nb"):
        assessed = letter.LetterAssessment(tuple(histories(rows)), clearance)
        text = str(letter.proposed(KARI, [], None, plan(), FitnessAgeInput(1988, "f"), assessed)["text"])
    assert "– Vekt: 84,5 → 82 kg. Endring siden første: −2,5 kg.\n" in text
    assert "500 / 512 → 530 / 537 m. Endring siden første: +25 m. Det er mer enn tilfeldig variasjon." in text
    assert "Livvidde" not in text
    assert "Ingrid Lege (lege)" in text
    assert "Legemidler registrert da: propranolol." in text


def test_a_letter_without_a_clearance_says_so() -> None:
    assert "Ingen medisinsk klarering" in draft([], 8, 24, plan())


def test_a_formula_on_a_beta_blocker_tells_its_own_error() -> None:
    points = [point(n, FIRST + timedelta(days=2 * n)) for n in range(9)]
    assert "innenfor 18 slag/min" in draft(points, 8, 24, plan(letter.BETA_BLOCKED))


def test_a_letter_gives_no_age_to_a_body_and_asks_for_the_medicines() -> None:
    text = draft([point(n, FIRST + timedelta(days=2 * n)) for n in range(9)], 8, 24, plan(letter.BETA_BLOCKED))
    assert "kondisjonsalder" not in text.lower()
    assert "Ifølge planen bruker pasienten betablokker" in text
    assert "formel med betablokker" in text
