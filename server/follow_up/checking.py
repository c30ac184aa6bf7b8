"""Looks at participants by the rules, and keeps what is found; what was decided holds until the evidence changes."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from server.accounts.models import Clinic
from server.diary.models import DiaryEntry
from server.follow_up.histories import histories_of
from server.follow_up.models import FollowUpCheck, FollowUpItem, FollowUpLimits
from server.follow_up.rules import BY_CODE, GRAVE_WEIGHT, UNASSIGNED, RuleEvidence, find_all
from server.follow_up.thresholds import FollowUpThresholds, thresholds_of
from server.people.models import Participant

AT_A_TIME = 100


def limits_of(clinic: Clinic) -> FollowUpThresholds:
    """Return the clinic's limits."""
    kept = FollowUpLimits.objects.filter(clinic=clinic).first()
    return thresholds_of(kept.values if kept else {})


def due_in(clinic: Clinic, today: date) -> QuerySet[Participant]:
    """Return those in training whom the rules have not looked at today, or who have changed since."""
    fresh = FollowUpCheck.objects.filter(participant=OuterRef("pk"), checked_on=today, due=False)
    return Participant.objects.filter(~Exists(fresh), clinic=clinic, active=True).order_by("pk")


def check_due(clinic: Clinic, now: datetime | None = None, most: int = AT_A_TIME) -> int:
    """Look at those who are due, at most so many. Return how many were looked at."""
    now = now or timezone.now()
    people = list(due_in(clinic, clinic.day_of(now))[:most])
    if people:
        check(clinic, people, now)
    return len(people)


def check_some(most: int) -> int:
    """Look at a few who are due, of the first clinic that has any. Return how many were looked at."""
    return next((seen for clinic in Clinic.objects.order_by("pk") if (seen := check_due(clinic, most=most))), 0)


def check_all(now: datetime | None = None) -> int:
    """Look at everybody who is due, in every clinic. Return how many were looked at."""
    looked = 0
    for clinic in Clinic.objects.order_by("pk"):
        while seen := check_due(clinic, now):
            looked += seen
    return looked


def check(clinic: Clinic, people: Sequence[Participant], now: datetime) -> None:
    """Look at these participants, and keep what the rules find."""
    today = clinic.day_of(now)
    # Before the histories are read: what changes meanwhile makes them due again.
    FollowUpCheck.objects.bulk_create(
        [FollowUpCheck(participant=one, checked_on=today, due=False) for one in people],
        update_conflicts=True,
        unique_fields=["participant"],
        update_fields=["checked_on", "due"],
    )
    try:
        histories = histories_of(clinic, people, now)
        limits = limits_of(clinic)
        kept: dict[tuple[int, str], FollowUpItem] = {
            (one.participant_id or 0, one.rule): one for one in FollowUpItem.objects.filter(participant__in=people)
        }
        found = {
            (one.pk, code): evidence for one in people for code, evidence in find_all(histories[one.pk], limits).items()
        }
        _keep(clinic, found, kept, now)
    except BaseException:
        FollowUpCheck.objects.filter(participant__in=people).update(due=True)
        raise


def check_unassigned(clinic: Clinic, now: datetime) -> None:
    """Keep whether the clinic has sessions without a participant."""
    loose = DiaryEntry.objects.filter(clinic=clinic, participant=None)
    newest = loose.order_by("-begun_at").values_list("session_id", "begun_on").first()
    found = {}
    if newest is not None:
        facts = {"sessions": loose.count(), "on": newest[1].isoformat()}
        found[0, UNASSIGNED.code] = RuleEvidence(str(newest[0]), facts)
    kept = {(0, one.rule): one for one in FollowUpItem.objects.filter(clinic=clinic, participant=None)}
    _keep(clinic, found, kept, now)


def _keep(
    clinic: Clinic,
    found: dict[tuple[int, str], RuleEvidence],
    kept: dict[tuple[int, str], FollowUpItem],
    now: datetime,
) -> None:
    new = [
        FollowUpItem(
            clinic=clinic,
            participant_id=pk or None,
            rule=code,
            weight=BY_CODE[code].weight,
            mark=evidence.mark,
            facts=evidence.facts,
            found_at=now,
        )
        for (pk, code), evidence in found.items()
        if (pk, code) not in kept
    ]
    FollowUpItem.objects.bulk_create(new, ignore_conflicts=True)
    gone = [one.pk for key, one in kept.items() if key not in found]
    if gone:
        FollowUpItem.objects.filter(pk__in=gone).delete()
    for key in found.keys() & kept.keys():
        _renew(kept[key], found[key], now)


def _renew(item: FollowUpItem, evidence: RuleEvidence, now: datetime) -> None:
    """Write new evidence; it opens what was done, and what was put off only where it is grave."""
    weight = BY_CODE[item.rule].weight
    if (item.mark, item.facts, item.weight) == (evidence.mark, evidence.facts, weight):
        return
    if item.mark != evidence.mark and (item.state == "done" or weight >= GRAVE_WEIGHT):
        item.state, item.until, item.found_at = "open", None, now
    item.mark, item.facts, item.weight = evidence.mark, evidence.facts, weight
    item.save(update_fields=["state", "until", "found_at", "mark", "facts", "weight"])


def open_items(clinic: Clinic, today: date) -> QuerySet[FollowUpItem]:
    """Return what waits for somebody: open, or put off until today or earlier."""
    waits = Q(state="open") | Q(state="later", until__lte=today)
    return FollowUpItem.objects.filter(_in_training(), waits, clinic=clinic)


def later_items(clinic: Clinic, today: date) -> QuerySet[FollowUpItem]:
    """Return what was put off beyond today."""
    return FollowUpItem.objects.filter(_in_training(), clinic=clinic, state="later", until__gt=today)


def _in_training() -> Q:
    return Q(participant=None) | Q(participant__active=True)


def items_of(clinic: Clinic, keys: Iterable[int]) -> QuerySet[FollowUpItem]:
    """Return these items, as far as they are the clinic's."""
    return FollowUpItem.objects.filter(clinic=clinic, pk__in=list(keys)).select_related("participant")
