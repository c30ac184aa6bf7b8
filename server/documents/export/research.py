"""Sessions for research: consented participants alone, under pseudonyms of this export's own, without dates.

- Whose consent holds now; their sessions from the moment of the consent on, so that nothing goes along that was trained
  before. Consent that was withdrawn: not in the next export. Consent that was given again counts from then.
- Pseudonyms are HMAC-SHA-256 under a key that is drawn for the export and thrown away. That ties no row to a person by
  its pseudonym. Two exports are tied together all the same by their numbers, which are a fingerprint: measured in
  tests/server/web/documents/test_research_linkage.py, and said in the dictionary. Give one export for each question.
- HRmax is left out where no plan says that it was measured or seen: a formula's gives the age.
- Sites of fewer than five people are one, with the next smallest where they are fewer than five together.
- No date and no time of day: the week since the person's first session in the export, and the number of the session.
- Sex and age (in bands of ten years) are left out where fewer than five people share them (k-anonymity, k = 5), first
  the age, then the sex. Rates and settings of a person who is known otherwise may still tell who it is: the export is
  health data, and to be kept as such.
"""

import hashlib
import hmac
import json
import secrets
from base64 import b32encode
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from io import BytesIO
from typing import IO, Any, Literal

import msgspec
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import Struct

from coach.model.summary import IntervalSummary, Summary
from server.accounts.models import Account, Clinic
from server.accounts.roles import Permission
from server.audit.record import record
from server.diary.models import DiaryEntry
from server.diary.selectors import one_session
from server.documents.errors import PaperError
from server.documents.export.archive import zipped
from server.documents.export.session_files import track
from server.documents.export.tables import as_csv
from server.people.models import Participant, PlanVersion
from sync.export.timeline import seconds_of

K = 5
"""A group of fewer people is told by no sex or age."""
AGE_BAND_YEARS = 10
ACTION = "papers.research_export"
Kind = Literal["text", "whole", "number", "truth"]


class ResearchParticipant(Struct, frozen=True, kw_only=True):
    """A participant as the export knows them. `key`: of the database, for this run alone."""

    key: int
    study_id: str
    site: str
    sex: str
    age_band: str
    sessions: int = 0


class ResearchSession(Struct, frozen=True, kw_only=True):
    """One session of one person: its number, the week since the first, and what it says of itself."""

    person: ResearchParticipant
    entry: DiaryEntry
    summary: Summary
    number: int
    week: int
    hr_max_bpm: float | None


class Interval(Struct, frozen=True, kw_only=True):
    """One interval of a session."""

    trained: ResearchSession
    told: IntervalSummary


class Column(Struct, frozen=True):
    """One column: its name, kind and unit, what it means, and where it comes from. The dictionary is made of it."""

    name: str
    kind: Kind
    unit: str
    meaning: str | Promise
    value: Callable[[Any], object]


class ResearchTable(Struct, frozen=True):
    """One table: a file of Parquet, one of CSV, and a chapter of the dictionary."""

    name: str
    row: str | Promise
    columns: tuple[Column, ...]


class ResearchSample(Struct, frozen=True, kw_only=True):
    """One second of a session."""

    trained: ResearchSession
    t_s: int
    hr_bpm: float | None
    signal: str
    phase: str
    interval: int | None
    speed_kmh: float | None
    incline_percent: float | None
    paused: bool


def _c(name: str, kind: Kind, unit: str, meaning: str | Promise, value: Callable[[Any], object]) -> Column:
    return Column(name, kind, unit, meaning, value)


_ID = gettext_lazy("pseudonym of the person, drawn anew for this export")
_NUMBER = gettext_lazy("number of the session, from 1, in the order of time")

PEOPLE = ResearchTable(
    "people",
    gettext_lazy("a person"),
    (
        _c("study_id", "text", "", _ID, lambda one: one.study_id),
        _c(
            "site",
            "text",
            "",
            gettext_lazy("pseudonym of the clinic, drawn anew; clinics of fewer than 5 people are one"),
            lambda one: one.site,
        ),
        _c(
            "sex",
            "text",
            "f, m",
            gettext_lazy("sex; empty where unknown or shared by fewer than 5"),
            lambda one: one.sex,
        ),
        _c(
            "age_band",
            "text",
            "years",
            gettext_lazy("age at the export in bands of ten years; empty where shared by fewer than 5"),
            lambda one: one.age_band,
        ),
        _c("sessions", "whole", "", gettext_lazy("sessions of the person in this export"), lambda one: one.sessions),
    ),
)

