"""Whether the treadmill's own speed is believed: judged against the advice, the heart, and what it said before.

Some treadmills send 0 while the belt runs, miles in the field for kilometres, or a speed that never changes. A speed
that cannot be true is not used: what the participant confirmed stays in force, and the screen asks once whether the
speed that was asked for is what the treadmill shows. The answer holds for this treadmill from then on
(docs/strap.md, «The treadmill»).

One value that is the asked speed in miles may be miles, or a value that is stuck. It is not used while that is open.
Two values, each of them the speed asked for then in miles, are miles; a value that stays while another speed is asked
for is stuck; and a treadmill that has shown an asked speed in km/h for a while does not count in miles.
"""

from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from coach.model.events import SPEED_DOUBTED, Level
from coach.model.protocol import PhaseKind

if TYPE_CHECKING:
    from coach.session.state import SessionState
    from coach.session.transition import Transition

STANDS_BELOW_KMH = 0.3
"""No belt walks slower than this; a treadmill that rounds may say 0.1 of one that stands."""
KM_PER_MILE = 1.609344
MILES_OFF_KMH = 0.35
"""Half a step of 0.5 km/h, in which some people set a treadmill, and half of 0.1 mile/h, which is 0.16 km/h."""
LEAST_MILES_KMH = 1.0
DIFFERS_KMH, DIFFERS_FRACTION = 1.0, 0.2
"""From here on a speed is another one than that asked for: more than nobody sets by mistake."""
STANDS_AFTER_S, WORKS_AFTER_S, STOPPED_AFTER_S = 20.0, 45.0, 90.0
DIFFERS_AFTER_S, NEVER_CHANGED_AFTER_S = 30.0, 60.0
MATCHES_AFTER_S = 10.0
"""A belt takes some seconds to the speed that was asked for; a match that lasts is none by chance."""
AGREES_KMH, AGREES_AFTER_S = 0.3, 20.0
WORKS_FRACTION, WORKS_RISE_BPM = 0.65, 25.0
"""A heart that works: at this share of HRmax, or so much above the lowest rate of the session."""
RESTS_FALL_BPM = 12.0
"""A heart whose belt was stopped falls by more than this within 90 s (first-minute recovery is 12 bpm or more)."""
STUCK_CHANGES, STUCK_SWING_BPM = 3, 25.0
"""A heart that follows so many changes of the advice, while speed and incline are said to stand still."""
ASKS_FOR_S = 60.0

BeltDoubt = Literal["stands", "miles", "stuck"]
BeltVerdict = Literal["as_sent", "miles", "stuck", "ignored"]
"""What was found of this treadmill: right as sent, miles, stuck at one value now and then, or never right."""


class Belt(Struct, frozen=True, kw_only=True):
    """What the treadmill says, and whether it is believed.

    `told_kmh`: what it said last, unchanged since `since_t`; `varied`: it has said
    more than one speed; `stopped_bpm`: the rate when it last came to a stop.
    `confirmed_kmh`: what the participant said. `asked_kmh`: the speed asked for since `asked_t`; `differs_t`: since
    when the treadmill says another one.
    `changes`, `low_bpm`, `high_bpm`: changes of the asked speed and the heart's range since `since_t`.
    `question_kmh`: the speed that the screen asks about now. `factor`: from what it sends to km/h.
    `agrees_t`: since when it shows the asked speed; `counts_km`: it has done so for a while. `miles_kmh`: the values
    that were the asked speed in miles; `said_miles`: a person found the first of them right.
    """

    told_kmh: float | None = None
    since_t: float = 0.0
    varied: bool = False
    moved: bool = False
    stopped_bpm: float | None = None
    confirmed_kmh: float | None = None
    asked_kmh: float | None = None
    asked_t: float = 0.0
    differs_t: float | None = None
    changes: int = 0
    low_bpm: float | None = None
    high_bpm: float | None = None
    rest_bpm: float | None = None
    doubt: BeltDoubt | None = None
    question_kmh: float | None = None
    question_t: float = 0.0
    asked_once: bool = False
    verdict: BeltVerdict | None = None
    factor: float = 1.0
    agrees_t: float | None = None
    counts_km: bool = False
    miles_kmh: frozenset[float] = frozenset()
    said_miles: bool = False


def confirmed(turn: "Transition", speed_kmh: float) -> None:
    """Take the participant's word for the speed; an open question is answered by that."""
    belt = turn.state.belt
    turn.state = replace(turn.state, belt=replace(belt, confirmed_kmh=speed_kmh, question_kmh=None))


def trusted(turn: "Transition") -> None:
    """Note that a person has found this treadmill's own speed right before."""
    turn.state = replace(turn.state, belt=replace(turn.state.belt, verdict="as_sent", doubt=None))


