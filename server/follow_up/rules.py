"""The rules of the follow-up list, as data: a code, a weight, what it finds in a history, and where the next step is.

A rule returns evidence or None; it knows neither database nor language. `RuleEvidence.mark` names what the evidence
rests on: a decision holds until the mark changes, so that the same fact never asks twice.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from msgspec import Struct

from server.follow_up.history import FollowUpHistory, HistorySession
from server.follow_up.thresholds import FollowUpThresholds

GRAVE_WEIGHT, MARKED_WEIGHT = 85, 50
"""From the first on a reason is red, from the second orange; below it is blue. New grave evidence ends a delay."""
LOOKED_BACK_DAYS = 14
"""A «no», a silence and a yes before the start stay on the list for so long unless somebody acts."""
HR_MAX_FINDINGS = frozenset({"hr_max_seems_lower", "hr_max_seems_higher"})
STOPPED_EARLY = frozenset({"stopped", "pause_limit", "no_answer"})
UNEXCUSED = frozenset({"", "withdrawal", "no_show"})
"""Absences that are worth a call: without a word, or with one that is a reason to ask."""


class RuleEvidence(Struct, frozen=True):
    """What a rule found: `mark` identifies it, `facts` are JSON values for the words."""

    mark: str
    facts: dict[str, Any]


Find = Callable[[FollowUpHistory, FollowUpThresholds], RuleEvidence | None]


class FollowUpRule(Struct, frozen=True, kw_only=True):
    """One rule. `step`: the page of the next step; `covers`: rules that say less of the same."""

    code: str
    weight: int
    step: str
    find: Find
    covers: tuple[str, ...] = ()

    @property
    def look(self) -> str:
        """Return the colour's name: stop, above or below."""
        if self.weight >= GRAVE_WEIGHT:
            return "stop"
        return "above" if self.weight >= MARKED_WEIGHT else "below"


def _trained(history: FollowUpHistory) -> Sequence[HistorySession]:
    """Sessions with at least one whole interval, steered by heart rate and with a rate that was seen; newest first."""
    return [one for one in history.sessions if one.steered and one.completed_intervals > 0 and one.rate_seen]


def _lately(history: FollowUpHistory) -> Sequence[HistorySession]:
    since = history.today - timedelta(days=LOOKED_BACK_DAYS)
    return [one for one in history.sessions if one.on >= since]


def _answered(history: FollowUpHistory, code: str) -> RuleEvidence | None:
    opened_at = history.plan.opened_at if history.plan else None
    for one in history.answers:
        if one.code == code and (opened_at is None or one.at > opened_at):
            return RuleEvidence(f"notice {one.key}", {"at": one.at.isoformat(), "machine": one.machine})
    return None


