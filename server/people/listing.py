"""The list of participants: who is found, and for those on a page their plan, their training and what needs a look.

Seven statements, however many participants there are; what a row tells is read for the page's rows alone.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Literal

from django.core.paginator import Page, Paginator
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from coach.plan import COUNTS_FROM_S, WEEK_S
from server.clinics.models import Clinic
from server.diary.course import BREAK_DAYS, Attendance, Trained, course_of
from server.diary.models import DiaryEntry
from server.diary.reading import plan_of
from server.people import plan_words
from server.people.learned import FINDINGS
from server.people.models import Course, Participant, PlanVersion, searchable
from server.people.plan_rules import values_of

ON_A_PAGE = 25
LONGEST_SEARCH = 100
MOST_WORDS = 6
SOON = timedelta(days=7)

Weight = Literal["", "above", "below"]


class Asked(Struct, frozen=True):
    """What part of the list one wants. `ended`: those who train no more, None: all."""

    words: tuple[str, ...] = ()
    ended: bool | None = False
    group: str = ""


class Look(Struct, frozen=True):
    """Something that needs a look: in few words, and how much."""

    words: str
    weight: Weight = "above"


class Row(Struct, frozen=True, kw_only=True):
    """One participant. What comes from the diary is None for those who may not see it."""

    participant: Participant
    plan: str
    last: DiaryEntry | None
    week: int
    cap: int | None
    attendance: Attendance | None
    looks: tuple[Look, ...]

    @property
    def over_cap(self) -> bool:
        """Whether more was trained than the plan allows."""
        return self.cap is not None and self.week > self.cap


def asked_for(search: str, state: str, group: str) -> Asked:
    """What was typed and chosen, made sound: nothing that is typed is an error."""
    text = searchable(search.replace("\x00", " ")[:LONGEST_SEARCH])
    ended = {"ended": True, "all": None}.get(state, False)
    return Asked(tuple(text.split()[:MOST_WORDS]), ended, group.replace("\x00", "")[:LONGEST_SEARCH])


def found(clinic: Clinic, asked: Asked) -> QuerySet[Participant]:
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
    return rows.order_by("name", "pk")


def groups_of(clinic: Clinic) -> list[str]:
    """The clinic's groups."""
    named = Participant.objects.filter(clinic=clinic).exclude(group="")
    return list(named.order_by("group").values_list("group", flat=True).distinct())


def page_of(rows: QuerySet[Participant], number: int) -> Page[Participant]:
    """One page; the nearest there is where the number is beyond the last."""
    return Paginator(rows, ON_A_PAGE).get_page(number)


def rows_of(participants: Iterable[Participant], now: datetime, *, see_diary: bool) -> list[Row]:
    """What the page tells of each."""
    people = list(participants)
    newest = _newest(people, see_diary=see_diary)
    week = _this_week(people, now) if see_diary else Counter()
    courses = _running_courses(people, timezone.localdate(now)) if see_diary else {}
    rows = []
    for one in people:
        plan = newest.plans.get(one.pk)
        last = newest.lasts.get(one.pk)
        course, attendance = courses.get(one.pk, (None, None))
        looks = (
            *_of_plan(one, plan, timezone.localdate(now)),
            *_of_finding(plan, newest.tellers.get(one.pk)),
            *_of_absence(one, course, last, timezone.localdate(now)),
        )
        rows.append(
            Row(
                participant=one,
                plan=plan_words.line(values_of(plan)) if plan is not None and not plan.withdrawn else "",
                last=last,
                week=week[one.pk],
                cap=plan.weekly_cap if plan is not None and not plan.withdrawn else None,
                attendance=attendance,
                looks=looks,
            )
        )
    return rows


class Newest(Struct, frozen=True):
    """By participant: the newest plan, the newest session, and the newest that has a whole interval, with notices."""

    plans: dict[int, PlanVersion]
    lasts: dict[int, DiaryEntry]
    tellers: dict[int, DiaryEntry]


