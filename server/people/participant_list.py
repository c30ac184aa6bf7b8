"""The list of participants: who is found, and for those on a page their plan, their training and what needs a look.

Seven statements, however many participants there are; what a row tells is read for the page's rows alone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal

from django.core.paginator import Page, Paginator
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from coach.model.plan import COUNTS_FROM_S, WEEK_S
from server.accounts.models import Clinic
from server.diary.course.schedule import BREAK_DAYS, Attendance, CountedSession, course_of
from server.diary.models import DiaryEntry
from server.diary.selectors import plan_of
from server.people import plan_words
from server.people.models import Course, Participant, PlanVersion, course_end, searchable
from server.people.plan_rules import values_of
from server.people.plan_suggestions import FINDINGS

ON_A_PAGE = 25
LONGEST_SEARCH = 100
MOST_WORDS = 6
SOON = timedelta(days=7)

SORTS = ("name", "need", "last", "group")
"""By name; by the heaviest reason to follow up; by the last session, the longest ago first; by group."""

Weight = Literal["", "above", "below"]


class ListFilter(Struct, frozen=True):
    """What part of the list one wants, and its order.

    `ended`: those who train no more, None: all. `responsible`: the key of the account whose participants they are.
    `follow_up`: those with an open reason on the follow-up list. `sort`: one of `SORTS`.
    """

    words: tuple[str, ...] = ()
    ended: bool | None = False
    group: str = ""
    responsible: int | None = None
    follow_up: bool = False
    sort: str = "name"


class Attention(Struct, frozen=True):
    """Something that needs a look: in few words, and how much."""

    words: str
    weight: Weight = "above"


class ParticipantRow(Struct, frozen=True, kw_only=True):
    """One participant. What comes from the diary is None for those who may not see it. `last_on`: a session's day.

    `reasons`: those of the follow-up list, the heaviest first; where there is none, `looks` says what is known at once.
    """

    participant: Participant
    plan: str
    last_on: date | None
    week: int
    cap: int | None
    attendance: Attendance | None
    looks: tuple[Attention, ...]
    reasons: tuple[Any, ...] = ()

    @property
    def over_cap(self) -> bool:
        """Whether more was trained than the plan allows."""
        return self.cap is not None and self.week > self.cap

    @property
    def week_words(self) -> str:
        """How many sessions of how many, or how many."""
        return str(self.week) if self.cap is None else _of(self.week, self.cap)

    @property
    def course_words(self) -> str:
        """How much of the running course is trained; empty without one."""
        return "" if self.attendance is None else _of(self.attendance.done, self.attendance.of)


def _of(done: int, of: int) -> str:
    return _("%(done)s of %(of)s") % {"done": done, "of": of}


def asked_for(
    search: str, state: str, group: str, *, responsible: int | None = None, follow_up: bool = False, sort: str = "name"
) -> ListFilter:
    """Return what was typed and chosen, made sound: nothing that is typed is an error."""
    text = searchable(search.replace("\x00", " ")[:LONGEST_SEARCH])
    ended = {"ended": True, "all": None}.get(state, False)
    return ListFilter(
        words=tuple(text.split()[:MOST_WORDS]),
        ended=ended,
        group=group.replace("\x00", "")[:LONGEST_SEARCH],
        responsible=responsible,
        follow_up=follow_up,
        sort=sort if sort in SORTS else "name",
    )


def find_participants(clinic: Clinic, asked: ListFilter) -> QuerySet[Participant]:
    """Those who fit, by name. Each word must occur in name, nickname, pseudonym or group.

    A clinic's own rows come from the index (clinic, active, name) and are looked through: some thousand of them take a
    few ms, and an index over parts of words would cost every change and help nobody.
    """
    rows = Participant.objects.filter(clinic=clinic)
    if asked.ended is not None:
        rows = rows.filter(active=not asked.ended)
    if asked.group:
        rows = rows.filter(group=asked.group)
    for word in asked.words:
        rows = rows.filter(searched__contains=word)
    if asked.responsible is not None:
        rows = rows.filter(responsible=asked.responsible)
    if asked.follow_up:
        rows = rows.filter(follow_ups__in=_waiting(clinic)).distinct()
    return _sorted(rows, clinic, asked.sort)


def _sorted(rows: QuerySet[Participant], clinic: Clinic, sort: str) -> QuerySet[Participant]:
    match sort:
        case "need":
            heaviest = _waiting(clinic).filter(participant=OuterRef("pk")).order_by("-weight").values("weight")[:1]
            return rows.annotate(need=Subquery(heaviest)).order_by(F("need").desc(nulls_last=True), "name", "pk")
        case "last":
            newest = DiaryEntry.objects.filter(participant=OuterRef("pk")).order_by("-begun_at").values("begun_at")[:1]
            return rows.annotate(last=Subquery(newest)).order_by(F("last").asc(nulls_first=True), "name", "pk")
        case "group":
            return rows.order_by("group", "name", "pk")
        case _:
            return rows.order_by("name", "pk")


def _waiting(clinic: Clinic) -> QuerySet[Any]:
    """Return what waits on the follow-up list, which stands on this application and is not imported here."""
    items: QuerySet[Any] = Participant.follow_ups.rel.related_model.objects  # type: ignore[attr-defined] # the relation's other end
    today = clinic.day_of(timezone.now())
    return items.filter(Q(state="open") | Q(state="later", until__lte=today), clinic=clinic)


def groups_of(clinic: Clinic) -> list[str]:
    """Return the clinic's groups."""
    named = Participant.objects.filter(clinic=clinic).exclude(group="")
    return list(named.order_by("group").values_list("group", flat=True).distinct())


