"""Whether a participant is cleared for more than moderate effort, and until which day.

The rule: a plan beyond moderate effort (`coach.model.protocol.Protocol.moderate`) needs a doctor's clearance for hard
effort that is in force. The newest clearance counts. A yes to chest pain or fainting before a start ends it that day,
until it is renewed or a therapist says why it holds. Another yes is a reason to look at it, and ends nothing.

Without a clearance in force such a plan cannot be saved, and what machines are handed ends with the clearance's last
day: they show the plan, begin no session from it and say to talk to the therapist. Participants who had a plan before
clearances were kept have a grace (`ClearanceGrace`).
"""

from collections.abc import Collection
from datetime import date, timedelta
from enum import StrEnum

from django.utils import timezone
from msgspec import Struct

from server.assessment.models import Clearance, ClearanceGrace
from server.people.models import Participant, PlanVersion
from server.people.protocols import is_moderate

CLEARS = "doctor"
ENDS = "unwell"
"""The code of a yes to chest pain or fainting."""
NEVER, LATEST = date(2000, 1, 1), date(2100, 1, 1)
"""The last day of a plan that was never cleared: before any session; and the latest that a damaged row can mean."""


class ClearanceState(StrEnum):
    """How it stands with a participant's clearance on a day."""

    CLEARED = "cleared"
    GRACE = "grace"
    MISSING = "missing"
    EXPIRED = "expired"
    MODERATE = "moderate"
    RENEWAL = "renewal"


class ClearanceStatus(Struct, frozen=True):
    """The state on a day. `last_day`: the last on which a session beyond moderate effort may begin."""

    state: ClearanceState
    last_day: date
    clearance: Clearance | None = None

    @property
    def cleared(self) -> bool:
        """Whether a session beyond moderate effort may begin on the day."""
        return self.state in (ClearanceState.CLEARED, ClearanceState.GRACE)


def newest_of(participant: Participant) -> Clearance | None:
    """Return the clearance that counts: of those of one day, the one recorded last."""
    return participant.clearances.order_by("-cleared_on", "-pk").first()


def status_of(participant: Participant, today: date | None = None) -> ClearanceStatus:
    """Return how it stands with one participant, today by the clinic's calendar."""
    today = today or participant.clinic.day_of(timezone.now())
    return statuses_of([participant], today)[participant.pk]


def statuses_of(people: Collection[Participant], today: date) -> dict[int, ClearanceStatus]:
    """Return how it stands with each, by key; two statements, however many they are."""
    newest: dict[int, Clearance] = {}
    for one in Clearance.objects.filter(participant__in=people).order_by("cleared_on", "pk"):
        newest[one.participant_id] = one
    grace = dict(ClearanceGrace.objects.filter(participant__in=people).values_list("participant", "until"))
    return {one.pk: _status(newest.get(one.pk), grace.get(one.pk), today) for one in people}


def _status(newest: Clearance | None, grace: date | None, today: date) -> ClearanceStatus:
    if newest is None:
        if grace is None:
            return ClearanceStatus(ClearanceState.MISSING, NEVER)
        return ClearanceStatus(ClearanceState.GRACE if today <= grace else ClearanceState.MISSING, _bounded(grace))
    if newest.profession != CLEARS or newest.effort != "hard":
        return ClearanceStatus(ClearanceState.MODERATE, NEVER, newest)
    if newest.renewal_code == ENDS and newest.renewal_asked_at is not None:
        last_day = min(_bounded(newest.valid_until), _bounded(newest.renewal_asked_at.date()) - timedelta(days=1))
        return ClearanceStatus(ClearanceState.RENEWAL, last_day, newest)
    state = ClearanceState.CLEARED if today <= newest.valid_until else ClearanceState.EXPIRED
    return ClearanceStatus(state, _bounded(newest.valid_until), newest)


def _bounded(day: date) -> date:
    return min(max(day, NEVER), LATEST)


def last_days(plans: Collection[PlanVersion], today: date) -> dict[int, date]:
    """Return the last day that a clearance gives each plan beyond moderate effort, by participant."""
    people = {one.participant_id: one.participant for one in plans if not is_moderate(one.protocol)}
    found = statuses_of(list(people.values()), today) if people else {}
    return {pk: status.last_day for pk, status in found.items()}