def take_speed(turn: "Transition", speed_kmh: float, incline_percent: float) -> float | None:
    """Note what the treadmill says; return the speed that is believed, None where none is known."""
    state, belt = turn.state, turn.state.belt
    if incline_percent != state.incline_percent:
        belt = replace(belt, changes=0, low_bpm=None, high_bpm=None)
        turn.state = state = replace(state, belt=belt)
    if speed_kmh != belt.told_kmh:
        stops = speed_kmh < STANDS_BELOW_KMH and belt.moved
        belt = replace(
            belt,
            told_kmh=speed_kmh,
            since_t=state.t,
            varied=belt.told_kmh is not None,
            moved=belt.moved or speed_kmh >= STANDS_BELOW_KMH,
            stopped_bpm=state.source.usable_bpm if stops else None,
            differs_t=None,
            changes=0,
            low_bpm=None,
            high_bpm=None,
        )
        if belt.doubt in ("stands", "stuck") and belt.verdict != "ignored":
            # It says something else: it is judged again from here.
            turn.clear_notice(SPEED_DOUBTED)
            belt = replace(belt, doubt=None, question_kmh=None)
        turn.state = replace(turn.state, belt=belt)
    if belt.said_miles and _shows_miles(belt):
        return round(speed_kmh * KM_PER_MILE, 2)
    return belt.confirmed_kmh if belt.doubt is not None or _shows_miles(belt) else round(speed_kmh * belt.factor, 2)


def second(turn: "Transition") -> None:
    """Judge once in each second of a running phase."""
    state, belt = turn.state, turn.state.belt
    bpm = state.source.usable_bpm
    if belt.question_kmh is not None and state.t - belt.question_t >= ASKS_FOR_S:
        belt = replace(belt, question_kmh=None)
    if bpm is not None:
        belt = replace(
            belt,
            rest_bpm=bpm if belt.rest_bpm is None else min(belt.rest_bpm, bpm),
            low_bpm=bpm if belt.low_bpm is None else min(belt.low_bpm, bpm),
            high_bpm=bpm if belt.high_bpm is None else max(belt.high_bpm, bpm),
        )
    asked_kmh = state.advice.speed_kmh
    if asked_kmh is not None and asked_kmh != belt.asked_kmh:
        moves = belt.asked_kmh is not None and abs(asked_kmh - belt.asked_kmh) >= DIFFERS_KMH
        belt = replace(belt, asked_kmh=asked_kmh, asked_t=state.t, changes=belt.changes + moves)
        if belt.question_kmh is not None:
            # The treadmill is set anew: the question is about what it shows then.
            belt = replace(belt, question_kmh=asked_kmh)
    belt = _compared(state, belt)
    if belt.told_kmh is not None and belt.doubt is None and belt.verdict != "as_sent":
        belt = _judged(state, belt)
    turn.state = replace(state, belt=belt)
    if belt.doubt is not None and state.belt.doubt is None:
        _doubt(turn)
    elif belt.said_miles and belt.doubt == "miles":
        _settle_miles(turn)


def _compared(state: "SessionState", belt: Belt) -> Belt:
    """Note whether what it says is the asked speed, in km/h or in miles."""
    told_kmh, asked_kmh = belt.told_kmh, belt.asked_kmh
    if told_kmh is None or asked_kmh is None or told_kmh < STANDS_BELOW_KMH:
        return replace(belt, agrees_t=None)
    agrees = abs(told_kmh - asked_kmh) <= AGREES_KMH
    agrees_t = (state.t if belt.agrees_t is None else belt.agrees_t) if agrees else None
    counts_km = belt.counts_km or (agrees_t is not None and state.t - agrees_t >= AGREES_AFTER_S)
    belt = replace(belt, agrees_t=agrees_t, counts_km=counts_km)
    if _shows_miles(belt) and state.t - max(belt.since_t, belt.asked_t) >= MATCHES_AFTER_S:
        belt = replace(belt, miles_kmh=belt.miles_kmh | {told_kmh})
    return belt


def _shows_miles(belt: Belt) -> bool:
    """Whether the speed that it says now is the asked one in miles, as far as is known of this treadmill."""
    told_kmh, asked_kmh = belt.told_kmh, belt.asked_kmh
    if told_kmh is None or asked_kmh is None or belt.verdict is not None or belt.counts_km:
        return False
    return told_kmh >= LEAST_MILES_KMH and abs(told_kmh * KM_PER_MILE - asked_kmh) <= MILES_OFF_KMH


def _settle_miles(turn: "Transition") -> None:
    """Decide between miles and a value that is stuck, once another speed is asked for."""
    state, belt = turn.state, turn.state.belt
    if len(belt.miles_kmh) > 1:
        turn.state = replace(state, belt=replace(belt, verdict="miles", factor=KM_PER_MILE, doubt=None))
        turn.clear_notice(SPEED_DOUBTED)
        turn.speed_known(round((belt.told_kmh or 0.0) * KM_PER_MILE, 2))
    elif not _shows_miles(belt):
        if state.t - max(belt.asked_t, belt.since_t, state.resumed_t or 0.0) >= DIFFERS_AFTER_S:
            turn.state = replace(state, belt=replace(belt, doubt="stuck", verdict="stuck", said_miles=False))
        if state.speed_kmh != belt.confirmed_kmh:
            turn.speed_known(belt.confirmed_kmh)