def page_of(rows: QuerySet[Participant], number: int) -> Page[Participant]:
    """One page; the nearest there is where the number is beyond the last."""
    return Paginator(rows, ON_A_PAGE).get_page(number)


def rows_of(participants: Iterable[Participant], now: datetime, *, see_diary: bool) -> list[ParticipantRow]:
    """Return what the page tells of each."""
    people = list(participants)
    today = timezone.localdate(now)
    newest = _newest(people, see_diary=see_diary)
    week, courses = _lately(people, now) if see_diary else (Counter(), {})
    reasons: dict[int, list[Any]] = defaultdict(list)
    for item in (
        _waiting(people[0].clinic).filter(participant__in=people).order_by("-weight") if people and see_diary else ()
    ):
        reasons[item.participant_id].append(item)
    rows = []
    for one in people:
        plan = newest.plans.get(one.pk)
        last_on = newest.last_on.get(one.pk)
        course, attendance = courses.get(one.pk, (None, None))
        looks = (
            *_of_plan(one, plan, today),
            *_of_finding(plan, newest.tellers.get(one.pk)),
            *_of_absence(one, course, last_on, today),
        )
        rows.append(
            ParticipantRow(
                participant=one,
                plan=plan_words.line(values_of(plan)) if plan is not None and not plan.withdrawn else "",
                last_on=last_on,
                week=week[one.pk],
                cap=plan.weekly_cap if plan is not None and not plan.withdrawn else None,
                attendance=attendance,
                looks=looks,
                reasons=tuple(reasons[one.pk]),
            )
        )
    return rows


class HrMaxEvidence(Struct, frozen=True):
    """The newest session with a whole interval: by which HRmax it was trained, and its notices."""

    hr_max_bpm: float | None
    notices: Sequence[str]


class LatestFacts(Struct, frozen=True):
    """By participant: the newest plan, the day of the newest session, and who tells of HRmax."""

    plans: dict[int, PlanVersion]
    last_on: dict[int, date]
    tellers: dict[int, HrMaxEvidence]


