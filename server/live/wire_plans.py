"""A participant's plan as machines know it: the pseudonym and the nickname, never the name."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import cast, get_args

from coach.model.course_progress import CourseProgress
from coach.model.plan import WEEK_S, AskAfter, KnownSession, Load, Plan
from server.people.models import PlanVersion
from sync.wire.messages import PlanOnWire


def plan_on_wire(
    version: PlanVersion,
    known: Sequence[KnownSession] | None = None,
    now: datetime | None = None,
    progress: CourseProgress | None = None,
    cleared_until: date | None = None,
) -> PlanOnWire:
    """Return what a machine is told. What the machine learns by itself (response) is left to it.

    `known`: the sessions that count or counted towards cap and rest, `now`: when they were looked up; told where the
    plan limits how often. Their number stands beside, for a machine that does not know the list. `progress`: what the
    participant sees of their own course. `cleared_until`: the last day that a clearance gives the plan; None: it needs
    none.
    """
    participant = version.participant
    until_s = valid_until_wall_s(version, cleared_until)
    at_s = (now or datetime.now(UTC)).timestamp()
    told = None if known is None or not limits(version) else tuple(known)
    ages_s = [at_s - one.ended_wall_s for one in told or () if one.counts and one.ended_wall_s <= at_s]
    return PlanOnWire(
        version=version.version,
        made_at_wall_s=version.made_at.timestamp(),
        # A number and not a name: who that is, the server knows.
        made_by=f"account-{version.made_by_id}" if version.made_by_id else "server",
        plan=Plan(
            participant=participant.pseudonym,
            protocol=version.protocol,
            hr_max_bpm=version.hr_max_bpm,
            hr_max_source=_source(version),
            age=participant.clinic.day_of(version.made_at).year - participant.birth_year,
            ceiling_bpm=version.ceiling_bpm,
            mode="exertion" if version.mode == "exertion" else "heart_rate",
            start=_start(version),
            speed_step_kmh=version.speed_step_kmh,
            max_speed_kmh=version.max_speed_kmh,
            slowest_kmh=version.slowest_kmh,
            language="en" if participant.language == "en" else "nb",
            nickname=participant.nickname,
            picture=participant.picture or None,
            early_warm_up_end=version.early_warm_up_end,
            exertion_when_lost=version.exertion_when_lost,
            ask_after=_ask_after(version),
            questions=tuple(str(one) for one in version.questions),
            closed_after_yes_h=version.closed_after_yes_h,
            weekly_cap=version.weekly_cap,
            rest_hours=version.rest_hours,
            cap_released=version.cap_released,
            sessions_last_7_days=sum(age_s < WEEK_S for age_s in ages_s),
            hours_since_last=round(min(ages_s) / 3600, 2) if ages_s else None,
            counted_at_wall_s=None if told is None else at_s,
            known_sessions=told,
            valid_until_wall_s=until_s,
            training_opened_wall_s=opened_at.timestamp() if (opened_at := version.training_opened_at) else None,
        ),
        valid_until_wall_s=until_s,
        progress=progress,
    )


def limits(version: PlanVersion) -> bool:
    """Whether it limits how often somebody trains (hazard H13)."""
    return version.weekly_cap is not None or version.rest_hours > 0


def valid_until_wall_s(version: PlanVersion, cleared_until: date | None = None) -> float | None:
    """Return the end of the plan's last day in the clinic's zone, seconds since 1970; None: it holds until changed.

    The earlier of the plan's own day and its clearance's.
    """
    last_day = min((one for one in (version.valid_until, cleared_until) if one is not None), default=None)
    if last_day is None:
        return None
    day_after = last_day + timedelta(days=1)
    return datetime.combine(day_after, time(), version.participant.clinic.zone).timestamp()


def holds(version: PlanVersion, now: datetime | None = None) -> bool:
    """Whether a session may begin from it: not withdrawn, its person in training, its last day not over."""
    until_s = valid_until_wall_s(version)
    over = until_s is not None and until_s <= (now or datetime.now(UTC)).timestamp()
    return not version.withdrawn and version.participant.active and not over


def _ask_after(version: PlanVersion) -> AskAfter:
    """Return when the coach asks; an unknown word of a later version asks most often."""
    known = get_args(AskAfter)
    return cast("AskAfter", version.ask_after if version.ask_after in known else known[0])


def _source(version: PlanVersion) -> str | None:
    """As the coach weighs it: a formula stays a formula on a beta-blocker, and is believed no more than one."""
    return "formula" if version.hr_max_source == "formula_beta_blocker" else version.hr_max_source or None


def _start(version: PlanVersion) -> Load | None:
    if version.start_speed_kmh is None:
        return None
    return Load(version.start_speed_kmh, version.start_incline_percent or 0.0)
