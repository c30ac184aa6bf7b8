"""What happened in a session, in plain words for whoever reads it afterwards."""

from collections.abc import Iterable
from typing import Literal, assert_never

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from msgspec import Struct

from coach.model.events import (
    Advice,
    AdviceGiven,
    AnyEvent,
    Direction,
    ExertionReported,
    Level,
    LimitsChanged,
    MoodReported,
    NoticeCleared,
    NoticeRaised,
    PhaseEnded,
    PhaseStarted,
    Predicted,
    QuestionAnswered,
    QuestionAsked,
    ReadinessAnswered,
    RecoveryExtended,
    SessionEnded,
    SessionPaused,
    SessionResumed,
    SessionStarted,
    Signal,
    SignalChanged,
    StrapBound,
    TargetAdjusted,
    TreadmillChanged,
)
from coach.model.protocol import PhaseKind
from server.diary.formatting import clock, number, percent

Weight = Literal["", "information", "attention", "stop_now"]
Text = str | Promise


class EventLine(Struct, frozen=True):
    """One line: when since the session began, what, and how grave (a notice's level; empty where it is none)."""

    t: float
    words: str
    weight: Weight = ""
    advice: bool = False

    @property
    def at(self) -> str:
        """The time as it is shown."""
        return clock(self.t)