SESSIONS = ResearchTable(
    "sessions",
    gettext_lazy("a session"),
    (
        _c("study_id", "text", "", _ID, lambda one: one.person.study_id),
        _c("number", "whole", "", _NUMBER, lambda one: one.number),
        _c(
            "week",
            "whole",
            "",
            gettext_lazy("week since the person's first session in this export, from 0"),
            lambda one: one.week,
        ),
        _c("protocol", "text", "", gettext_lazy("the protocol's name"), lambda one: one.entry.protocol),
        _c("completed", "truth", "", gettext_lazy("all work ran its whole length"), lambda one: one.entry.completed),
        _c(
            "planned_intervals",
            "whole",
            "",
            gettext_lazy("intervals of the protocol"),
            lambda one: one.entry.planned_intervals,
        ),
        _c(
            "completed_intervals",
            "whole",
            "",
            gettext_lazy("whole intervals"),
            lambda one: one.entry.completed_intervals,
        ),
        _c(
            "training_s",
            "number",
            "s",
            gettext_lazy("time trained, without pauses"),
            lambda one: one.summary.training_s,
        ),
        _c(
            "zone_s",
            "number",
            "s",
            gettext_lazy("time of the intervals in the target zone"),
            lambda one: one.summary.time_in_zone_s,
        ),
        _c(
            "above_95_s",
            "number",
            "s",
            gettext_lazy("time above 95% of the plan's HRmax"),
            lambda one: one.summary.above_95_s,
        ),
        _c(
            "hr_max_bpm",
            "number",
            "1/min",
            gettext_lazy("the plan's HRmax, measured or seen; empty where a formula gave it or its source is unknown"),
            lambda one: one.hr_max_bpm,
        ),
        _c(
            "peak_bpm", "number", "1/min", gettext_lazy("highest believed heart rate"), lambda one: one.summary.peak_bpm
        ),
        _c("mean_bpm", "number", "1/min", gettext_lazy("mean heart rate"), lambda one: one.summary.mean_bpm),
        _c("load", "number", "1", gettext_lazy("training load (Edwards 1993)"), lambda one: one.summary.load),
        _c(
            "borg",
            "whole",
            "6–20",
            gettext_lazy("perceived exertion, said after the session"),
            lambda one: one.summary.borg,
        ),
        _c("mood", "whole", "1–5", gettext_lazy("mood after the session, 5 is best"), lambda one: one.summary.mood),
        _c(
            "sure_fraction",
            "number",
            "0–1",
            gettext_lazy("share of training time with a sure heart rate"),
            lambda one: one.summary.signal_quality_fraction,
        ),
        _c("flawed", "truth", "", gettext_lazy("the recording is not whole"), lambda one: bool(one.entry.stored.flaw)),
    ),
)

INTERVALS = ResearchTable(
    "intervals",
    gettext_lazy("an interval of a session"),
    (
        _c("study_id", "text", "", _ID, lambda one: one.trained.person.study_id),
        _c("number", "whole", "", _NUMBER, lambda one: one.trained.number),
        _c("interval", "whole", "", gettext_lazy("number of the interval, from 1"), lambda one: one.told.index),
        _c("start_s", "number", "s", gettext_lazy("its beginning since the session's"), lambda one: one.told.start_s),
        _c("end_s", "number", "s", gettext_lazy("its end since the session's beginning"), lambda one: one.told.end_s),
        _c("completed", "truth", "", gettext_lazy("it ran its whole length"), lambda one: one.told.completed),
        _c(
            "third_minute_bpm",
            "number",
            "1/min",
            gettext_lazy("mean heart rate of its third minute"),
            lambda one: one.told.third_minute_bpm,
        ),
        _c(
            "time_to_zone_s",
            "number",
            "s",
            gettext_lazy("until the rate reached the zone; empty: never"),
            lambda one: one.told.time_to_zone_s,
        ),
        _c("zone_s", "number", "s", gettext_lazy("time in the zone"), lambda one: one.told.time_in_zone_s),
        _c("above_zone_s", "number", "s", gettext_lazy("time above the zone"), lambda one: one.told.above_zone_s),
        _c("peak_bpm", "number", "1/min", gettext_lazy("highest believed heart rate"), lambda one: one.told.peak_bpm),
        _c(
            "recovery_fall_bpm",
            "number",
            "1/min",
            gettext_lazy("fall of the rate in the first minute after it"),
            lambda one: one.told.recovery_fall_60s_bpm,
        ),
        _c("speed_kmh", "number", "km/h", gettext_lazy("treadmill speed"), lambda one: one.told.speed_kmh),
        _c("incline_percent", "number", "%", gettext_lazy("treadmill incline"), lambda one: one.told.incline_percent),
        _c("borg", "whole", "6–20", gettext_lazy("perceived exertion, said of it"), lambda one: one.told.borg),
    ),
)

