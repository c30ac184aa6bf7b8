"""Sessions for tests and benchmarks: a whole 4×4 made by rule, with a silent strap, a pause and doubtful seconds."""

from math import exp

from coach.model.events import (
    Advice,
    AdviceGiven,
    AnyEvent,
    Direction,
    PhaseEnded,
    PhaseStarted,
    SessionEnded,
    SessionPaused,
    SessionResumed,
    SessionStarted,
    Signal,
    SignalChanged,
    TreadmillChanged,
)
from coach.model.messages import AnyMessage, CommandName, HeartRate, SessionCommand
from coach.model.plan import Load, Plan
from coach.model.protocol import Phase, PhaseKind, Protocol, Zone
from coach.model.summary import IntervalSummary, SignalSeconds, Summary
from firmware.journal.record import SessionRecord, StampAt
from firmware.system.timestamps import Timestamp

BEGUN = Timestamp("0b1c", 100.0, 1_795_330_000.0, synchronised=True)
SESSION_ID = "01a201a2-20b4-7dc4-b145-77fdcea40af6"
HR_MAX_BPM = 185.0


def plan() -> Plan:
    return Plan(
        participant="p1",
        hr_max_bpm=HR_MAX_BPM,
        hr_max_source="measured",
        age=35,
        ceiling_bpm=180.0,
        start=Load(5.5, 5.0),
        session_number=7,
    )


def protocol() -> Protocol:
    phases = [Phase(PhaseKind.WARM_UP, 600, Zone(0.5, 0.7))]
    for interval in (1, 2, 3, 4):
        phases.append(Phase(PhaseKind.INTERVAL, 240, Zone(0.85, 0.95), interval=interval))
        if interval < 4:
            phases.append(Phase(PhaseKind.RECOVERY, 180, Zone(0.6, 0.7)))
    phases.append(Phase(PhaseKind.COOL_DOWN, 300, Zone(0.5, 0.65)))
    return Protocol("4x4", {"nb": "4×4", "en": "4×4"}, tuple(phases))


def events() -> tuple[AnyEvent, ...]:
    """What came out: phases one after the other, a minute's pause in the first recovery, a strap silent for 40 s."""
    made: list[AnyEvent] = [SessionStarted(0.0), TreadmillChanged(0.0, 4.5, 0.0)]
    at_s = 0.0
    for index, phase in enumerate(protocol().phases):
        made.append(PhaseStarted(at_s, index, phase.kind, phase.interval, phase.length_s))
        if phase.kind is PhaseKind.INTERVAL:
            made.append(TreadmillChanged(at_s, 6.4, 5.0))
            made.append(AdviceGiven(at_s + 150, Advice(Direction.HOLD, reason="in_zone")))
        if index == 2:
            made += [SessionPaused(at_s + 60, "asked"), SessionResumed(at_s + 120, 60.0)]
            at_s += 60
        at_s += phase.length_s
        made.append(PhaseEnded(at_s, index, phase.kind, phase.interval, float(phase.length_s), "done"))
    made.append(SessionEnded(at_s, "done", completed=True))
    made += [
        SignalChanged(1.0, Signal.LIVE, Signal.LOST, "fresh"),
        SignalChanged(1505.0, Signal.STALE, Signal.LIVE, "silent"),
        SignalChanged(1520.0, Signal.LOST, Signal.STALE, "silent"),
        SignalChanged(1540.0, Signal.WEAK, Signal.LOST, "gap"),
        SignalChanged(1560.0, Signal.LIVE, Signal.WEAK, "fresh"),
    ]
    return tuple(sorted(made, key=lambda event: event.t))


def messages() -> tuple[AnyMessage, ...]:
    """What went in: start, and a rate each second that follows the zones with a heart's lag."""
    made: list[AnyMessage] = [SessionCommand(0.0, CommandName.START)]
    starts = [event for event in events() if isinstance(event, PhaseStarted)]
    bpm = 82.0
    for second in range(1, int(events()[-1].t) + 1):
        running = [event for event in starts if event.t <= second][-1]
        goal = {PhaseKind.WARM_UP: 126.0, PhaseKind.INTERVAL: 160.0 + 2.5 * running.interval}.get(running.kind, 112.0)
        bpm += (goal - bpm) * (1 - exp(-1 / (42 if goal > bpm else 60)))
        if not 1500 <= second < 1540:
            beat_ms = 60000 / bpm
            made.append(HeartRate(float(second), float(round(bpm)), (beat_ms, beat_ms + 3.90625), contact=True))
    return tuple(made)


def third_minute_bpm(start_s: float) -> float | None:
    rates = [m.bpm for m in messages() if isinstance(m, HeartRate) and start_s + 120 <= m.t < start_s + 180]
    return sum(rates) / len(rates) if len(rates) > 30 else None


def summary() -> Summary:
    intervals = []
    for event in events():
        if isinstance(event, PhaseStarted) and event.kind is PhaseKind.INTERVAL:
            third = third_minute_bpm(event.t)
            intervals.append(
                IntervalSummary(
                    index=event.interval,
                    start_s=event.t,
                    end_s=event.t + 240,
                    completed=True,
                    third_minute_bpm=third,
                    third_minute_fraction=None if third is None else third / HR_MAX_BPM,
                    time_to_zone_s=95.0,
                    time_in_zone_s=145.0,
                    above_zone_s=0.0,
                    peak_bpm=168.0,
                    end_bpm=168.0,
                    recovery_fall_60s_bpm=24.0,
                    speed_kmh=6.4,
                    incline_percent=5.0,
                    borg=None,
                )
            )
    return Summary(
        protocol="4x4",
        participant="p1",
        completed=True,
        end_reason="done",
        duration_s=2460.0,
        training_s=2400.0,
        completed_intervals=4,
        planned_intervals=4,
        time_in_zone_s=580.0,
        above_95_s=0.0,
        peak_bpm=169.0,
        mean_bpm=136.0,
        load=112.0,
        hr_max_bpm=HR_MAX_BPM,
        borg=16,
        mood=4,
        intervals=tuple(intervals),
        signal=SignalSeconds(live_s=2345.0, weak_s=20.0, stale_s=15.0, lost_s=20.0),
        signal_quality_fraction=0.98,
        notices=(),
    )


def record() -> SessionRecord:
    return SessionRecord(
        session_id=SESSION_ID,
        revision=1,
        plan=plan(),
        protocol=protocol(),
        begun=BEGUN,
        stamps=(StampAt(0.0, BEGUN),),
        summary=summary(),
        messages=messages(),
        events=events(),
        sha256="0" * 64,
    )