PHASES: dict[PhaseKind, Text] = {
    PhaseKind.WARM_UP: gettext_lazy("Warm-up"),
    PhaseKind.INTERVAL: gettext_lazy("Interval"),
    PhaseKind.RECOVERY: gettext_lazy("Active recovery"),
    PhaseKind.STEADY: gettext_lazy("Steady training"),
    PhaseKind.MOTOR: gettext_lazy("Movement"),
    PhaseKind.COOL_DOWN: gettext_lazy("Cool-down"),
}
SIGNALS: dict[Signal, Text] = {
    Signal.LIVE: gettext_lazy("good contact"),
    Signal.WEAK: gettext_lazy("weak signal"),
    Signal.STALE: gettext_lazy("no heart rate for a few seconds"),
    Signal.LOST: gettext_lazy("no heart rate from the strap"),
    Signal.IMPLAUSIBLE: gettext_lazy("a heart rate that cannot be right"),
}
DIRECTIONS: dict[Direction, Text] = {
    Direction.FASTER: gettext_lazy("A little faster"),
    Direction.HOLD: gettext_lazy("Hold this speed"),
    Direction.SLOWER: gettext_lazy("A little slower"),
    Direction.NONE: gettext_lazy("Go by feeling"),
}
ADVICE_REASONS: dict[str, Text] = {
    "phase_start": gettext_lazy("the setting for this part"),
    "reminder": gettext_lazy("said once more: the setting was not taken"),
    "below_zone": gettext_lazy("the heart rate is heading below the zone"),
    "in_zone": gettext_lazy("the heart rate is in the zone"),
    "on_the_way": gettext_lazy("the heart rate is on its way to the zone"),
    "above_zone": gettext_lazy("the heart rate is heading above the zone"),
    "by_feeling": gettext_lazy("there is no zone to go by"),
    "over_ceiling": gettext_lazy("the heart rate is above the ceiling"),
    "no_urging": gettext_lazy("nothing that urges now"),
    "guidance_off": gettext_lazy("the guidance failed"),
    "eased": gettext_lazy("below the ceiling again"),
    "resumed": gettext_lazy("after the pause"),
}
PHASE_ENDS: dict[str, Text] = {
    "skipped": gettext_lazy("%(phase)s ended early, as the plan allows"),
    "over_ceiling": gettext_lazy("%(phase)s ended early: the heart rate stayed above the ceiling"),
    "signal_lost": gettext_lazy("%(phase)s ended early: no heart rate came from the strap"),
    "eased": gettext_lazy("%(phase)s became recovery on request"),
    "stopped": gettext_lazy("%(phase)s was stopped"),
}
NOTICES: dict[str, Text] = {
    "over_ceiling": gettext_lazy("The heart rate is above the personal ceiling"),
    "signal_stale": gettext_lazy("No heart rate for 5 s"),
    "signal_lost": gettext_lazy("No heart rate for 20 s"),
    "signal_implausible": gettext_lazy("The heart rate looks wrong"),
    "waiting_for_signal": gettext_lazy("The interval waits for a heart rate"),
    "eased_without_signal": gettext_lazy("Work became recovery, because no heart rate came"),
    "by_exertion": gettext_lazy("Work goes on by perceived exertion"),
    "speed_doubted": gettext_lazy("The treadmill's own speed is not believed"),
    "no_answer": gettext_lazy("No one answered «are you all right?» for 40 s"),
    "not_all_right": gettext_lazy("The participant said that they were not all right"),
    "guidance_off": gettext_lazy("The guidance failed: no advice for the rest of the session"),
    "unwell": gettext_lazy("Said yes to chest pain or fainting"),
    "not_ready": gettext_lazy("A question before the start was answered with yes"),
    "hr_max_seems_lower": gettext_lazy("HRmax seems lower than the plan says; the zone was moved down"),
    "hr_max_seems_higher": gettext_lazy("HRmax seems higher than the plan says; nothing was moved"),
}
LIMITS: dict[str, Text] = {
    "ceiling": gettext_lazy("a ceiling"),
    "cool_down_only": gettext_lazy("cool-down only"),
    "safer_zone": gettext_lazy("a lower zone"),
    "no_faster": gettext_lazy("nothing that urges"),
}
LIMIT_REASONS: dict[str, Text] = {
    "plan": pgettext_lazy("reason of a limit", "the plan"),
    "hr_max": pgettext_lazy("reason of a limit", "HRmax"),
    "over_ceiling_long": gettext_lazy("the heart rate was above the ceiling for a minute"),
    "over_ceiling_twice": gettext_lazy("the heart rate was above the ceiling for the second time"),
    "no_signal": gettext_lazy("no heart rate came"),
    "not_all_right": gettext_lazy("the participant was not all right"),
    "no_answer": gettext_lazy("no one answered the call"),
    "rate_high": gettext_lazy("the heart rate stayed near HRmax"),
    "over_ceiling": gettext_lazy("the heart rate stayed above the ceiling"),
    "question": gettext_lazy("a question was not answered"),
    "exertion": gettext_lazy("perceived exertion and heart rate disagree"),
    "rate_seen": gettext_lazy("a heart rate above HRmax was seen"),
}
ENDS: dict[str, Text] = {
    "done": gettext_lazy("Session completed"),
    "stopped": gettext_lazy("The session was stopped"),
    "pause_limit": gettext_lazy("The session ended after a long pause"),
    "no_answer": gettext_lazy("The session ended because no one answered"),
}
MOODS: dict[int, Text] = {
    1: pgettext_lazy("mood", "bad"),
    2: pgettext_lazy("mood", "rather bad"),
    3: pgettext_lazy("mood", "neither good nor bad"),
    4: pgettext_lazy("mood", "good"),
    5: pgettext_lazy("mood", "very good"),
}


def phase_title(kind: PhaseKind, interval: int = 0) -> str:
    """«Interval 2», «Active recovery»."""
    title = str(PHASES[kind])
    return f"{title} {interval}" if kind is PhaseKind.INTERVAL and interval else title


def advice_words(direction: Direction, reason: str, speed_kmh: float | None, incline_percent: float | None) -> str:
    """Return an advice, with the setting that was asked for and why."""
    words = [str(DIRECTIONS[direction])]
    if speed_kmh is not None:
        words.append(_("%(number)s km/h") % {"number": number(speed_kmh, 1)})
    if incline_percent is not None:
        words.append(percent(incline_percent / 100))
    why = ADVICE_REASONS.get(reason)
    return " · ".join(words) + (f" – {why}" if why else "")


def event_lines(events: Iterable[AnyEvent]) -> tuple[EventLine, ...]:
    """All that is worth a line, in order."""
    return tuple(line for event in events if (line := event_line(event)) is not None)


