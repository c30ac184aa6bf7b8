"""What the follow-up list says of a reason: a title, the evidence in one line, and the next step."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from server.appointments.words import ABSENCES
from server.diary.formatting import clock, day, number, percent
from server.live.words import called

Facts = Mapping[str, Any]
VERY_HARD_BORG = 18


def title_of(rule: str, facts: Facts) -> str:
    """Return the reason in a few words; the code of a rule that a newer version wrote."""
    made = _TITLES.get(rule)
    return rule if made is None else made(facts)


def line_of(rule: str, facts: Facts) -> str:
    """Return the evidence in one line."""
    made = _LINES.get(rule)
    return "" if made is None else made(facts)


def step_of(rule: str, facts: Facts) -> str:
    """Return what the button of the next step says."""
    if "suggested" in facts or rule == "wrong_hr_max":
        return _("See the proposal")
    match rule:
        case "unwell" | "not_ready" | "refused_plan" | "easy_in_zone" | "never_in_zone":
            return _("Open the plan")
        case "no_plan":
            return _("Make the plan")
        case "expired_plan" | "ending_plan":
            return _("Renew the plan")
        case "ended_clearance" | "no_clearance" | "ending_clearance" | "asked_clearance":
            return _("Open the clearance")
        case "absence" | "missed":
            return _("Call and note")
        case "low_attendance" | "return" | "ending_course":
            return _("Open the course")
        case "unassigned":
            return _("Assign them")
        case _:
            return _("See the session")


def _on(facts: Facts, name: str = "on") -> str:
    return day(date.fromisoformat(facts[name]))


def _sentence(*parts: str) -> str:
    return " ".join(one for one in parts if one)


def _intervals(facts: Facts) -> str:
    if not facts.get("of"):
        return ""
    return _("%(done)s of %(of)s intervals.") % {"done": facts["done"], "of": facts["of"]}


def _rate(facts: Facts) -> str:
    """Return «151 (75 %)», or the rate alone."""
    bpm, fraction = facts.get("bpm"), facts.get("fraction")
    return number(bpm) if fraction is None else f"{number(bpm)} ({percent(fraction)})"


def _suggestion(facts: Facts) -> str:
    if "suggested" not in facts:
        return ""
    told = {"low": number(facts["low"]), "high": number(facts["high"]), "plan": number(facts["hr_max"])}
    return _("HRmax is probably %(low)s–%(high)s, not %(plan)s.") % told


def _never_title(facts: Facts) -> str:
    if (facts.get("high_borg") or 0) >= VERY_HARD_BORG:
        return _("Never reaches the target zone, and finds it very hard")
    return _("Never reaches the target zone")


def _never_line(facts: Facts) -> str:
    told = {"sessions": facts["sessions"]}
    words = [
        ngettext(
            "%(sessions)s session without time in the zone.",
            "%(sessions)s sessions in a row without time in the zone.",
            facts["sessions"],
        )
        % told
    ]
    low, high = facts.get("low_borg"), facts.get("high_borg")
    if high is not None:
        words.append(f"Borg {low}–{high}." if low != high else f"Borg {high}.")
    if facts.get("bpm") is not None:
        words.append(_("Heart rate in minute 3: %(rate)s at most.") % {"rate": _rate(facts)})
    return _sentence(*words, _suggestion(facts))


def _hr_max_title(facts: Facts) -> str:
    if facts["code"] == "hr_max_seems_lower":
        return _("HRmax in the plan seems too high")
    return _("HRmax in the plan seems too low")


def _hr_max_line(facts: Facts) -> str:
    return _suggestion(facts) or _("The last session contradicts the %(bpm)s of the plan.") % {
        "bpm": number(facts["hr_max"])
    }


def _unwell_line(facts: Facts) -> str:
    if "at" not in facts:
        return _("Said so on %(day)s, when the session was stopped.") % {"day": _on(facts)}
    return _sentence(_answered(facts), _("The machine is closed for a day, or until you open training again."))


def _answered(facts: Facts) -> str:
    at = timezone.localtime(datetime.fromisoformat(facts["at"]))
    told = {"day": day(at.date()), "time": date_format(at, "TIME_FORMAT"), "machine": called(facts["machine"])}
    return _("%(day)s at %(time)s, %(machine)s.") % told


def _session_line(facts: Facts) -> str:
    return _sentence(_("Session of %(day)s.") % {"day": _on(facts)}, _intervals(facts))


def _ceiling_line(facts: Facts) -> str:
    words = _("Session of %(day)s.") % {"day": _on(facts)}
    if facts.get("peak") and facts.get("ceiling"):
        told = {"peak": number(facts["peak"]), "ceiling": number(facts["ceiling"])}
        return _sentence(words, _("%(peak)s beats/min at most; the ceiling is %(ceiling)s.") % told)
    return words


def _felt_line(facts: Facts) -> str:
    words = _("Borg %(borg)s at %(rate)s in minute 3.") % {"borg": facts["borg"], "rate": _rate(facts)}
    return _sentence(words, _("%(time)s in the zone.") % {"time": clock(facts["zone_s"])})


def _stopped_line(facts: Facts) -> str:
    words = _("Last on %(day)s.") % {"day": _on(facts)}
    borg = _("Borg %(borg)s.") % {"borg": facts["borg"]} if facts.get("borg") else ""
    return _sentence(words, _intervals(facts), borg)


def _strap_line(facts: Facts) -> str:
    low, high = percent(facts["low"]), percent(facts["high"])
    shares = low if low == high else f"{low} – {high}"
    return _("A sure heart rate %(shares)s of the time. Try another strap, and wet it well.") % {"shares": shares}


def _no_plan_title(facts: Facts) -> str:
    return _("The plan was withdrawn") if facts.get("withdrawn") else _("No plan")


def _no_plan_line(facts: Facts) -> str:
    if facts.get("withdrawn"):
        return _("No machine lets this participant begin.")
    return _("Registered on %(day)s. No machine knows this participant yet.") % {"day": _on(facts, "since")}


def _ends_title(facts: Facts) -> str:
    left = facts["days"]
    if left == 0:
        return _("The plan ends today")
    return ngettext("The plan ends in %(days)s day", "The plan ends in %(days)s days", left) % {"days": left}


def _ends_line(facts: Facts) -> str:
    words = _("Its last day is %(day)s.") % {"day": _on(facts, "until")}
    if facts.get("done") is None:
        return words
    return _sentence(
        words,
        ngettext("%(done)s of %(of)s session of the course.", "%(done)s of %(of)s sessions of the course.", facts["of"])
        % {"done": facts["done"], "of": facts["of"]},
    )


def _absence_title(facts: Facts) -> str:
    days = facts["days"]
    return ngettext("No session for %(days)s day", "No session for %(days)s days", days) % {"days": days}


def _absence_line(facts: Facts) -> str:
    words = []
    if facts.get("last"):
        words.append(_("Last trained on %(day)s.") % {"day": _on(facts, "last")})
    else:
        words.append(_("Has not trained yet."))
    if facts.get("due"):
        told = {"done": min(facts["done"], facts["due"]), "due": facts["due"]}
        words.append(
            ngettext("Came to %(done)s of %(due)s session.", "Came to %(done)s of %(due)s sessions.", facts["due"])
            % told
        )
    if facts.get("early"):
        words.append(_("The last session was stopped early."))
    return _sentence(*words)


def _missed_title(facts: Facts) -> str:
    times = facts["times"]
    words = ngettext("Missed %(times)s appointment", "Missed %(times)s appointments in a row", times)
    return words % {"times": times}


def _missed_line(facts: Facts) -> str:
    words = _("Last on %(day)s.") % {"day": _on(facts)}
    if not facts.get("absence"):
        return _sentence(words, _("No one has written why."))
    reason = str(ABSENCES.get(facts["absence"], facts["absence"]))
    return _sentence(words, f"{reason[:1].upper()}{reason[1:]}.")


def _attendance_line(facts: Facts) -> str:
    told = {"done": facts["done"], "due": facts["due"], "share": percent(facts["fraction"])}
    return (
        ngettext(
            "%(done)s of %(due)s session so far (%(share)s).",
            "%(done)s of %(due)s sessions so far (%(share)s).",
            facts["due"],
        )
        % told
    )


def _return_line(facts: Facts) -> str:
    words = _("Trained again on %(day)s after %(days)s days.") % {"day": _on(facts), "days": facts["days"]}
    week = facts.get("week")
    return words if week is None else _sentence(words, _("Go on with week %(week)s.") % {"week": week})


def _course_title(facts: Facts) -> str:
    if facts["days"] < 0 or facts["done"] >= facts["of"]:
        return _("The course is over: compare entry and exit")
    return _("The course ends: compare entry and exit")


def _course_line(facts: Facts) -> str:
    told = {"done": facts["done"], "of": facts["of"]}
    words = ngettext("%(done)s of %(of)s session.", "%(done)s of %(of)s sessions.", facts["of"]) % told
    if "entry" not in facts or "exit" not in facts:
        return words
    told = {"entry": _load(facts["entry"]), "exit": _load(facts["exit"])}
    return _sentence(words, _("Entry: %(entry)s. Now: %(exit)s.") % told)


def _load(values: list[float]) -> str:
    speed, incline, bpm = values
    told = {"speed": number(speed, 1), "incline": percent(incline / 100), "bpm": number(bpm)}
    return _("%(speed)s km/h, %(incline)s incline, heart rate %(bpm)s") % told


def _refused_line(facts: Facts) -> str:
    machines = ", ".join(called(one) for one in facts["machines"])
    return _("%(machines)s refuses the newest version and uses the one before.") % {"machines": machines}


def _unassigned_title(facts: Facts) -> str:
    count = facts["sessions"]
    words = ngettext("%(count)s session without a participant", "%(count)s sessions without a participant", count)
    return words % {"count": count}


def _no_clearance_title(facts: Facts) -> str:
    if facts["state"] == "expired":
        return _("The clearance has expired")
    if facts["state"] == "moderate":
        return _("The plan is harder than the clearance")
    return _("No clearance for the plan")


def _ending_clearance_title(facts: Facts) -> str:
    if facts["state"] == "grace":
        return _("Trains hard without a recorded clearance")
    days = facts["days"]
    words = ngettext("The clearance ends in %(days)s day", "The clearance ends in %(days)s days", days) % {"days": days}
    return _("The clearance ends today") if days == 0 else words


def _ending_clearance_line(facts: Facts) -> str:
    told = {"day": _on(facts, "until")}
    if facts["state"] == "grace":
        return _("Record a clearance by %(day)s; after that the machines begin no session of this plan.") % told
    return _("Its last day is %(day)s; after that the machines begin no session of this plan.") % told


def _asked_at(facts: Facts) -> str:
    at = timezone.localtime(datetime.fromisoformat(facts["at"]))
    return _("Answered on %(day)s at %(time)s.") % {"day": day(at.date()), "time": date_format(at, "TIME_FORMAT")}


_TITLES: dict[str, Callable[[Facts], str]] = {
    "unwell": lambda _facts: _("Said yes to chest pain or fainting"),
    "said_no": lambda _facts: _('Answered no to "Are you all right?"'),
    "no_answer": lambda _facts: _('Did not answer "Are you all right?"'),
    "over_ceiling": lambda _facts: _("Over the heart-rate ceiling in the last session"),
    "not_ready": lambda _facts: _("Answered yes to a question before the start"),
    "never_in_zone": _never_title,
    "wrong_hr_max": _hr_max_title,
    "hard_under_zone": lambda _facts: _("Very hard, yet under the zone"),
    "no_plan": _no_plan_title,
    "expired_plan": lambda _facts: _("The plan has expired"),
    "ended_clearance": lambda _facts: _("The clearance must be renewed after a yes"),
    "no_clearance": _no_clearance_title,
    "ending_clearance": _ending_clearance_title,
    "asked_clearance": lambda _facts: _("Look at the clearance again after a yes"),
    "stopped_early": lambda facts: (
        ngettext(
            "Stopped early in %(count)s session", "Stopped early in %(count)s sessions in a row", facts["sessions"]
        )
        % {"count": facts["sessions"]}
    ),
    "absence": _absence_title,
    "missed": _missed_title,
    "refused_plan": lambda _facts: _("The plan is not used on every machine"),
    "bad_strap": lambda facts: (
        ngettext(
            "Bad signal from the strap in %(count)s session",
            "Bad signal from the strap in %(count)s sessions in a row",
            facts["sessions"],
        )
        % {"count": facts["sessions"]}
    ),
    "low_attendance": lambda _facts: _("Low attendance"),
    "return": lambda _facts: _("Back after a break"),
    "easy_in_zone": lambda _facts: _("Easy, although in the zone"),
    "ending_plan": _ends_title,
    "ending_course": _course_title,
    "unassigned": _unassigned_title,
}
_LINES: dict[str, Callable[[Facts], str]] = {
    "unwell": _unwell_line,
    "said_no": _session_line,
    "no_answer": _session_line,
    "over_ceiling": _ceiling_line,
    "not_ready": _answered,
    "never_in_zone": _never_line,
    "wrong_hr_max": _hr_max_line,
    "hard_under_zone": _felt_line,
    "no_plan": _no_plan_line,
    "ended_clearance": lambda facts: _sentence(
        _asked_at(facts), _("The machines begin no session beyond moderate effort until it is renewed.")
    ),
    "no_clearance": lambda _facts: _("The machines begin no session of this plan."),
    "ending_clearance": _ending_clearance_line,
    "asked_clearance": lambda facts: _sentence(
        _asked_at(facts), _("Renew the clearance, or write why it still holds.")
    ),
    "expired_plan": lambda facts: (
        _("Its last day was %(day)s. No machine lets this participant begin.") % {"day": _on(facts, "until")}
    ),
    "stopped_early": _stopped_line,
    "absence": _absence_line,
    "missed": _missed_line,
    "refused_plan": _refused_line,
    "bad_strap": _strap_line,
    "low_attendance": _attendance_line,
    "return": _return_line,
    "easy_in_zone": _felt_line,
    "ending_plan": _ends_line,
    "ending_course": _course_line,
    "unassigned": lambda facts: _("The newest is of %(day)s. No one's course counts them yet.") % {"day": _on(facts)},
}