def _newest(people: Sequence[Participant], *, see_diary: bool) -> LatestFacts:
    """Three statements: the keys, each found along its index, and then what they name."""
    plan = PlanVersion.objects.filter(participant=OuterRef("pk")).order_by("-version").values("pk")[:1]
    entry = DiaryEntry.objects.filter(participant=OuterRef("pk")).order_by("-begun_at", "-pk")
    teller = entry.filter(completed_intervals__gt=0).values("pk")[:1]
    wanted = Participant.objects.filter(pk__in=[one.pk for one in people])
    keys = list(wanted.values_list("pk", Subquery(plan), Subquery(entry.values("begun_on")[:1]), Subquery(teller)))
    plans = PlanVersion.objects.in_bulk([plan_pk for _, plan_pk, _, _ in keys if plan_pk is not None])
    tellers: dict[int, HrMaxEvidence] = {}
    if see_diary:
        told = DiaryEntry.objects.filter(pk__in=[pk for *_, pk in keys if pk is not None])
        for pk, hr_max_bpm, notices in told.values_list("participant_id", "hr_max_bpm", "stored__summary__notices"):
            tellers[pk] = HrMaxEvidence(hr_max_bpm, notices or ())
    return LatestFacts(
        plans={pk: plans[plan_pk] for pk, plan_pk, _, _ in keys if plan_pk in plans},
        last_on={pk: on for pk, _, on, _ in keys if on is not None and see_diary},
        tellers=tellers,
    )


def _lately(people: Sequence[Participant], now: datetime) -> tuple[Counter[int], dict[int, tuple[Course, Attendance]]]:
    """Two statements: the sessions of the last 7 days, as a machine counts them, and how running courses go."""
    today, since = timezone.localdate(now), now - timedelta(seconds=WEEK_S)
    courses = _running_courses(people, today)
    # A day more: a session's own day is the clinic's, and may begin before this one's.
    first = min([timezone.localdate(since) - timedelta(days=1), *(one.begins_on for one in courses.values())])
    week: Counter[int] = Counter()
    trained: dict[int, list[CountedSession]] = {pk: [] for pk in courses}
    entries = DiaryEntry.objects.filter(participant__in=people, begun_on__gte=first).values_list(
        "participant_id", "pk", "begun_at", "begun_on", "training_s", "completed", "completed_intervals"
    )
    for pk, key, at, on, training_s, completed, intervals in entries:
        if at >= since and training_s >= COUNTS_FROM_S:
            week[pk] += 1
        if pk in courses and on >= courses[pk].begins_on:
            trained[pk].append(CountedSession(on, str(key), completed, intervals))
    return week, {pk: (one, course_of(plan_of(one), trained[pk], today).attendance) for pk, one in courses.items()}


def _running_courses(people: Sequence[Participant], today: date) -> dict[int, Course]:
    """By participant; the newest where there are several."""
    begun = Course.objects.filter(participant__in=people, ended_on=None, begins_on__lte=today).order_by("pk")
    return {one.participant_id: one for one in begun if today < course_end(one.begins_on, one.weeks)}


def _of_plan(participant: Participant, plan: PlanVersion | None, today: date) -> Iterable[Attention]:
    if not participant.active:
        return
    if plan is None or plan.withdrawn:
        yield Attention(_("no plan"))
    elif plan.valid_until is not None and plan.valid_until < today:
        yield Attention(_("plan has expired"))
    elif plan.valid_until is not None and plan.valid_until <= today + SOON:
        left = (plan.valid_until - today).days
        words = ngettext("plan ends in %(days)s day", "plan ends in %(days)s days", left) % {"days": left}
        yield Attention(_("plan ends today") if left == 0 else words, "below")


def _of_finding(plan: PlanVersion | None, teller: HrMaxEvidence | None) -> Iterable[Attention]:
    """Whether the coach doubts the HRmax in force."""
    if plan is None or plan.withdrawn or teller is None or teller.hr_max_bpm != plan.hr_max_bpm:
        return
    if set(FINDINGS) & set(teller.notices):
        yield Attention(_("look at HRmax"))


def _of_absence(
    participant: Participant, course: Course | None, last_on: date | None, today: date
) -> Iterable[Attention]:
    """So many whole days without a session in a running course are a break (`server.diary.course.schedule`)."""
    if not participant.active or course is None:
        return
    since = (
        max(course.begins_on, date(1970, 1, 1)) - timedelta(days=1)
        if last_on is None
        else max(last_on, course.begins_on)
    )
    away = (today - since).days - 1
    if away >= BREAK_DAYS:
        yield Attention(ngettext("away for %(days)s day", "away for %(days)s days", away) % {"days": away}, "below")
