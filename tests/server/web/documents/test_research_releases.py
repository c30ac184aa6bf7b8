"""Releases for research: who they are drawn from, what none can tell, one for a question, and how rows are drawn."""

import csv
import io
import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from django.utils import timezone

from server.accounts.models import Clinic
from server.audit.models import Entry
from server.documents.export import research, research_fields, synthesis
from server.documents.export.research_fields import FIELDS
from server.documents.models import ResearchRelease
from server.people.models import Participant, PlanVersion
from sync.wire.messages import SessionDelivery
from tests.server.web.conftest import Browser, People
from tests.server.web.papers_ground import keep, trained, unzipped

PAGE = "/c/trondheim/papers/research/"
ALL = [one.key for one in FIELDS]
PEOPLE = 7


def with_own_numbers(made: SessionDelivery, number: int) -> SessionDelivery:
    """Give a session numbers that no other has, as real sessions do."""
    summary = msgspec.structs.replace(made.summary, time_in_zone_s=600.0 + 37 * number, load=40.0 + 3 * number)
    return msgspec.structs.replace(made, summary=summary)


def consenting(days_ago: int, *pseudonyms: str) -> None:
    Participant.objects.filter(pseudonym__in=pseudonyms).update(
        research_consent_at=datetime.now(UTC) - timedelta(days=days_ago)
    )


def several(clinic: str = "trondheim", count: int = PEOPLE, sessions: int = 2, prefix: str = "r") -> list[str]:
    """So many people who consented 30 days ago, each with sessions of their own numbers."""
    row = Clinic.objects.get(code=clinic)
    names = [f"{prefix}-{number}" for number in range(count)]
    made = []
    for number, name in enumerate(names):
        Participant.objects.create(
            clinic=row, pseudonym=name, name="Sara Strand", nickname=f"n{number}", birth_year=1980, sex="f"
        )
        for turn in range(sessions):
            at = 300 + 20 * number + turn + 1_000 * ord(prefix[0])
            day = timezone.localdate() - timedelta(days=2 * turn + 1)
            made.append(with_own_numbers(trained(at, participant=name, clinic=clinic, day=day), number + turn))
    keep(*made)
    consenting(30, *names)
    return names


def asked(browser: Browser, question: str = "Does the rate fall faster?", **given: object) -> dict[str, bytes]:
    """Return the files of the release of a question for all fields."""
    answer = browser.post(PAGE, form(question, **given))
    assert answer.status_code == 200, answer.content.decode()
    return unzipped(answer.getvalue())


def form(question: str, **given: object) -> dict[str, object]:
    sessions = [one for one in ALL if one.startswith("sessions")]
    intervals = [one for one in ALL if one.startswith("intervals")]
    return {"question": question, "fields_of_sessions": sessions, "fields_of_intervals": intervals, **given}


def rows_of(files: dict[str, bytes], table: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[f"{table}.csv"].decode())))


# --- who is in it ---------------------------------------------------------------------------------------------------


def test_only_who_consents_and_only_sessions_since_are_drawn_from(people: People) -> None:
    names = several(sessions=3)  # 5, 3 and 1 days ago
    keep(trained(20, participant="p-2"))
    consenting(4, names[0])
    source = research_fields.read_source([people.clinic], timezone.now())
    assert (len(source.people), len(source.sessions)) == (PEOPLE, 3 * PEOPLE - 1)
    assert [one.week for one in source.sessions] == [0] * len(source.sessions)


@pytest.mark.parametrize("left", [0, 4])
def test_fewer_than_five_people_are_no_release(people: People, left: int) -> None:
    names = several()
    Participant.objects.filter(pseudonym__in=names[left:]).update(research_consent_at=None)
    answer = people.researcher.post(PAGE, form("Does the rate fall faster?"))
    assert (answer.status_code, "Færre enn 5 personer" in answer.content.decode()) == (422, True)
    assert not ResearchRelease.objects.exists()


def test_a_researcher_draws_from_the_clinics_that_are_theirs_alone(people: People) -> None:
    several()
    several("bergen", prefix="b")
    asked(people.researcher, everywhere="on")
    assert [one.code for one in ResearchRelease.objects.get().clinics.all()] == ["trondheim"]
    assert people.therapist.get(PAGE).status_code == 404


