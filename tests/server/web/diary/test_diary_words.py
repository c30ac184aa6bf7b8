"""What happened in a session is told in plain words, all of it."""

import re
from datetime import date
from pathlib import Path

import pytest
from django.utils import translation

from coach.model.events import (
    Advice,
    AdviceGiven,
    AnyEvent,
    Direction,
    Level,
    Limit,
    LimitsChanged,
    NoticeRaised,
    PhaseEnded,
    QuestionAnswered,
    Signal,
    SignalChanged,
    TargetAdjusted,
)
from coach.model.protocol import PhaseKind, Zone
from server.diary.event_words import (
    ADVICE_REASONS,
    LIMIT_REASONS,
    LIMITS,
    NOTICES,
    EventLine,
    event_line,
    event_lines,
)
from server.diary.formatting import clock, days, number, percent
from server.diary.session_trace import Band, TracePhase, bands_of, pauses_of, phases_of
from tests.support.machine import session_factory

ENGINE = Path(__file__).parents[4] / "docs" / "engine.md"


def codes(heading: str) -> set[str]:
    """The codes in the first column of the table below a heading."""
    text = ENGINE.read_text(encoding="utf-8")
    part = text[text.index(f"\n## {heading}\n") + 4 :]
    rows = [line for line in part[: part.index("\n## ")].splitlines() if line.startswith("| `")]
    return {code for line in rows for code in re.findall(r"`(\w+)`", line.split("|")[1])}


def test_every_notice_limit_and_reason_for_advice_has_words() -> None:
    assert codes("Notices") - NOTICES.keys() == set()
    assert codes("Limits") - LIMITS.keys() == set()
    assert codes("Advice") - ADVICE_REASONS.keys() == {"none"}


def test_every_lasting_limits_reason_has_words() -> None:
    text = ENGINE.read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if re.match(r"\| `(cool_down_only|safer_zone)`", line)]
    reasons = {code for line in rows for code in re.findall(r"`(\w+)`", line.split("|")[2])}
    assert reasons - LIMIT_REASONS.keys() == set()


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (NoticeRaised(61.0, "no_answer", Level.STOP_NOW), EventLine(61.0, NOTICES["no_answer"], "stop_now")),
        (NoticeRaised(61.0, "new_code", Level.INFORMATION), EventLine(61.0, "new_code", "information")),
        (
            AdviceGiven(5.0, Advice(Direction.SLOWER, -0.5, 6.0, 5.0, "above_zone")),
            EventLine(5.0, "A little slower · 6.0 km/h · 5% – the heart rate is heading above the zone", advice=True),
        ),
        (
            PhaseEnded(9.0, 1, PhaseKind.INTERVAL, 2, 100.0, "over_ceiling"),
            EventLine(9.0, "Interval 2 ended early: the heart rate stayed above the ceiling"),
        ),
        (PhaseEnded(9.0, 1, PhaseKind.INTERVAL, 2, 240.0, "done"), None),
        (SignalChanged(1.0, Signal.LIVE, Signal.LOST, "fresh"), None),
        (SignalChanged(99.0, Signal.LIVE, Signal.LOST, "fresh"), EventLine(99.0, "The heart rate is back")),
        (TargetAdjusted(3.0, 0.05, "therapist"), EventLine(3.0, "The target zones were lowered by 5% of HRmax")),
        (QuestionAnswered(3.0, ok=False, after_s=4.2), EventLine(3.0, "The answer was no, after 4 s")),
        (LimitsChanged(3.0, (Limit("ceiling", ("plan",), 180.0),)), None),
        (
            LimitsChanged(3.0, (Limit("cool_down_only", ("no_signal",)),)),
            EventLine(3.0, "In force: cool-down only (no heart rate came)"),
        ),
    ],
)
def test_an_event_in_words(event: AnyEvent, line: EventLine | None) -> None:
    with translation.override("en"):
        said = event_line(event)
        assert said == (line and EventLine(line.t, str(line.words), line.weight, line.advice))


def test_a_whole_session_is_told_in_both_languages_in_order() -> None:
    for language in ("nb", "en"):
        with translation.override(language):
            lines = event_lines(session_factory.events())
        assert [line.t for line in lines] == sorted(line.t for line in lines)
        assert len(lines) > 5
        assert all(line.words for line in lines)


def test_numbers_are_written_as_the_language_does() -> None:
    with translation.override("nb"):
        assert (number(6.25, 1), percent(0.854), number(-0.04, 1), number(None)) == ("6,2", "85\u00a0%", "0,0", "–")
        assert number(-2) == "−2"
        assert [number(one) for one in (9999, 18032, 1_000_000.4)] == ["9999", "18\u00a0032", "1\u00a0000\u00a0000"]
    with translation.override("en"):
        assert (number(6.25, 1), percent(0.854), number(18032)) == ("6.2", "85%", "18,032")
    assert [clock(one) for one in (None, 0, 65, 3723)] == ["–", "0:00", "1:05", "1:02:03"]
    with translation.override("en"):
        day = date(2026, 3, 4)
        assert (days(day, day), days(day, None)) == ("4 Mar", "since 4 Mar")


def test_zones_are_drawn_as_they_held() -> None:
    phase = TracePhase(PhaseKind.INTERVAL, 1, 100.0, 340.0, Zone(0.85, 0.95))
    events = (TargetAdjusted(50.0, 0.05, "therapist"), TargetAdjusted(200.0, 0.0, "therapist"))
    assert list(bands_of(events, (phase,), 200.0)) == [
        Band(100.0, 200.0, 160.0, 180.0),
        Band(200.0, 340.0, 170.0, 190.0),
    ]


def test_phases_and_pauses_are_those_that_ran() -> None:
    events, length_s = session_factory.events(), session_factory.events()[-1].t
    phases = phases_of(events, session_factory.protocol(), session_factory.plan(), length_s)
    assert [phase.kind for phase in phases] == [phase.kind for phase in session_factory.protocol().phases]
    assert phases[1] == TracePhase(PhaseKind.INTERVAL, 1, 600.0, 840.0, Zone(0.85, 0.95))
    assert list(pauses_of(events, length_s)) == [(900.0, 960.0)]