def _judged(state: "SessionState", belt: Belt) -> Belt:
    told_kmh, asked_kmh = belt.told_kmh, belt.asked_kmh
    assert told_kmh is not None  # noqa: S101 - the caller has looked
    since_t = max(belt.since_t, state.resumed_t or 0.0, state.started_t or 0.0)
    if told_kmh < STANDS_BELOW_KMH:
        doubted = state.phase.kind is not PhaseKind.MOTOR and _works(state, belt, state.t - since_t)
        return replace(belt, doubt="stands") if doubted else belt
    swing_bpm = 0.0 if belt.low_bpm is None or belt.high_bpm is None else belt.high_bpm - belt.low_bpm
    if belt.changes >= STUCK_CHANGES and swing_bpm >= STUCK_SWING_BPM:
        return replace(belt, doubt="stuck")
    if asked_kmh is None or belt.factor != 1.0:
        return belt
    if abs(told_kmh - asked_kmh) < max(DIFFERS_KMH, DIFFERS_FRACTION * asked_kmh):
        return replace(belt, differs_t=None)
    differs_t = state.t if belt.differs_t is None else belt.differs_t
    belt = replace(belt, differs_t=differs_t)
    resumed_t = state.resumed_t or 0.0
    differs_s = state.t - max(differs_t, resumed_t)
    same_s = state.t - max(differs_t, belt.asked_t, resumed_t)
    if same_s >= DIFFERS_AFTER_S and _shows_miles(belt):
        return replace(belt, doubt="miles")
    never_changed = not belt.varied and differs_s >= NEVER_CHANGED_AFTER_S
    return replace(belt, doubt="stuck") if never_changed else belt


def _works(state: "SessionState", belt: Belt, for_s: float) -> bool:
    """Whether the heart works too hard for a belt that has stood so long."""
    bpm, hr_max_bpm = state.source.usable_bpm, state.zone_hr_max_bpm
    if bpm is None:
        return False
    if belt.stopped_bpm is not None:
        return for_s >= STOPPED_AFTER_S and bpm > belt.stopped_bpm - RESTS_FALL_BPM
    if for_s < STANDS_AFTER_S:
        return False
    rises = belt.rest_bpm is not None and bpm >= belt.rest_bpm + WORKS_RISE_BPM
    high = for_s >= WORKS_AFTER_S and hr_max_bpm is not None and bpm >= WORKS_FRACTION * hr_max_bpm
    return rises or high


def _doubt(turn: "Transition") -> None:
    """Believe the treadmill no more, say so to the therapist, and ask the participant once."""
    state, belt = turn.state, turn.state.belt
    detail = f"{belt.doubt}: the treadmill says {belt.told_kmh:g} km/h"
    turn.raise_notice(SPEED_DOUBTED, Level.INFORMATION, to_therapist=True, detail=detail)
    state = turn.state
    question_kmh = state.asked_kmh if belt.asked_kmh is None else belt.asked_kmh
    asks = not belt.asked_once and question_kmh is not None and question_kmh >= STANDS_BELOW_KMH
    belt = replace(
        belt,
        asked_once=True,
        question_kmh=question_kmh if asks else None,
        question_t=state.t,
    )
    turn.state = replace(state, belt=belt)
    turn.speed_known(belt.confirmed_kmh)


def answered(turn: "Transition", *, ok: bool) -> None:
    """Take the participant's word on whether the treadmill shows the speed that was asked about."""
    belt = turn.state.belt
    told_kmh = belt.told_kmh
    assert told_kmh is not None  # noqa: S101 - only of a treadmill that spoke something is asked
    if ok and belt.doubt == "miles":
        belt = replace(belt, said_miles=True, question_kmh=None)
    elif ok:
        belt = replace(belt, verdict="stuck" if belt.doubt == "stuck" else "ignored", question_kmh=None)
    elif belt.doubt == "stands":
        # It shows another speed than the one asked for, which one is not known: set by the arrows.
        belt = replace(belt, question_kmh=None)
    else:
        belt = replace(belt, verdict="as_sent", doubt=None, question_kmh=None)
    turn.state = replace(turn.state, belt=belt)
    if belt.doubt is None:
        turn.clear_notice(SPEED_DOUBTED)
        turn.speed_known(round(told_kmh * belt.factor, 2))
    elif belt.said_miles:
        turn.speed_known(round(told_kmh * KM_PER_MILE, 2))
        _settle_miles(turn)
