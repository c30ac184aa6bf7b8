"""Which fields an export for research may hold, and which sessions they are read from.

Whose consent holds now, and their sessions from the moment of the consent on. HRmax is read only where every plan says
that it was measured or seen: a formula's gives the age. Clinics of fewer than five people are one site, and sex and age
(in bands of ten years) are left out where fewer than five people of a site share them.
"""

import logging
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from coach.model.summary import IntervalSummary, Summary
from server.accounts.models import Clinic
from server.diary.models import DiaryEntry
from server.documents.export.synthesis import MIN_PEOPLE, Cell, Kind, SourceColumn
from server.people.models import Participant, PlanVersion

AGE_BAND_YEARS = 10
_MEASURED_SOURCES = ("measured", "highest_seen")
_log = logging.getLogger(__name__)


class ResearchParticipant(Struct, frozen=True, kw_only=True):
    """A participant as an export knows them. `key`: of the database, for this run alone."""

    key: int
    site: str
    sex: str
    age_band: str


class ResearchSession(Struct, frozen=True, kw_only=True):
    """One session of one person: the week since the person's first, and what it says of itself."""

    person: ResearchParticipant
    entry: DiaryEntry
    summary: Summary
    week: int
    hr_max_bpm: float | None


class ResearchInterval(Struct, frozen=True, kw_only=True):
    """One interval of a session."""

    session: ResearchSession
    summary: IntervalSummary


class ResearchField(Struct, frozen=True):
    """One field that may be asked for: its table, name, kind and unit, to what it is rounded, and what it means."""

    table: str
    name: str
    kind: Kind
    unit: str
    step: float
    meaning: str | Promise
    value: Callable[[Any], Cell]

    @property
    def key(self) -> str:
        """What forms and the register call it."""
        return f"{self.table}.{self.name}"


class ResearchSource(Struct, frozen=True):
    """The true rows that a release is drawn from. `left_out`: sessions whose data cannot be read."""

    people: Sequence[ResearchParticipant]
    sessions: Sequence[ResearchSession]
    left_out: int

    @property
    def cells(self) -> Counter[tuple[str, str, str]]:
        """How many people share what is told of site, sex and age."""
        return Counter((one.site, one.sex, one.age_band) for one in self.people)


def _of_session(
    name: str, kind: Kind, unit: str, step: float, meaning: str | Promise, value: Callable[[ResearchSession], Cell]
) -> ResearchField:
    return ResearchField("sessions", name, kind, unit, step, meaning, value)


def _of_interval(
    name: str, kind: Kind, unit: str, step: float, meaning: str | Promise, value: Callable[[IntervalSummary], Cell]
) -> ResearchField:
    return ResearchField("intervals", name, kind, unit, step, meaning, lambda one: value(one.summary))


