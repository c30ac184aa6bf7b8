"""Pure views of a session's state: the snapshot of one moment, and the profile of the whole session."""

from coach.model.protocol import Phase, Zone
from coach.model.snapshot import Bout, Profile, ProfilePhase, Snapshot, ZoneNow
from coach.session.engine import skip_refusal
from coach.session.limits import advice_now, limits_now
from coach.session.state import SessionState


def snapshot(state: SessionState) -> Snapshot:
    """Everything that a display needs now."""
    source, plan = state.source, state.plan
    begun = state.started_t is not None
    now = state.stage in ("running", "paused")
    phase = state.phase
    bpm = source.shown_bpm
    zone = _zone_now(state) if now or not begun else ZoneNow()
    elapsed_s = _elapsed_s(state) if now else 0.0
    return Snapshot(
        t=state.t,
        stage=state.stage,
        phase=phase.kind.value if now else "ended" if state.stage == "ended" else "waiting",
        phase_index=len(state.ran),
        interval=phase.interval if now else 0,
        intervals=state.intervals,
        phase_elapsed_s=elapsed_s,
        phase_remaining_s=state.length_s - elapsed_s if now else 0.0,
        phase_length_s=state.length_s if now else 0,
        session_elapsed_s=state.training_before_s + elapsed_s if now else float(state.tally.training_s),
        bpm=bpm,
        fraction=round(bpm / plan.hr_max_bpm, 4) if bpm is not None and plan.hr_max_bpm else None,
        zone=zone,
        position=state.place.position if now or not begun else "unknown",
        trend=state.place.trend,
        signal=source.signal,
        signal_reason=source.reason,
        signal_age_s=None if source.at_t is None else round(state.t - source.at_t, 3),
        advice=advice_now(state),
        limits=limits_now(state),
        notices=state.notices,
        mode="exertion" if state.by_exertion else "heart_rate",
        speed_kmh=state.speed_kmh,
        incline_percent=state.incline_percent,
        question=None if state.question is None else state.question.reason,
        asks_speed_kmh=state.belt.question_kmh if state.stage == "running" else None,
        bout=_bout(state, elapsed_s) if now else None,
        text=phase.texts if now else {},
        prediction=state.outlook.prediction if state.stage == "running" else None,
        can_skip_warm_up=skip_refusal(state) is None,
        cool_down_offered=state.cool_down_offered,
        stop_can_be_taken_back=state.before_stop is not None,
        advised_t=state.advice_t,
        summary=state.summary,
    )


def profile(state: SessionState) -> Profile:
    """Return the whole session's phases, run and to come, on the axis of training seconds, and the rate so far."""
    phases = [_block(state, run.phase, run.start_s, run.end_s) for run in state.ran]
    if state.stage in ("running", "paused"):
        start_s = state.training_before_s
        for place, phase in enumerate(state.program[state.index :]):
            end_s = start_s + (state.length_s if place == 0 else phase.length_s)
            phases.append(_block(state, phase, start_s, end_s))
            start_s = end_s
    elif state.started_t is None:
        start_s = 0
        for phase in state.program:
            phases.append(_block(state, phase, start_s, start_s + phase.length_s))
            start_s += phase.length_s
    return Profile(tuple(phases), state.trace, state.plan.hr_max_bpm, state.plan.effective_ceiling_bpm)


def _elapsed_s(state: SessionState) -> float:
    until_t = state.t if state.paused_t is None else state.paused_t
    return min(max(until_t - state.anchor_t, 0.0), float(state.length_s))


def _block(state: SessionState, phase: Phase, start_s: int, end_s: int) -> ProfilePhase:
    low_bpm, high_bpm = _bounds(state, phase.zone)
    return ProfilePhase(phase.kind, phase.interval, float(start_s), float(end_s), low_bpm, high_bpm)


def _bounds(state: SessionState, zone: Zone | None) -> tuple[float | None, float | None]:
    return state.bounds_bpm(zone) or (None, None)


def _zone_now(state: SessionState) -> ZoneNow:
    phase = state.phase
    low_bpm, high_bpm = _bounds(state, phase.zone)
    borg = phase.borg
    return ZoneNow(low_bpm, high_bpm, borg.low if borg else None, borg.high if borg else None)


def _bout(state: SessionState, elapsed_s: float) -> Bout | None:
    pattern = state.phase.pattern
    if pattern is None:
        return None
    whole_s = pattern.work_s + pattern.rest_s
    number, within_s = divmod(elapsed_s, whole_s)
    working = within_s < pattern.work_s
    left_s = (pattern.work_s if working else whole_s) - within_s
    total = -(-state.length_s // whole_s)
    return Bout(working, min(int(number) + 1, total), total, left_s)