SAMPLES = ResearchTable(
    "samples",
    gettext_lazy("a second of a session"),
    (
        _c("study_id", "text", "", _ID, lambda one: one.trained.person.study_id),
        _c("number", "whole", "", _NUMBER, lambda one: one.trained.number),
        _c("t_s", "whole", "s", gettext_lazy("time since the session's beginning"), lambda one: one.t_s),
        _c(
            "hr_bpm",
            "number",
            "1/min",
            gettext_lazy("heart rate as the strap sent it; empty: none"),
            lambda one: one.hr_bpm,
        ),
        _c("signal", "text", "", gettext_lazy("state of the strap's signal; docs/engine.md"), lambda one: one.signal),
        _c("phase", "text", "", gettext_lazy("phase of the session"), lambda one: one.phase),
        _c("interval", "whole", "", gettext_lazy("number of the interval; empty: in none"), lambda one: one.interval),
        _c("speed_kmh", "number", "km/h", gettext_lazy("treadmill speed"), lambda one: one.speed_kmh),
        _c("incline_percent", "number", "%", gettext_lazy("treadmill incline"), lambda one: one.incline_percent),
        _c("paused", "truth", "", gettext_lazy("the session stood still"), lambda one: one.paused),
    ),
)


class Exported(Struct, frozen=True):
    """The ZIP, open at its beginning, and what is in it."""

    file: IO[bytes]
    people: int
    sessions: int


def export(clinics: Sequence[Clinic], account: Account, *, samples: bool = False) -> Exported:
    """Make an export of these clinics. Raises PaperError where nobody has consented."""
    key = secrets.token_bytes(32)
    now = timezone.now()
    people, trained = _chosen(clinics, key, now)
    if not trained:
        raise PaperError(_("Nobody here has consented to research and trained since, so there is nothing to export."))
    for clinic in clinics:
        record(
            account, ACTION, clinic=clinic, may=Permission.EXPORT_RESEARCH, people=len(people), sessions=len(trained),
            samples=samples,
        )  # fmt: skip
    return Exported(zipped(_files(people, trained, samples=samples)), len(people), len(trained))


def tables(*, samples: bool) -> tuple[ResearchTable, ...]:
    """What an export holds."""
    return (PEOPLE, SESSIONS, INTERVALS, *((SAMPLES,) if samples else ()))


def _files(
    people: Sequence[ResearchParticipant], trained: Sequence[ResearchSession], *, samples: bool
) -> Iterator[tuple[str, bytes]]:
    wanted = tables(samples=samples)
    yield "dictionary.md", dictionary_markdown(wanted, people).encode()
    yield "dictionary.json", json.dumps(dictionary(wanted), ensure_ascii=False, indent=2).encode() + b"\n"
    intervals = [Interval(trained=one, told=told) for one in trained for told in one.summary.intervals]
    for table, rows in ((PEOPLE, people), (SESSIONS, trained), (INTERVALS, intervals)):
        yield from _both(table, rows)
    if samples:
        # One file a person: a whole course's seconds do not lie in memory with everybody else's.
        for person in people:
            yield from _both(SAMPLES, list(_samples(one for one in trained if one.person == person)), person.study_id)