FIELDS = (
    _of_session(
        "site", "text", "", 0, _("the clinic; clinics of fewer than 5 people are one"), lambda one: one.person.site
    ),
    _of_session("sex", "text", "f, m", 0, _("sex; empty where shared by fewer than 5"), lambda one: one.person.sex),
    _of_session(
        "age_band",
        "text",
        "years",
        0,
        _("age in bands of ten years; empty where shared by fewer than 5"),
        lambda one: one.person.age_band,
    ),
    _of_session(
        "week", "whole", "", 1, _("week since the person's first session in the export, from 0"), lambda one: one.week
    ),
    _of_session("protocol", "text", "", 0, _("the protocol's name"), lambda one: one.entry.protocol),
    _of_session("completed", "truth", "", 0, _("all work ran its whole length"), lambda one: one.entry.completed),
    _of_session(
        "planned_intervals", "whole", "", 1, _("intervals of the protocol"), lambda one: one.entry.planned_intervals
    ),
    _of_session("completed_intervals", "whole", "", 1, _("whole intervals"), lambda one: one.entry.completed_intervals),
    _of_session("training_s", "whole", "s", 30, _("time trained, without pauses"), lambda one: one.summary.training_s),
    _of_session(
        "zone_s",
        "whole",
        "s",
        30,
        _("time of the intervals in the target zone"),
        lambda one: one.summary.time_in_zone_s,
    ),
    _of_session(
        "above_95_s", "whole", "s", 10, _("time above 95% of the plan's HRmax"), lambda one: one.summary.above_95_s
    ),
    _of_session(
        "hr_max_bpm",
        "whole",
        "1/min",
        2,
        _("the plan's HRmax, measured or seen; empty where a formula gave it or its source is unknown"),
        lambda one: one.hr_max_bpm,
    ),
    _of_session("peak_bpm", "whole", "1/min", 2, _("highest believed heart rate"), lambda one: one.summary.peak_bpm),
    _of_session("mean_bpm", "whole", "1/min", 2, _("mean heart rate"), lambda one: one.summary.mean_bpm),
    _of_session("load", "whole", "1", 5, _("training load (Edwards 1993)"), lambda one: one.summary.load),
    _of_session(
        "borg", "whole", "6–20", 1, _("perceived exertion, said after the session"), lambda one: one.summary.borg
    ),
    _of_session("mood", "whole", "1–5", 1, _("mood after the session, 5 is best"), lambda one: one.summary.mood),
    _of_session(
        "sure_fraction",
        "number",
        "0–1",
        0.05,
        _("share of training time with a sure heart rate"),
        lambda one: one.summary.signal_quality_fraction,
    ),
    _of_session("flawed", "truth", "", 0, _("the recording is not whole"), lambda one: bool(one.entry.stored.flaw)),
    _of_interval("interval", "whole", "", 1, _("number of the interval, from 1"), lambda one: one.index),
    _of_interval("length_s", "whole", "s", 10, _("how long it ran"), lambda one: one.end_s - one.start_s),
    _of_interval("ran_whole", "truth", "", 0, _("it ran its whole length"), lambda one: one.completed),
    _of_interval(
        "third_minute_bpm",
        "whole",
        "1/min",
        2,
        _("mean heart rate of its third minute"),
        lambda one: one.third_minute_bpm,
    ),
    _of_interval(
        "time_to_zone_s",
        "whole",
        "s",
        10,
        _("until the rate reached the zone; empty: never"),
        lambda one: one.time_to_zone_s,
    ),
    _of_interval("time_in_zone_s", "whole", "s", 10, _("time in the zone"), lambda one: one.time_in_zone_s),
    _of_interval("above_zone_s", "whole", "s", 10, _("time above the zone"), lambda one: one.above_zone_s),
    _of_interval("interval_peak_bpm", "whole", "1/min", 2, _("highest believed heart rate"), lambda one: one.peak_bpm),
    _of_interval(
        "recovery_fall_bpm",
        "whole",
        "1/min",
        2,
        _("fall of the rate in the first minute after it"),
        lambda one: one.recovery_fall_60s_bpm,
    ),
    _of_interval("speed_kmh", "number", "km/h", 0.5, _("treadmill speed"), lambda one: one.speed_kmh),
    _of_interval("incline_percent", "number", "%", 1, _("treadmill incline"), lambda one: one.incline_percent),
    _of_interval("interval_borg", "whole", "6–20", 1, _("perceived exertion, said of it"), lambda one: one.borg),
)
ROWS = {"sessions": _("a session"), "intervals": _("an interval of a session")}


def read_source(clinics: Sequence[Clinic], now: datetime) -> ResearchSource:
    """Read the sessions that may be drawn from, with their people as an export knows them."""
    consented = Participant.objects.filter(clinic__in=clinics, research_consent_at__lte=now).select_related("clinic")
    known = {one.pk: one for one in consented}
    kept: dict[int, list[DiaryEntry]] = {}
    entries = DiaryEntry.objects.filter(participant__in=list(known), clinic__in=clinics).select_related("stored")
    for entry in entries.defer("stored__payload").order_by("begun_at", "pk"):
        since = known[entry.participant_id or 0].research_consent_at
        if since is not None and entry.begun_at >= since:
            kept.setdefault(entry.participant_id or 0, []).append(entry)
    names = {one.pk: f"c-{secrets.token_hex(4)}" for one in clinics}
    people = coarsen(merge_sites([_person(known[pk], names, now) for pk in kept]))
    measured = _measured_hr_max(kept)
    sessions: list[ResearchSession] = []
    for person in people:
        sessions += sessions_of(person, kept[person.key], measured)
    trained = {one.person.key for one in sessions}
    return ResearchSource(
        people=[one for one in people if one.key in trained],
        sessions=sessions,
        left_out=sum(len(ones) for ones in kept.values()) - len(sessions),
    )