def _newest(people: Sequence[Participant], *, see_diary: bool) -> Newest:
    """Three statements: the keys, each found along its index, and then what they name."""
    plan = PlanVersion.objects.filter(participant=OuterRef("pk")).order_by("-version").values("pk")[:1]
    entry = DiaryEntry.objects.filter(participant=OuterRef("pk")).order_by("-begun_at", "-pk").values("pk")
    wanted = Participant.objects.filter(pk__in=[one.pk for one in people]).values_list(
        "pk", Subquery(plan), Subquery(entry[:1]), Subquery(entry.filter(completed_intervals__gt=0)[:1])
    )
    keys = list(wanted)
    plans = PlanVersion.objects.in_bulk([plan_pk for _, plan_pk, _, _ in keys if plan_pk is not None])
    entries: dict[int, DiaryEntry] = {}
    if see_diary:
        pks = {pk for _, _, *both in keys for pk in both if pk is not None}
        entries.update(DiaryEntry.objects.annotate(notices=F("stored__summary__notices")).in_bulk(pks))
    return Newest(
        plans={pk: plans[plan_pk] for pk, plan_pk, _, _ in keys if plan_pk in plans},
        lasts={pk: entries[last] for pk, _, last, _ in keys if last in entries},
        tellers={pk: entries[teller] for pk, _, _, teller in keys if teller in entries},
    )


def _this_week(people: Sequence[Participant], now: datetime) -> Counter[int]:
    """Sessions of the last 7 days, as a machine counts them."""
    since = now - timedelta(seconds=WEEK_S)
    entries = DiaryEntry.objects.filter(participant__in=people, begun_at__gte=since, training_s__gte=COUNTS_FROM_S)
    return Counter(entries.values_list("participant__pk", flat=True))


def _running_courses(people: Sequence[Participant], today: date) -> dict[int, tuple[Course, Attendance]]:
    newest: dict[int, Course] = {}
    for course in Course.objects.filter(participant__in=people, ended_on=None, begins_on__lte=today).order_by("pk"):
        if today < course.begins_on + timedelta(weeks=course.weeks):
            newest[course.participant_id] = course
    if not newest:
        return {}
    first = min(course.begins_on for course in newest.values())
    entries = DiaryEntry.objects.filter(participant__in=newest, begun_on__gte=first).values_list(
        "participant_id", "begun_on", "session_id", "completed", "completed_intervals"
    )
    trained: dict[int, list[Trained]] = {pk: [] for pk in newest}
    for pk, on, session_id, completed, intervals in entries:
        if on >= newest[pk].begins_on:
            trained[pk].append(Trained(on, str(session_id), completed, intervals))
    return {pk: (one, course_of(plan_of(one), trained[pk], today).attendance) for pk, one in newest.items()}


def _of_plan(participant: Participant, plan: PlanVersion | None, today: date) -> Iterable[Look]:
    if not participant.active:
        return
    if plan is None or plan.withdrawn:
        yield Look(_("no plan"))
    elif plan.valid_until is not None and plan.valid_until < today:
        yield Look(_("plan has expired"))
    elif plan.valid_until is not None and plan.valid_until <= today + SOON:
        left = (plan.valid_until - today).days
        words = ngettext("plan ends in %(days)s day", "plan ends in %(days)s days", left) % {"days": left}
        yield Look(_("plan ends today") if left == 0 else words, "below")


def _of_finding(plan: PlanVersion | None, teller: DiaryEntry | None) -> Iterable[Look]:
    """Whether the coach doubts the HRmax in force."""
    if plan is None or plan.withdrawn or teller is None or teller.hr_max_bpm != plan.hr_max_bpm:
        return
    if set(FINDINGS) & set(getattr(teller, "notices", None) or ()):
        yield Look(_("look at HRmax"))


def _of_absence(
    participant: Participant, course: Course | None, last: DiaryEntry | None, today: date
) -> Iterable[Look]:
    """So many whole days without a session in a running course are a break (`server.diary.course`)."""
    if not participant.active or course is None:
        return
    since = course.begins_on - timedelta(days=1) if last is None else max(last.begun_on, course.begins_on)
    away = (today - since).days - 1
    if away >= BREAK_DAYS:
        yield Look(ngettext("away for %(days)s day", "away for %(days)s days", away) % {"days": away}, "below")
