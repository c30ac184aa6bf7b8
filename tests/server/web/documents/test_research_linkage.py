"""What ties two exports for research together, and what an export gives away of age and small sites."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest
from django.utils import timezone

from server.accounts.models import Clinic
from server.documents.export import research
from server.people.models import Participant, PlanVersion
from sync.wire.messages import SessionDelivery
from tests.server.web.conftest import People
from tests.server.web.documents.test_papers_sums import consenting, exported, rows_of
from tests.server.web.papers_ground import keep, trained, unzipped

LEFT_OUT = ("study_id", "number", "week")
"""What a linker does not compare: pseudonyms are drawn anew, and numbers shift."""


def linked_rows(first: Sequence[dict[str, str]], second: Sequence[dict[str, str]]) -> list[int]:
    """Return for each row of the first export the nearest of the second: most equal values, the first of several."""

    def equal(one: dict[str, str], other: dict[str, str]) -> int:
        return sum(value == other[name] for name, value in one.items() if name not in LEFT_OUT)

    return [max(range(len(second)), key=lambda at: (equal(one, second[at]), -at)) for one in first]


def test_the_dictionary_says_that_rows_tie_exports_together_as_is_measured(people: People) -> None:
    for number in range(12):
        made = trained(300 + number, day=timezone.localdate() - timedelta(days=2 * number + 1))
        keep(_with_own_numbers(made, number))
    consenting(60, "p-1")
    first, second = exported(people.researcher), exported(people.researcher)
    rows, others = rows_of(first, "sessions"), rows_of(second, "sessions")
    right = sum(row["zone_s"] == others[at]["zone_s"] for row, at in zip(rows, linked_rows(rows, others), strict=True))
    print(f"rows tied together: {right} of {len(rows)}; by chance 1")  # noqa: T201 - a figure
    assert right == len(rows)
    assert "kan knyttes sammen" in first["dictionary.md"].decode()


def _with_own_numbers(made: SessionDelivery, number: int) -> SessionDelivery:
    """Give a session numbers that no other has, as real sessions do."""
    summary = msgspec.structs.replace(made.summary, time_in_zone_s=600.0 + 7 * number, load=40.0 + number)
    return msgspec.structs.replace(made, summary=summary)


@pytest.mark.parametrize(
    ("source", "is_told"),
    [
        ("measured", True),
        ("highest_seen", True),
        ("formula", False),
        ("formula_beta_blocker", False),
        ("220 - alder", False),
        ("", False),
    ],
)
def test_a_formulas_hr_max_is_left_out_since_it_gives_the_age(people: People, source: str, is_told: bool) -> None:  # noqa: FBT001 - a case
    entry = keep(trained(1))[0]
    consenting(30, "p-1")
    PlanVersion.objects.filter(participant=people.participant).delete()
    PlanVersion.objects.create(
        participant=people.participant, version=90, hr_max_bpm=entry.hr_max_bpm, hr_max_source=source
    )
    (row,) = rows_of(exported(people.researcher), "sessions")
    assert bool(row["hr_max_bpm"]) is is_told


def test_an_hr_max_that_no_plan_knows_is_left_out(people: People) -> None:
    keep(trained(1))
    consenting(30, "p-1")
    PlanVersion.objects.filter(participant=people.participant).delete()
    (row,) = rows_of(exported(people.researcher), "sessions")
    assert row["hr_max_bpm"] == ""


@pytest.mark.parametrize(
    ("sizes", "told"),
    [((6, 7), [6, 7]), ((3, 7), [10]), ((3, 2, 7), [5, 7]), ((1, 1, 6, 9), [8, 9]), ((3,), [3]), ((6, 6, 4), [6, 10])],
)
def test_sites_of_few_people_are_one(sizes: tuple[int, ...], told: list[int]) -> None:
    everyone = [
        research.ResearchParticipant(key=0, study_id="", site=f"c-{site}", sex="", age_band="")
        for site, size in enumerate(sizes)
        for _ in range(size)
    ]
    found = [one.site for one in research._merged_sites(everyone)]
    assert sorted(found.count(site) for site in set(found)) == told


def test_the_people_of_small_clinics_share_a_site(people: People) -> None:
    other = Clinic.objects.get(code="bergen")
    Participant.objects.create(clinic=other, pseudonym="b-1", name="x", nickname="n", birth_year=1980, sex="f")
    keep(trained(1), trained(2, participant="b-1", clinic="bergen"))
    consenting(30, "p-1", "b-1")
    with research.export([people.clinic, other], people.account("researcher")).file as archive:
        files = unzipped(archive.read())
    assert len({one["site"] for one in rows_of(files, "people")}) == 1