def source_columns(
    source: ResearchSource, table: str, fields: Iterable[ResearchField]
) -> tuple[list[int], list[SourceColumn]]:
    """Return whose each row of a table is, and its columns."""
    rows: list[Any] = list(source.sessions)
    owner = [one.person.key for one in source.sessions]
    if table == "intervals":
        rows = [
            ResearchInterval(session=one, summary=told) for one in source.sessions for told in one.summary.intervals
        ]
        owner = [one.session.person.key for one in rows]
    return owner, [SourceColumn(one.name, one.kind, one.step, [one.value(row) for row in rows]) for one in fields]


def _measured_hr_max(people: Iterable[int]) -> frozenset[tuple[int, float]]:
    """Return each person's HRmax that no plan has from a formula, or from words that may mean one."""
    plans = PlanVersion.objects.filter(participant__in=list(people), hr_max_bpm__isnull=False)
    found: dict[tuple[int, float], set[str]] = {}
    for person, bpm, source in plans.values_list("participant_id", "hr_max_bpm", "hr_max_source"):
        if bpm is not None:
            found.setdefault((person, bpm), set()).add(source)
    return frozenset(key for key, sources in found.items() if sources <= set(_MEASURED_SOURCES))


def _person(participant: Participant, sites: dict[int, str], now: datetime) -> ResearchParticipant:
    year = participant.clinic.day_of(now).year
    low = (year - participant.birth_year) // AGE_BAND_YEARS * AGE_BAND_YEARS
    return ResearchParticipant(
        key=participant.pk,
        site=sites[participant.clinic_id],
        sex=participant.sex,
        age_band=f"{low}–{low + AGE_BAND_YEARS - 1}",
    )


def merge_sites(people: list[ResearchParticipant]) -> list[ResearchParticipant]:
    """Give the sites of fewer than `MIN_PEOPLE` one pseudonym, and the next smallest the same while that is too few."""
    merged: set[str] = set()
    count = 0
    for site, size in sorted(Counter(one.site for one in people).items(), key=lambda two: (two[1], two[0])):
        if size >= MIN_PEOPLE and (not merged or count >= MIN_PEOPLE):
            break
        merged.add(site)
        count += size
    together = min(merged, default="")
    return [msgspec.structs.replace(one, site=together) if one.site in merged else one for one in people]


def coarsen(people: list[ResearchParticipant]) -> list[ResearchParticipant]:
    """Take away the age, then the sex, where fewer than `MIN_PEOPLE` of a site share what is told."""
    by_both = Counter((one.site, one.sex, one.age_band) for one in people)
    replace = msgspec.structs.replace
    coarse = [
        one if by_both[one.site, one.sex, one.age_band] >= MIN_PEOPLE else replace(one, age_band="") for one in people
    ]
    # Those whose age is left out are a group of their own, and it may be small.
    by_told = Counter((one.site, one.sex, one.age_band) for one in coarse)
    return [
        one if by_told[one.site, one.sex, one.age_band] >= MIN_PEOPLE else replace(one, sex="", age_band="")
        for one in coarse
    ]


def sessions_of(
    person: ResearchParticipant, entries: Sequence[DiaryEntry], measured: frozenset[tuple[int, float]]
) -> Iterator[ResearchSession]:
    """Yield a person's sessions in the order of time; those whose summary cannot be read are left out."""
    first_on = entries[0].begun_on
    for entry in entries:
        try:
            summary = msgspec.convert(entry.stored.summary, Summary)
        except (msgspec.ValidationError, ValueError, OverflowError):
            _log.exception("a session was left out of an export for research")
            continue
        # By days, not by hours: seven days across the beginning of summer time last an hour less than a week.
        week = (entry.begun_on - first_on).days // 7
        bpm = summary.hr_max_bpm
        yield ResearchSession(
            person=person,
            entry=entry,
            summary=summary,
            week=week,
            hr_max_bpm=bpm if bpm is not None and (person.key, bpm) in measured else None,
        )