def _both(table: ResearchTable, rows: Sequence[Any], of: str = "") -> Iterator[tuple[str, bytes]]:
    import pyarrow as pa  # noqa: PLC0415 - large, and only whoever exports needs it
    import pyarrow.parquet as pq  # noqa: PLC0415 - as above

    kinds = {"text": pa.string(), "whole": pa.int32(), "number": pa.float64(), "truth": pa.bool_()}
    columns = {one.name: [one.value(row) for row in rows] for one in table.columns}
    name = f"{table.name}/{of}" if of else table.name
    yield f"{name}.csv", as_csv(list(columns), zip(*columns.values(), strict=True), mark=False)
    schema = pa.schema(
        [
            pa.field(one.name, kinds[one.kind], metadata={"unit": one.unit, "meaning": str(one.meaning)})
            for one in table.columns
        ]
    )
    out = BytesIO()
    pq.write_table(pa.table(columns, schema=schema), out, compression="zstd")
    yield f"{name}.parquet", out.getvalue()


def _chosen(
    clinics: Sequence[Clinic], key: bytes, now: datetime
) -> tuple[list[ResearchParticipant], list[ResearchSession]]:
    consented = Participant.objects.filter(clinic__in=clinics, research_consent_at__lte=now).select_related("clinic")
    kept: dict[int, list[DiaryEntry]] = {}
    known = {one.pk: one for one in consented}
    entries = DiaryEntry.objects.filter(participant__in=list(known), clinic__in=clinics).select_related("stored")
    for entry in entries.defer("stored__payload").order_by("begun_at", "pk"):
        since = known[entry.participant_id or 0].research_consent_at
        if since is not None and entry.begun_at >= since:
            kept.setdefault(entry.participant_id or 0, []).append(entry)
    people = _coarsened(_merged_sites([_person(known[pk], key, now, len(ones)) for pk, ones in kept.items()]))
    # In the order of the new pseudonyms, which says nothing.
    people.sort(key=lambda one: one.study_id)
    measured = _measured_hr_max(kept)
    return people, [one for person in people for one in _trained(person, kept[person.key], measured)]


_MEASURED_SOURCES = ("measured", "highest_seen")


def _measured_hr_max(people: Iterable[int]) -> frozenset[tuple[int, float]]:
    """Return each person's HRmax that no plan has from a formula, or from words that may mean one."""
    plans = PlanVersion.objects.filter(participant__in=list(people), hr_max_bpm__isnull=False)
    found: dict[tuple[int, float], set[str]] = {}
    for person, bpm, source in plans.values_list("participant_id", "hr_max_bpm", "hr_max_source"):
        if bpm is not None:
            found.setdefault((person, bpm), set()).add(source)
    return frozenset(key for key, sources in found.items() if sources <= set(_MEASURED_SOURCES))


def _person(participant: Participant, key: bytes, now: datetime, sessions: int) -> ResearchParticipant:
    year = participant.clinic.day_of(now).year
    low = (year - participant.birth_year) // AGE_BAND_YEARS * AGE_BAND_YEARS
    return ResearchParticipant(
        key=participant.pk,
        study_id="s-" + _drawn(key, f"person {participant.pk}"),
        site="c-" + _drawn(key, f"clinic {participant.clinic_id}"),
        sex=participant.sex,
        age_band=f"{low}–{low + AGE_BAND_YEARS - 1}",
        sessions=sessions,
    )


def _drawn(key: bytes, of: str) -> str:
    return b32encode(hmac.digest(key, of.encode(), hashlib.sha256))[:12].decode().lower()


def _merged_sites(people: list[ResearchParticipant]) -> list[ResearchParticipant]:
    """Give the sites of fewer than `K` people one pseudonym, and the next smallest the same while that is too few."""
    merged: set[str] = set()
    count = 0
    for site, size in sorted(Counter(one.site for one in people).items(), key=lambda two: (two[1], two[0])):
        if size >= K and (not merged or count >= K):
            break
        merged.add(site)
        count += size
    together = min(merged, default="")
    return [msgspec.structs.replace(one, site=together) if one.site in merged else one for one in people]