@pytest.mark.parametrize(
    ("source", "read"),
    [
        ("measured", 1),
        ("highest_seen", 1),
        ("formula", 0),
        ("formula_beta_blocker", 0),
        ("220 - alder", 0),
        ("", 0),
        (None, 0),
    ],
)
def test_a_formulas_hr_max_is_left_out_since_it_gives_the_age(people: People, source: str | None, read: int) -> None:
    entry = keep(trained(1))[0]
    consenting(30, "p-1")
    PlanVersion.objects.filter(participant=people.participant).delete()
    if source is not None:
        PlanVersion.objects.create(
            participant=people.participant, version=90, hr_max_bpm=entry.hr_max_bpm, hr_max_source=source
        )
    sessions = research_fields.read_source([people.clinic], timezone.now()).sessions
    assert len([one for one in sessions if one.hr_max_bpm is not None]) == read


@pytest.mark.parametrize(
    ("sizes", "told"),
    [((6, 7), [6, 7]), ((3, 7), [10]), ((3, 2, 7), [5, 7]), ((1, 1, 6, 9), [8, 9]), ((3,), [3]), ((6, 6, 4), [6, 10])],
)
def test_sites_of_few_people_are_one(sizes: tuple[int, ...], told: list[int]) -> None:
    everyone = [
        research_fields.ResearchParticipant(key=0, site=f"c-{site}", sex="", age_band="")
        for site, size in enumerate(sizes)
        for _ in range(size)
    ]
    found = [one.site for one in research_fields.merge_sites(everyone)]
    assert sorted(found.count(site) for site in set(found)) == told


def test_sex_and_age_are_left_out_where_few_share_them() -> None:
    kinds = [("f", "40–49")] * 5 + [("f", "70–79")] * 2 + [("m", "40–49")] * 4
    everyone = [research_fields.ResearchParticipant(key=0, site="c", sex=sex, age_band=band) for sex, band in kinds]
    told = sorted((one.sex, one.age_band) for one in research_fields.coarsen(everyone))
    assert told == [("", "")] * 6 + [("f", "40–49")] * 5


# --- what it tells --------------------------------------------------------------------------------------------------


def test_nothing_in_a_release_tells_who_or_when(people: People) -> None:
    names = several()
    files = asked(people.researcher, curve="on")
    whole = b"".join(content for name, content in files.items() if not name.endswith(".parquet")).decode()
    hidden = [*names, "Sara", "Strand", "trondheim", "machine-", timezone.localdate().isoformat()]
    assert [one for one in hidden if one in whole] == []
    assert not any(one in name for one in hidden for name in files)


def test_parquet_and_csv_tell_the_same_and_the_dictionary_tells_every_column(people: People) -> None:
    several()
    files = asked(people.researcher, curve="on")
    dictionary = {one["table"]: [c["name"] for c in one["columns"]] for one in json.loads(files["dictionary.json"])}
    assert list(dictionary) == ["sessions", "intervals", "curve"]
    for name, content in files.items():
        if not name.endswith(".parquet"):
            continue
        table = pq.read_table(io.BytesIO(content))
        rows = rows_of(files, name.removesuffix(".parquet"))
        assert table.column_names == dictionary[name.removesuffix(".parquet")]
        assert (table.num_rows, len(rows) > 0) == (len(rows), True)
    markdown = files["dictionary.md"].decode()
    assert [one for columns in dictionary.values() for one in columns if f"`{one}`" not in markdown] == []


def test_only_the_fields_that_were_asked_for_are_in_it(people: People) -> None:
    several()
    answer = people.researcher.post(
        PAGE, {"question": "How long do they train?", "fields_of_sessions": ["sessions.week", "sessions.training_s"]}
    )
    files = unzipped(answer.getvalue())
    assert set(files) == {"dictionary.md", "dictionary.json", "sessions.csv", "sessions.parquet"}
    assert list(rows_of(files, "sessions")[0]) == ["study_id", "week", "training_s"]


def test_a_session_that_cannot_be_read_is_left_out_and_counted(people: People) -> None:
    several()
    stored = research_fields.read_source([people.clinic], timezone.now()).sessions[0].entry.stored
    stored.summary = {"protocol": 7}
    stored.save(update_fields=["summary"])
    files = asked(people.researcher)
    assert "1 økt utelatt" in files["dictionary.md"].decode()
    assert "1 økt utelatt" in people.researcher.get(PAGE).content.decode()


# --- one release for a question -------------------------------------------------------------------------------------


def test_a_question_has_one_release_that_the_register_keeps(people: People) -> None:
    several()
    files = asked(people.researcher, "Does the rate fall faster?")
    again = people.researcher.post(PAGE, form("does the RATE fall faster"))
    assert (again.status_code, "har fått sitt uttrekk" in again.content.decode()) == (422, True)
    made = ResearchRelease.objects.get()
    assert (made.people, made.sessions, made.made_by_name, made.smallest_cell) == (7, 14, "researcher", 7)
    assert len(set(made.fields)) == len(ALL)
    page = people.researcher.get(PAGE).content.decode()
    assert "Does the rate fall faster?" in page
    assert unzipped(people.researcher.get(f"{PAGE}{made.pk}/").getvalue()) == files
    assert [(one.action, one.participant) for one in Entry.objects.order_by("number")] == [
        ("papers.research_export", ""),
        ("papers.research_fetched", ""),
    ]


