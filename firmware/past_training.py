"""What the diary knows of earlier sessions, for the next plan: how many lately, how long ago, what was learned.

The weekly cap and the days of rest (hazard H13) are counted from it. Where a wall clock was plainly wrong, a session
that seems to lie in the future is left out: the cap counts one too few rather than refusing somebody for nothing.
"""

from typing import Any, Self

from msgspec import Struct
from msgspec.structs import replace

from coach.plan import Plan
from coach.summary import Summary
from firmware.plans import GUEST
from firmware.session_record import SessionLine

COUNTS_FROM_S = 600.0
"""A session that was stopped before ten minutes of training counts neither for the cap nor for the rest."""
WEEK_S = 7 * 86400.0


class PastSession(Struct, frozen=True):
    """One finished session: whose, when it ended (s since 1970), seconds of training, and what was learned."""

    participant: str
    ended_wall_s: float
    training_s: float
    response: Any = None


class PastTraining(Struct, frozen=True):
    """All finished sessions of this machine's diary, by session id."""

    sessions: dict[str, PastSession] = {}

    @classmethod
    def of(cls, lines: tuple[SessionLine, ...]) -> Self:
        """Take the list of the diary."""
        return cls(
            {
                line.session_id: _past(line.participant, line.begun.wall_s, line.summary)
                for line in lines
                if line.summary is not None
            }
        )

    def with_session(self, session_id: str, begun_wall_s: float, summary: Summary) -> Self:
        """Add a session that has just ended, or its newer summary."""
        past = _past(summary.participant, begun_wall_s, summary)
        return replace(self, sessions={**self.sessions, session_id: past})

    def informed(self, plan: Plan, now_wall_s: float) -> Plan:
        """Give the plan with the sessions of the last 7 days, hours since the last, its number, and the response.

        What the plan itself says (a response from the server, a session number) goes before; of the cap and the rest
        the stricter counts, since the server knows other machines and this one knows what it has not heard of yet.
        Guests have no past.
        """
        if plan.participant == GUEST:
            return plan
        mine = [past for past in self.sessions.values() if past.participant == plan.participant]
        counted = [past for past in mine if past.training_s >= COUNTS_FROM_S]
        ages_s = [now_wall_s - past.ended_wall_s for past in counted if past.ended_wall_s <= now_wall_s]
        elsewhere, hours_elsewhere = _counted_elsewhere(plan, now_wall_s)
        hours = [] if hours_elsewhere is None else [hours_elsewhere]
        if ages_s:
            hours.append(min(ages_s) / 3600)
        learned = [past for past in mine if past.response is not None]
        newest = max(learned, key=lambda past: past.ended_wall_s, default=None)
        return replace(
            plan,
            sessions_last_7_days=max(elsewhere, sum(age_s < WEEK_S for age_s in ages_s)),
            hours_since_last=round(min(hours), 2) if hours else None,
            session_number=len(counted) + 1 if plan.session_number is None else plan.session_number,
            response=newest.response if plan.response is None and newest is not None else plan.response,
        )


def _counted_elsewhere(plan: Plan, now_wall_s: float) -> tuple[int, float | None]:
    """Sessions of the last 7 days and hours since the last one by the plan, which may have been made long ago.

    Sessions of a count more than a week old have all left the week; a clock behind the count leaves it as it is.
    """
    since_s = 0.0 if plan.counted_at_wall_s is None else max(0.0, now_wall_s - plan.counted_at_wall_s)
    hours = None if plan.hours_since_last is None else plan.hours_since_last + since_s / 3600
    return plan.sessions_last_7_days if since_s < WEEK_S else 0, hours


def _past(participant: str, begun_wall_s: float, summary: Summary) -> PastSession:
    return PastSession(participant, begun_wall_s + summary.duration_s, summary.training_s, summary.response)