def _coarsened(people: list[ResearchParticipant]) -> list[ResearchParticipant]:
    """Take away the age, then the sex, where fewer than `K` of a clinic share what is told."""
    by_both = Counter((one.site, one.sex, one.age_band) for one in people)
    replace = msgspec.structs.replace
    coarse = [one if by_both[one.site, one.sex, one.age_band] >= K else replace(one, age_band="") for one in people]
    # Those whose age is left out are a group of their own, and it may be small.
    by_told = Counter((one.site, one.sex, one.age_band) for one in coarse)
    return [
        one if by_told[one.site, one.sex, one.age_band] >= K else replace(one, sex="", age_band="") for one in coarse
    ]


def _trained(
    person: ResearchParticipant, entries: Sequence[DiaryEntry], measured: frozenset[tuple[int, float]]
) -> Iterator[ResearchSession]:
    first_on = entries[0].begun_on
    for number, entry in enumerate(entries, 1):
        summary = msgspec.convert(entry.stored.summary, Summary)
        # By days, not by hours: seven days across the beginning of summer time last an hour less than a week.
        week = (entry.begun_on - first_on).days // 7
        bpm = summary.hr_max_bpm
        yield ResearchSession(
            person=person,
            entry=entry,
            summary=summary,
            number=number,
            week=week,
            hr_max_bpm=bpm if bpm is not None and (person.key, bpm) in measured else None,
        )


def _samples(trained: Iterable[ResearchSession]) -> Iterator[ResearchSample]:
    for one in trained:
        try:
            found = track(one_session(one.entry))
        except PaperError:
            continue
        for second in seconds_of(found):
            phase = second.phase
            yield ResearchSample(
                trained=one,
                t_s=second.t_s,
                hr_bpm=second.hr_bpm,
                signal=second.signal.value,
                phase="" if phase is None else phase.kind.value,
                interval=phase.interval if phase is not None and phase.interval else None,
                speed_kmh=second.speed_kmh,
                incline_percent=second.incline_percent,
                paused=second.paused,
            )


def dictionary(wanted: Sequence[ResearchTable]) -> list[dict[str, Any]]:
    """The data dictionary, for programs."""
    return [
        {
            "table": table.name,
            "row": str(table.row),
            "columns": [
                {"name": one.name, "kind": one.kind, "unit": one.unit, "meaning": str(one.meaning)}
                for one in table.columns
            ],
        }
        for table in wanted
    ]


def dictionary_markdown(wanted: Sequence[ResearchTable], people: Sequence[ResearchParticipant]) -> str:
    """The data dictionary, for people, with what was done so that nobody is known again."""
    coarse = sum(1 for one in people if not one.age_band or not one.sex)
    lines = [
        "# " + _("Data dictionary"),
        "",
        _("Only participants whose consent to research holds now, and only their sessions since that consent."),
        _("Pseudonyms belong to this export alone; the key they were made with is thrown away."),
        _("The numbers are the same in every export, so rows of two exports can be tied together, with their people."),
        _("Clinics of fewer than %(k)s people are one site. HRmax from a formula is left out, since it gives the age.")
        % {"k": K},
        _("There are no dates: weeks count from a person's first session in the export."),
        _("Sex and age are left out where fewer than %(k)s people of a clinic share them: for %(coarse)s of %(of)s.")
        % {"k": K, "coarse": coarse, "of": len(people)},
        _("Even so, it is health data about people, and to be kept and deleted as such."),
    ]
    for table in wanted:
        lines += [
            "",
            f"## {table.name}",
            "",
            _("A row is %(what)s.") % {"what": table.row},
            "",
            "| " + " | ".join((_("column"), _("kind"), _("unit"), _("meaning"))) + " |",
            "|---|---|---|---|",
            *(f"| `{one.name}` | {one.kind} | {one.unit} | {one.meaning} |" for one in table.columns),
        ]
    return "\n".join(lines) + "\n"


def consenting(clinics: Iterable[Clinic]) -> int:
    """How many people an export of these clinics would hold now."""
    now = timezone.now()
    return (
        Participant.objects.filter(clinic__in=list(clinics), research_consent_at__lte=now, entries__isnull=False)
        .distinct()
        .count()
    )
