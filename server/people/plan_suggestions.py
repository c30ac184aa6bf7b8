"""What earlier sessions have taught about a participant's plan: proposals for a therapist to judge, never more."""

from datetime import date
from uuid import UUID

import msgspec
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from msgspec import Struct

from coach.errors import PlanError
from coach.guidance.carried_response import LearnedResponse, read_response
from coach.model.events import HrMaxFinding, NoticeRaised
from coach.model.summary import Summary
from server.diary.models import DiaryEntry
from server.people.models import Participant, PlanVersion
from server.people.plan_rules import HIGHEST_SEEN_MARGIN_BPM, Values
from sync.wire.codec import read_session
from sync.wire.envelope import Unreadable

FINDINGS = ("hr_max_seems_lower", "hr_max_seems_higher")
"""Notices of a session that speak of HRmax."""
LOOKED_BACK = 6
"""A finding is looked for in so many sessions."""

REASONS: dict[str, str | Promise] = {
    "more_load": gettext_lazy("The same heart rate asks for more load now."),
    "less_load": gettext_lazy("The heart rate went higher than it should; a little less is right."),
    "same_load": gettext_lazy("The load was right."),
}


class Proposal(Struct, frozen=True):
    """The setting that the coach proposes for the next first interval, after which session, and why."""

    session_id: UUID
    on: date
    speed_kmh: float
    incline_percent: float
    reason: str

    @property
    def words(self) -> str:
        """Why."""
        return str(REASONS.get(self.reason, ""))


class HrMaxProposal(Struct, frozen=True):
    """HRmax is probably wrong: what a session's evidence says instead. `seen`: a rate above HRmax was seen.

    `evidence`: (rate in bpm, Borg) pairs; `low_bpm`–`high_bpm` an 80 % range.
    """

    session_id: UUID
    on: date
    lower: bool
    suggested_bpm: float
    low_bpm: float
    high_bpm: float
    seen: bool
    evidence: tuple[tuple[float, int], ...]


class Learned(Struct, frozen=True):
    """All of it. `highest`: the highest rate seen in a whole session here, and its day."""

    proposal: Proposal | None
    finding: HrMaxProposal | None
    highest: tuple[float, date] | None

    @property
    def highest_and_margin_bpm(self) -> float | None:
        """HRmax as Bodø kommune takes it from the highest rate seen in a 4×4."""
        return None if self.highest is None else self.highest[0] + HIGHEST_SEEN_MARGIN_BPM


def learned(participant: Participant, plan: PlanVersion | None) -> Learned:
    """From the newest sessions; `plan`: the one in force."""
    newest = list(
        DiaryEntry.objects.filter(participant=participant, stored__flaw="")
        .select_related("stored")
        .defer("stored__payload")
        .order_by("-begun_at")[:LOOKED_BACK]
    )
    return Learned(_proposal(newest), _finding(newest, plan), _highest(participant))


def already_so(proposal: Proposal, plan: Values) -> bool:
    """Whether the plan says what is proposed."""
    return (plan.start_speed_kmh, plan.start_incline_percent or 0.0) == (proposal.speed_kmh, proposal.incline_percent)


def _proposal(newest: list[DiaryEntry]) -> Proposal | None:
    for entry in newest:
        response = _response(_summary(entry))
        if response is not None and response.next_time is not None and response.next_time.start is not None:
            start, reason = response.next_time.start, response.next_time.reason
            speed_kmh, incline_percent = round(start.speed_kmh, 2), round(start.incline_percent, 2)
            return Proposal(entry.session_id, entry.begun_on, speed_kmh, incline_percent, reason)
    return None


def _finding(newest: list[DiaryEntry], plan: PlanVersion | None) -> HrMaxProposal | None:
    """Return what the newest session with a whole interval says of the HRmax in force; of an older value it is settled.

    The evidence of earlier sessions is in the newest one's, so an older session's finding is not asked.
    """
    for entry in newest:
        if plan is None or plan.hr_max_bpm is None or entry.completed_intervals == 0:
            continue
        summary = _summary(entry)
        if entry.hr_max_bpm != plan.hr_max_bpm or summary is None or not set(FINDINGS) & set(summary.notices):
            return None
        told = _read_session_finding(entry) or _estimated(summary)
        if told is not None:
            return HrMaxProposal(
                session_id=entry.session_id,
                on=entry.begun_on,
                lower=told.code == "hr_max_seems_lower",
                suggested_bpm=round(told.suggested_bpm),
                low_bpm=told.low_bpm,
                high_bpm=told.high_bpm,
                seen=told.source == "rate_seen",
                evidence=told.evidence,
            )
    return None


def _read_session_finding(entry: DiaryEntry) -> HrMaxFinding | None:
    """Return the last that the session itself said, where its raw data is still kept."""
    payload = entry.stored.payload
    delivery = None if payload is None else read_session(bytes(payload))
    if delivery is None or isinstance(delivery, Unreadable):
        return None
    found = [one.finding for one in delivery.events if isinstance(one, NoticeRaised) and one.finding is not None]
    return found[-1] if found else None


def _estimated(summary: Summary) -> HrMaxFinding | None:
    """By what the summary learned, where the raw data's time is over."""
    response = _response(summary)
    if response is None or response.hr_max is None or summary.hr_max_bpm is None:
        return None
    found = response.hr_max
    code = "hr_max_seems_lower" if found.bpm < summary.hr_max_bpm else "hr_max_seems_higher"
    return HrMaxFinding(
        code=code,  # type: ignore[arg-type] # one of the two above
        suggested_bpm=round(found.bpm),
        low_bpm=found.low_bpm,
        high_bpm=found.high_bpm,
        source="exertion",
        evidence=response.borgs,
    )


def _highest(participant: Participant) -> tuple[float, date] | None:
    found = DiaryEntry.objects.filter(participant=participant, completed=True, peak_bpm__isnull=False)
    best = found.order_by("-peak_bpm", "-begun_at").values_list("peak_bpm", "begun_on").first()
    return None if best is None or best[0] is None else (float(best[0]), best[1])


def _summary(entry: DiaryEntry) -> Summary | None:
    try:
        return msgspec.convert(entry.stored.summary, Summary)
    except msgspec.ValidationError:
        return None


def _response(summary: Summary | None) -> LearnedResponse | None:
    try:
        return None if summary is None else read_response(summary.response)
    except PlanError:
        return None
