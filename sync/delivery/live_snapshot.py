"""What the machine shows now, made small for whoever watches the room."""

from coach.kiosk.view import DisplayState
from coach.model.snapshot import Snapshot
from sync.wire.messages import Clocks, Foretold, Live, LiveNotice
from sync.wire.sample_columns import advice_now


def to_live(
    view: DisplayState, at: Clocks, *, age_s: float, participant: str | None, session_id: str | None, number: int = 0
) -> Live:
    """Return the picture of this moment. The courier counts connection and number."""
    snapshot = view.snapshot
    if snapshot is None:
        return Live(number=number, connection=0, at=at, age_s=round(age_s, 1), face=view.face.value, saved=view.saved)
    return Live(
        number=number,
        connection=0,
        at=at,
        age_s=round(age_s, 1),
        face=view.face.value,
        participant=participant,
        session_id=session_id,
        saved=view.saved,
        t=round(snapshot.t, 1),
        stage=snapshot.stage,
        phase=snapshot.phase,
        interval=snapshot.interval,
        intervals=snapshot.intervals,
        phase_remaining_s=round(snapshot.phase_remaining_s, 1),
        phase_length_s=snapshot.phase_length_s,
        session_elapsed_s=round(snapshot.session_elapsed_s, 1),
        rate_bpm=snapshot.bpm,
        fraction=_rounded(snapshot.fraction, 3),
        low_bpm=_rounded(snapshot.zone.low_bpm, 1),
        high_bpm=_rounded(snapshot.zone.high_bpm, 1),
        position=snapshot.position,
        signal=snapshot.signal,
        signal_age_s=_rounded(snapshot.signal_age_s, 1),
        mode=snapshot.mode,
        speed_kmh=snapshot.speed_kmh,
        incline_percent=snapshot.incline_percent,
        advice=advice_now(snapshot.advice),
        prediction=_foretold(snapshot),
        limits=tuple(limit.name for limit in snapshot.limits),
        notices=tuple(LiveNotice(one.code, one.level, round(one.since_s, 1)) for one in snapshot.notices),
        question=snapshot.question,
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _foretold(snapshot: Snapshot) -> Foretold | None:
    told = snapshot.prediction
    if told is None:
        return None
    low, high = round(told.end_low_bpm, 1), round(told.end_high_bpm, 1)
    return Foretold(_rounded(told.third_minute_bpm, 1), round(told.end_bpm, 1), low, high)