def event_line(event: AnyEvent) -> EventLine | None:
    """Return an event in words; None where the plots and tables tell it already."""
    match event:
        case NoticeRaised():
            place = f" ({event.detail})" if event.detail else ""
            return EventLine(event.t, f"{NOTICES.get(event.code, event.code)}{place}", _weight(event.level))
        case AdviceGiven():
            return EventLine(event.t, _advice(event.advice), advice=True)
        case PhaseEnded():
            words = PHASE_ENDS.get(event.reason)
            title = {"phase": phase_title(event.kind, event.interval)}
            return EventLine(event.t, str(words) % title) if words else None
        case SignalChanged():
            return _signal(event)
        case LimitsChanged():
            return _limits(event)
        case _:
            said = _describe_event(event)
            return EventLine(event.t, said) if said else None


def _describe_event(event: AnyEvent) -> str | None:
    match event:
        case StrapBound():
            return _("The participant confirmed the strap %(name)s") % {"name": event.name or event.key}
        case SessionStarted():
            return _("The session began")
        case SessionEnded():
            return str(ENDS.get(event.reason, event.reason))
        case ReadinessAnswered():
            return _("The questions before the start were answered: %(yes)s with yes") % {"yes": len(event.yes)}
        case RecoveryExtended():
            return _("The active recovery was made %(seconds)s s longer") % {"seconds": event.seconds}
        case TargetAdjusted():
            lowered = {"share": percent(event.lowered_fraction)}
            return _("The target zones were lowered by %(share)s of HRmax") % lowered
        case SessionPaused():
            return _("Paused on request") if event.reason == "asked" else _("Paused: the machine had been restarted")
        case SessionResumed():
            return _("Went on after %(time)s") % {"time": clock(event.paused_s)}
        case QuestionAsked():
            return _("«Are you all right?» was asked")
        case QuestionAnswered():
            return _answer_words(event) % {"seconds": number(event.after_s)}
        case ExertionReported():
            return _("Borg %(borg)s") % {"borg": event.borg}
        case MoodReported():
            return _("Mood %(mood)s of 5: %(words)s") % {"mood": event.mood, "words": MOODS.get(event.mood, "")}
        case (
            NoticeCleared()
            | PhaseStarted()
            | Predicted()
            | TreadmillChanged()
            | NoticeRaised()
            | AdviceGiven()
            | PhaseEnded()
            | SignalChanged()
            | LimitsChanged()
        ):
            return None
        case _:
            assert_never(event)


def _answer_words(event: QuestionAnswered) -> str:
    """Return who answered "are you all right?" and how, with a place for the seconds."""
    if not event.ok:
        return _("The answer was no, after %(seconds)s s")
    match event.by:
        case "participant":
            return _("The answer was yes, after %(seconds)s s")
        case "treadmill":
            return _("The treadmill was set to another speed, which counts as an answer, after %(seconds)s s")
        case "therapist":
            return _("Staff said that they were with the participant, after %(seconds)s s")
        case _:
            assert_never(event.by)


def _advice(advice: Advice) -> str:
    return advice_words(advice.direction, advice.reason, advice.speed_kmh, advice.incline_percent)


def _weight(level: Level) -> Weight:
    match level:
        case Level.INFORMATION:
            return "information"
        case Level.ATTENTION:
            return "attention"
        case Level.STOP_NOW:
            return "stop_now"
        case _:
            assert_never(level)


def _signal(event: SignalChanged) -> EventLine | None:
    """Say what the notices do not: that it came back. The strap's first rate is no news."""
    if event.signal is Signal.LIVE and event.was in (Signal.LOST, Signal.IMPLAUSIBLE, Signal.WEAK) and event.t > 10.0:  # noqa: PLR2004 - a strap that is put on
        return EventLine(event.t, _("The heart rate is back"))
    if event.signal in (Signal.LOST, Signal.IMPLAUSIBLE):
        return EventLine(event.t, _("Signal: %(words)s") % {"words": SIGNALS[event.signal]})
    return None


def _limits(event: LimitsChanged) -> EventLine | None:
    told = [
        f"{LIMITS.get(limit.name, limit.name)} ({', '.join(str(LIMIT_REASONS.get(one, one)) for one in limit.reasons)})"
        for limit in event.limits
        if limit.name not in ("ceiling", "no_faster")
    ]
    return EventLine(event.t, _("In force: %(limits)s") % {"limits": ", ".join(told)}) if told else None