def test_a_release_with_a_clinic_that_is_not_theirs_is_hidden_from_a_researcher(people: People) -> None:
    several()
    asked(people.researcher)
    made = ResearchRelease.objects.get()
    made.clinics.add(people.other)
    assert people.researcher.get(f"{PAGE}{made.pk}/").status_code == 404
    assert "Does the rate" not in people.researcher.get(PAGE).content.decode()


def test_a_clinic_takes_part_in_so_many_releases_a_year(people: People) -> None:
    several()
    for number in range(research.MOST_A_YEAR):
        made = ResearchRelease.objects.create(
            question=f"{number}", question_key=f"{number}", fields=[], people=5, sessions=5, cells=1, smallest_cell=5,
            salt="", sha256="", content=b"",
        )  # fmt: skip
        made.clinics.add(people.clinic)
    answer = people.researcher.post(PAGE, form("Does the rate fall faster?"))
    assert (answer.status_code, "12 uttrekk på ett år" in answer.content.decode()) == (422, True)


@pytest.mark.parametrize("given", [{"question": "x"}, {"question": "Long enough a question"}, {}])
def test_a_question_without_words_or_fields_is_told_what_lacks(people: People, given: dict[str, str]) -> None:
    assert people.researcher.post(PAGE, given).status_code == 422
    assert not ResearchRelease.objects.exists()


# --- how rows are drawn ---------------------------------------------------------------------------------------------


def drawn(columns: Sequence[synthesis.SourceColumn], owner: Sequence[int], seed: int) -> dict[str, list[object]]:
    return dict(synthesis.synthesise(owner, columns, np.random.default_rng(seed))[1])


def made_up(people: int, rows: int, seed: int = 1) -> tuple[list[int], list[synthesis.SourceColumn]]:
    """Rows with two correlated numbers and a category, and one value far beyond all others."""
    chance = random.Random(seed)
    owner = [person for person in range(people) for _ in range(rows)]
    fit = {person: chance.gauss(0, 1) for person in range(people)}
    speed = [8 + 2 * fit[one] + chance.gauss(0, 0.5) for one in owner]
    rate = [150 - 8 * fit[one] + chance.gauss(0, 2) for one in owner]
    speed[0] = 99.0
    protocol = ["rare" if number < 3 else "4x4" for number in range(len(owner))]
    return owner, [
        synthesis.SourceColumn("speed", "number", 0.5, speed),
        synthesis.SourceColumn("rate", "whole", 2, rate),
        synthesis.SourceColumn("protocol", "text", 0, protocol),
        synthesis.SourceColumn("fit", "number", 0.1, [fit[one] for one in owner]),
    ]


def test_correlations_and_what_belongs_to_a_person_are_kept() -> None:
    owner, columns = made_up(60, 8)
    owners, made = synthesis.synthesise(owner, columns, np.random.default_rng(2))
    assert np.corrcoef(np.array(made["speed"], float), np.array(made["rate"], float))[0, 1] < -0.7
    own: dict[int, set[object]] = {}
    for person, value in zip(owners, made["fit"], strict=True):
        own.setdefault(person, set()).add(value)
    assert {len(values) for values in own.values()} == {1}


def test_no_extreme_and_no_rare_category_is_told() -> None:
    owner, columns = made_up(30, 4)
    for seed in range(20):
        made = drawn(columns, owner, seed)
        assert max(one for one in made["speed"] if isinstance(one, float)) < 60
        assert "rare" not in made["protocol"]


def test_numbers_that_are_no_measurement_are_left_out() -> None:
    owner, columns = made_up(30, 4)
    wild = [float("nan"), float("inf"), 1e300, -1e300, *columns[0].values[4:]]
    made = drawn([synthesis.SourceColumn("speed", "number", 0.5, wild)], owner, 1)
    assert all(isinstance(one, float) and 0 < one < 30 for one in made["speed"])


def test_the_same_salt_gives_the_same_rows_and_another_gives_others() -> None:
    owner, columns = made_up(30, 4)
    assert drawn(columns, owner, 1) == drawn(columns, owner, 1)
    assert drawn(columns, owner, 1) != drawn(columns, owner, 2)