def find_unwell(history: FollowUpHistory, _limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find a yes to chest pain or fainting, before the start or after «not all right»."""
    found = _answered(history, "unwell")
    if found is not None:
        return found
    session = next((one for one in _lately(history) if "unwell" in one.notices), None)
    return (
        None if session is None else RuleEvidence(session.key, {"on": session.on.isoformat(), "session": session.key})
    )


def find_not_ready(history: FollowUpHistory, _limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find another yes among the questions before the start."""
    return _answered(history, "not_ready")


def find_said_no(history: FollowUpHistory, _limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find a «no» to «are you all right?»."""
    session = next((one for one in _lately(history) if "not_all_right" in one.notices), None)
    return None if session is None else _of_session(session)


def find_no_answer(history: FollowUpHistory, _limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find a session in which «are you all right?» got no answer."""
    silent = (one for one in _lately(history) if "no_answer" in one.notices or one.end_reason == "no_answer")
    session = next(silent, None)
    return None if session is None else _of_session(session)


def _of_session(session: HistorySession) -> RuleEvidence:
    facts = {
        "on": session.on.isoformat(),
        "session": session.key,
        "done": session.completed_intervals,
        "of": session.planned_intervals,
    }
    return RuleEvidence(session.key, facts)


def find_over_ceiling(history: FollowUpHistory, _limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find a rate over the ceiling in the newest session."""
    session = next(iter(history.sessions), None)
    if session is None or "over_ceiling" not in session.notices:
        return None
    plan = history.plan
    ceiling = (plan.ceiling_bpm or plan.hr_max_bpm) if plan else None
    found = _of_session(session)
    return RuleEvidence(found.mark, {**found.facts, "peak": session.peak_bpm, "ceiling": ceiling})


def find_never_in_zone(history: FollowUpHistory, limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find sessions in a row with next to no time in the zone."""
    row = []
    for one in _trained(history):
        if one.zone_s + one.above_zone_s >= limits.zone_least_s:
            break
        row.append(one)
    if len(row) < limits.zone_sessions:
        return None
    borgs = [borg for one in row if (borg := one.hardest_borg) is not None]
    thirds = [(i.third_minute_bpm, i.third_minute_fraction) for one in row for i in one.intervals if i.third_minute_bpm]
    highest_bpm, highest_fraction = max(thirds, key=lambda one: one[0] or 0.0, default=(None, None))
    facts = {
        "sessions": len(row),
        "low_borg": min(borgs, default=None),
        "high_borg": max(borgs, default=None),
        "bpm": highest_bpm,
        "fraction": highest_fraction,
        "session": row[0].key,
        **_suggested(history, row[0]),
    }
    return RuleEvidence(row[0].key, facts)


def _suggested(history: FollowUpHistory, session: HistorySession) -> dict[str, Any]:
    """Return the suggested HRmax, where a finding of the HRmax in force goes with the session."""
    hr_max_bpm = history.plan.hr_max_bpm if history.plan else None
    found = session.suggestion
    if found is None or hr_max_bpm is None or session.hr_max_bpm != hr_max_bpm:
        return {}
    if not HR_MAX_FINDINGS & set(session.notices):
        return {}
    return {"suggested": found.bpm, "low": found.low_bpm, "high": found.high_bpm, "hr_max": hr_max_bpm}


def find_wrong_hr_max(history: FollowUpHistory, _limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find a plan whose HRmax the newest session with a whole interval contradicts."""
    if history.plan is None or history.plan.withdrawn or history.plan.hr_max_bpm is None:
        return None
    session = next((one for one in history.sessions if one.completed_intervals > 0), None)
    if session is None or session.hr_max_bpm != history.plan.hr_max_bpm:
        return None
    codes = HR_MAX_FINDINGS & set(session.notices)
    if not codes:
        return None
    facts = {"code": min(codes), "hr_max": history.plan.hr_max_bpm, "session": session.key}
    return RuleEvidence(f"{session.key} {history.plan.version}", {**facts, **_suggested(history, session)})


def find_hard_under_zone(history: FollowUpHistory, limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find a newest session that felt very hard although every interval was under the zone."""
    session = next(iter(_trained(history)), None)
    if session is None or not session.under_zone:
        return None
    borg = session.hardest_borg
    return None if borg is None or borg < limits.hard_borg else _felt(session, borg)


def find_easy_in_zone(history: FollowUpHistory, limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find a newest whole session that felt easy although most of its work was in the zone."""
    session = next(iter(_trained(history)), None)
    if session is None or not session.completed:
        return None
    work_s = sum(one.end_s - one.start_s for one in session.intervals)
    borg = session.hardest_borg
    if borg is None or borg > limits.easy_borg or session.zone_s + session.above_zone_s < work_s / 2:
        return None
    return _felt(session, borg)


def _felt(session: HistorySession, borg: int) -> RuleEvidence:
    thirds = [(one.third_minute_bpm, one.third_minute_fraction) for one in session.intervals if one.third_minute_bpm]
    bpm, fraction = max(thirds, key=lambda one: one[0] or 0.0, default=(None, None))
    found = _of_session(session)
    return RuleEvidence(
        found.mark, {**found.facts, "borg": borg, "bpm": bpm, "fraction": fraction, "zone_s": session.zone_s}
    )


def find_stopped_early(history: FollowUpHistory, limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find the newest sessions stopped early, one after the other."""
    row = []
    for one in history.sessions:
        if one.completed or one.end_reason not in STOPPED_EARLY:
            break
        row.append(one)
    if len(row) < limits.stopped_sessions:
        return None
    found = _of_session(row[0])
    return RuleEvidence(found.mark, {**found.facts, "sessions": len(row), "borg": row[0].hardest_borg})


def find_bad_strap(history: FollowUpHistory, limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find the newest sessions with a bad signal, one after the other."""
    row = []
    for one in history.sessions:
        if not one.steered or one.live_fraction * 100 >= limits.strap_percent:
            break
        row.append(one)
    if len(row) < limits.strap_sessions:
        return None
    shares = [one.live_fraction for one in row]
    facts = {"sessions": len(row), "low": min(shares), "high": max(shares), "session": row[0].key}
    return RuleEvidence(row[0].key, facts)


def find_no_plan(history: FollowUpHistory, _limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find a missing or withdrawn plan."""
    if history.plan is None:
        return RuleEvidence("none", {"since": history.begun_on.isoformat(), "withdrawn": False})
    if history.plan.withdrawn:
        return RuleEvidence(f"withdrawn {history.plan.version}", {"withdrawn": True})
    return None


def find_expired_plan(history: FollowUpHistory, _limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find a plan whose last day is over."""
    plan = history.plan
    if plan is None or plan.withdrawn or plan.valid_until is None or plan.valid_until >= history.today:
        return None
    return RuleEvidence(f"plan {plan.version}", {"until": plan.valid_until.isoformat()})


def find_ending_plan(history: FollowUpHistory, limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find a plan that ends within days."""
    plan = history.plan
    if plan is None or plan.withdrawn or plan.valid_until is None or not history.holds:
        return None
    left = (plan.valid_until - history.today).days
    if left > limits.plan_ends_days:
        return None
    course = history.course
    facts = {"days": left, "until": plan.valid_until.isoformat(), "done": course.done if course else None}
    return RuleEvidence(f"plan {plan.version}", {**facts, "of": course.of if course else None})


def find_refused_plan(history: FollowUpHistory, _limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find a plan in force that a machine does not use."""
    if not history.holds or history.plan is None or not history.refusing_machines:
        return None
    machines = sorted(history.refusing_machines)
    return RuleEvidence(f"plan {history.plan.version} {' '.join(machines)}", {"machines": machines})


def find_absence(history: FollowUpHistory, limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find whole days without a session: in a running course, or without a course after the last session."""
    course = history.course
    if course is not None and not history.course_runs:
        return None
    if course is None and history.last_on is None:
        return None
    before_course = course.begins_on - timedelta(days=1) if course else None
    since = max(one for one in (history.last_on, before_course) if one is not None)
    away = (history.today - since).days - 1
    if away < limits.away_days:
        return None
    newest = next(iter(history.sessions), None)
    facts = {
        "days": away,
        "last": history.last_on.isoformat() if history.last_on else None,
        "done": course.done if course else None,
        "due": course.due if course else None,
        "early": newest is not None and not newest.completed,
    }
    return RuleEvidence(f"{since.isoformat()} {away // LOOKED_BACK_DAYS}", facts)


def find_missed(history: FollowUpHistory, limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find a missed appointment of late: the newest without an excuse, or several in a row whatever the reasons."""
    newest = next(iter(history.missed), None)
    if newest is None or (history.today - newest.on).days > LOOKED_BACK_DAYS:
        return None
    if newest.absence not in UNEXCUSED and len(history.missed) < limits.missed_times:
        return None
    facts = {"on": newest.on.isoformat(), "absence": newest.absence, "times": len(history.missed)}
    return RuleEvidence(f"appointment {newest.key} {newest.absence}", facts)


def find_return(history: FollowUpHistory, limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find the first session after a break, within the last week."""
    if len(history.sessions) < 2:  # noqa: PLR2004 - a return has a session before the break
        return None
    newest = history.sessions[0]
    before = next((one.on for one in history.sessions[1:] if one.on < newest.on), None)
    if before is None or (history.today - newest.on).days > limits.away_days:
        return None
    days = (newest.on - before).days - 1
    if days < limits.away_days:
        return None
    week = history.course.back_to_week if history.course else None
    found = _of_session(newest)
    return RuleEvidence(found.mark, {**found.facts, "days": days, "week": week})


def find_low_attendance(history: FollowUpHistory, limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find a running course of which too little was trained."""
    course = history.course
    if course is None or not history.course_runs or course.fraction is None:
        return None
    if course.due < limits.attendance_from or course.fraction * 100 >= limits.attendance_percent:
        return None
    facts = {"done": min(course.done, course.due), "due": course.due, "fraction": course.fraction}
    return RuleEvidence(f"course {course.key} {course.due // limits.attendance_from}", facts)


def find_ending_course(history: FollowUpHistory, limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find a course in its last days, trained whole, or just over; entry and exit are compared."""
    course = history.course
    if course is None or course.ended or not history.sessions:
        return None
    left = (course.ends_on - history.today).days
    if course.done < course.of and not -LOOKED_BACK_DAYS <= left < limits.course_ends_days:
        return None
    if course.done >= course.of and left < -LOOKED_BACK_DAYS:
        return None
    last = next(iter(_trained(history)), None)
    facts: dict[str, Any] = {"done": course.done, "of": course.of, "days": left}
    for name, one in (("entry", history.first_session), ("exit", last)):
        if one is not None and one.third_minute_bpm is not None and one.speed_kmh is not None:
            facts[name] = [one.speed_kmh, one.incline_percent or 0.0, one.third_minute_bpm]
    return RuleEvidence(f"course {course.key}", facts)


def find_ended_clearance(history: FollowUpHistory, _limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find a yes to chest pain or fainting that ended the clearance."""
    found = history.clearance
    if found is None or found.state != "renewal" or found.asked_at is None:
        return None
    return RuleEvidence(f"{found.key} {found.asked_at.isoformat()}", {"at": found.asked_at.isoformat()})


def find_asked_clearance(history: FollowUpHistory, _limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find another yes since the clearance, which a therapist weighs against it."""
    found = history.clearance
    if found is None or found.state == "renewal" or found.asked_at is None:
        return None
    return RuleEvidence(f"{found.key} {found.asked_at.isoformat()}", {"at": found.asked_at.isoformat()})


def find_no_clearance(history: FollowUpHistory, _limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find a plan in force that the clearance, or its absence, keeps machines from beginning."""
    found = history.clearance
    if found is None or history.plan is None or not history.holds or not history.plan.needs_clearance:
        return None
    if found.state in ("cleared", "grace", "renewal"):
        return None
    return RuleEvidence(f"{found.state} {found.key} {history.plan.version}", {"state": found.state})


def find_ending_clearance(history: FollowUpHistory, limits: FollowUpThresholds) -> RuleEvidence | None:
    """Find a clearance, or a grace without one, that ends within days while the plan needs it."""
    found = history.clearance
    if found is None or history.plan is None or not history.holds or not history.plan.needs_clearance:
        return None
    left = (found.last_day - history.today).days
    if found.state == "grace" or (found.state == "cleared" and left <= limits.clearance_ends_days):
        facts = {"state": found.state, "days": left, "until": found.last_day.isoformat()}
        return RuleEvidence(f"{found.state} {found.key} {found.last_day.isoformat()}", facts)
    return None


RULES: tuple[FollowUpRule, ...] = (
    FollowUpRule(
        code="unwell", weight=100, step="plan", find=find_unwell, covers=("not_ready", "said_no", "ended_clearance")
    ),
    FollowUpRule(code="ended_clearance", weight=98, step="clearance", find=find_ended_clearance),
    FollowUpRule(code="said_no", weight=96, step="session", find=find_said_no),
    FollowUpRule(code="no_answer", weight=94, step="session", find=find_no_answer),
    FollowUpRule(code="over_ceiling", weight=90, step="session", find=find_over_ceiling),
    FollowUpRule(code="not_ready", weight=86, step="plan", find=find_not_ready, covers=("asked_clearance",)),
    FollowUpRule(code="no_clearance", weight=85, step="clearance", find=find_no_clearance),
    FollowUpRule(code="never_in_zone", weight=80, step="plan", find=find_never_in_zone, covers=("hard_under_zone",)),
    FollowUpRule(code="wrong_hr_max", weight=78, step="plan", find=find_wrong_hr_max),
    FollowUpRule(code="hard_under_zone", weight=75, step="session", find=find_hard_under_zone),
    FollowUpRule(code="no_plan", weight=70, step="change_plan", find=find_no_plan),
    FollowUpRule(code="expired_plan", weight=68, step="change_plan", find=find_expired_plan),
    FollowUpRule(code="ending_clearance", weight=67, step="clearance", find=find_ending_clearance),
    FollowUpRule(code="asked_clearance", weight=66, step="clearance", find=find_asked_clearance),
    FollowUpRule(code="stopped_early", weight=65, step="session", find=find_stopped_early),
    FollowUpRule(code="missed", weight=62, step="note", find=find_missed, covers=("absence", "low_attendance")),
    FollowUpRule(code="absence", weight=60, step="note", find=find_absence, covers=("low_attendance",)),
    FollowUpRule(code="refused_plan", weight=58, step="plan", find=find_refused_plan),
    FollowUpRule(code="bad_strap", weight=55, step="session", find=find_bad_strap),
    FollowUpRule(code="low_attendance", weight=50, step="course", find=find_low_attendance),
    FollowUpRule(code="return", weight=48, step="course", find=find_return),
    FollowUpRule(code="easy_in_zone", weight=45, step="plan", find=find_easy_in_zone),
    FollowUpRule(code="ending_plan", weight=40, step="change_plan", find=find_ending_plan),
    FollowUpRule(code="ending_course", weight=35, step="course", find=find_ending_course),
)
"""The heaviest first."""

UNASSIGNED = FollowUpRule(code="unassigned", weight=47, step="unassigned", find=lambda _history, _limits: None)
"""Of a clinic, not of a participant: `server.follow_up.checking` counts the sessions."""

BY_CODE = {one.code: one for one in (*RULES, UNASSIGNED)}


def find_all(history: FollowUpHistory, limits: FollowUpThresholds) -> dict[str, RuleEvidence]:
    """Return the evidence of each rule that holds, without what a heavier rule covers."""
    found = {one.code: evidence for one in RULES if (evidence := one.find(history, limits)) is not None}
    covered = {code for one in RULES if one.code in found for code in one.covers}
    return {code: evidence for code, evidence in found.items() if code not in covered}
