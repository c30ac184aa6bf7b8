"""The heart-rate source's one state: live, weak, stale, lost or implausible (hazards H2, H3).

Theory of operation. Every notification is compared with the last trusted rate. A rate is *implausible* when it is out
of range, jumps faster than a heart can, stands still for too long, or disagrees with its own RR intervals. After a jump
the source is trusted again when the rate jumps back by about as much, or glides back within seconds; a rate that climbs
back slowly may be a wrong one that rises with the effort. A jump upwards that stays smooth is believed after a minute
(believing it can only slow a person down); a jump downwards only in the warm-up, where a dry strap becomes wet. Until
then, and for some minutes after a belief that rests on time alone, it is *weak*: shown, never used to urge. Silence
makes the source *stale* after 5 s and *lost* after 20 s, at those very instants; the rate after it is compared with
what a heart can do in the meantime.
"""

from statistics import median

from msgspec import Struct
from msgspec.structs import replace

from coach.events import Signal
from coach.messages import HeartRate

STALE_AFTER_S = 5.0
LOST_AFTER_S = 20.0
LOWEST_BPM, HIGHEST_BPM = 30.0, 230.0
RARE_BPM = 40.0
"""A heart on its way to training is seldom slower: shown, but nobody is urged by it."""
JUMP_BPM, JUMP_BPM_PER_S, LARGEST_JUMP_BPM = 10.0, 3.0, 35.0
"""Clean recordings change at most 1–5 bpm/s (99.9th percentile, training.md); a beat-by-beat rate wobbles more."""
SHORT_ARTEFACT_S = 10.0
"""Within this time a rate may glide back to the trusted one; later only a jump back shows that the artefact is over."""
BACK_LEAST, BACK_MOST = 0.4, 2.5
"""A jump back is about as large as the jump was (a doubled rate falls by another amount than it rose)."""
GAP_BPM, GAP_BPM_PER_S = 15.0, 1.0
"""How far a heart gets while the strap is silent: +50 bpm or −27 bpm in a minute are usual (training.md)."""
DOUBTED_FOR_S = 15.0
BELIEVE_UPWARDS_AFTER_S = 60.0
BELIEVE_DOWNWARDS_AFTER_S = 180.0
WEAK_AFTER_BELIEF_S = 300.0
"""Nothing showed that a believed level is the heart's own, so nobody is urged by it for so long."""
WEAK_AFTER_GAP_S = 5.0
FLAT_WEAK_S, FLAT_IMPLAUSIBLE_S = 45.0, 60.0
"""A living strap has shown one value for 33 s on a real plateau, so less than that is no sign of a frozen one."""
FROZEN_RR_REPEATS = 5
RR_LOWEST_MS, RR_HIGHEST_MS, RR_KEPT = 270.0, 2000.0, 11
RR_DISAGREES_FRACTION, RR_DISAGREES_REPEATS = 0.2, 3


class Source(Struct, frozen=True):
    """What is known of the pulse strap. `bpm` is the last rate it sent, whatever its worth; `at_t` when."""

    signal: Signal = Signal.LOST
    reason: str = "never_seen"
    bpm: float | None = None
    at_t: float | None = None
    changed_t: float = 0.0
    trusted_bpm: float | None = None
    trusted_t: float = 0.0
    jump_bpm: float = 0.0
    jumped_t: float | None = None
    level_bpm: float = 0.0
    level_t: float = 0.0
    weak_until_t: float = 0.0
    weak_reason: str = "returning"
    rr_ms: tuple[float, ...] = ()
    last_rr_ms: tuple[float, ...] = ()
    same_rr: int = 0
    rr_off: int = 0

    @property
    def shown_bpm(self) -> float | None:
        """The rate that may be shown as a number: fresh, though perhaps marked as doubtful. Else None."""
        return None if self.signal in (Signal.STALE, Signal.LOST) else self.bpm

    @property
    def usable_bpm(self) -> float | None:
        """The rate that may be counted and compared with a zone: live or weak. Else None."""
        return self.bpm if self.signal in (Signal.LIVE, Signal.WEAK) else None

    @property
    def due_t(self) -> float | None:
        """When silence next changes the state, if it will."""
        if self.at_t is None or self.signal is Signal.LOST:
            return None
        return self.at_t + (LOST_AFTER_S if self.signal is Signal.STALE else STALE_AFTER_S)


def expire(source: Source) -> Source:
    """The source at its due time, when silence has lasted long enough."""
    lost = source.signal is Signal.STALE
    return replace(source, signal=Signal.LOST if lost else Signal.STALE, reason="silent")


def lose(source: Source, reason: str) -> Source:
    """The adapter says that the strap is gone."""
    return replace(source, signal=Signal.LOST, reason=reason)


def receive(source: Source, message: HeartRate, *, warming_up: bool) -> Source:
    """The source after one notification. `warming_up`: no interval has begun, so a dry strap may still become wet."""
    t, bpm = message.t, message.bpm
    if bpm <= 0:
        return replace(source, signal=Signal.LOST, reason="no_rate", bpm=None, at_t=t)
    rr_known = source.rr_ms
    same_rr = 0
    if message.rr_ms:
        good = tuple(rr for rr in message.rr_ms if RR_LOWEST_MS <= rr <= RR_HIGHEST_MS)
        rr_known = (source.rr_ms + good)[-RR_KEPT:]
        same_rr = source.same_rr + 1 if message.rr_ms == source.last_rr_ms and bpm == source.bpm else 0
    silent_s = t - source.trusted_t
    gap = source.at_t is None or source.signal in (Signal.STALE, Signal.LOST)
    alive = bpm != source.bpm or (bool(message.rr_ms) and not same_rr)
    rr_off = source.rr_off + 1 if message.rr_ms and _rr_disagrees(rr_known, bpm) else 0
    source = replace(
        source,
        bpm=bpm,
        at_t=t,
        changed_t=t if alive or gap else source.changed_t,
        rr_ms=rr_known if not gap else (),
        last_rr_ms=message.rr_ms,
        same_rr=same_rr,
        rr_off=0 if gap else rr_off,
    )
    if not LOWEST_BPM <= bpm <= HIGHEST_BPM:
        return replace(source, signal=Signal.IMPLAUSIBLE, reason="out_of_range")
    source = _after_gap(source, t, bpm, silent_s) if gap else _compare(source, t, bpm, warming_up=warming_up)
    return _judge(source, t, contact=message.contact)


def _after_gap(source: Source, t: float, bpm: float, silent_s: float) -> Source:
    """First rate, or after silence: a new beginning, weak for a while, unless no heart could change so in the gap."""
    if source.trusted_bpm is None:
        return replace(source, trusted_bpm=bpm, trusted_t=t, weak_until_t=t)
    if abs(bpm - source.trusted_bpm) > GAP_BPM + GAP_BPM_PER_S * silent_s:
        return _doubt(source, t, bpm)
    return _trust(source, t, bpm)


def _compare(source: Source, t: float, bpm: float, *, warming_up: bool) -> Source:
    """Hold the rate against the trusted one, or against the doubted level that it jumped to."""
    if source.trusted_bpm is None:
        return replace(source, trusted_bpm=bpm, trusted_t=t)
    if source.jumped_t is None:
        if abs(bpm - source.trusted_bpm) <= _reach_bpm(t - source.trusted_t):
            return replace(source, trusted_bpm=bpm, trusted_t=t)
        return _doubt(source, t, bpm)
    since_s = t - source.jumped_t
    change = bpm - source.level_bpm
    if abs(change) > _reach_bpm(t - source.level_t):
        back = change * source.jump_bpm < 0 and BACK_LEAST <= -change / source.jump_bpm <= BACK_MOST
        return _trust(source, t, bpm) if back else _doubt(source, t, bpm)
    if since_s <= SHORT_ARTEFACT_S and abs(bpm - source.trusted_bpm) <= JUMP_BPM:
        return _trust(source, t, bpm)
    believed = since_s >= (BELIEVE_UPWARDS_AFTER_S if source.jump_bpm > 0 else BELIEVE_DOWNWARDS_AFTER_S)
    if believed and (source.jump_bpm > 0 or warming_up):
        return replace(_trust(source, t, bpm), weak_until_t=t + WEAK_AFTER_BELIEF_S, weak_reason="believed")
    return replace(source, level_bpm=bpm, level_t=t)


def _doubt(source: Source, t: float, bpm: float) -> Source:
    """The rate jumped. A second jump on top of a first one keeps the first one's direction when it goes further."""
    jump_bpm = bpm - (source.trusted_bpm if source.trusted_bpm is not None else bpm)
    return replace(source, jump_bpm=jump_bpm, jumped_t=t, level_bpm=bpm, level_t=t)


def _trust(source: Source, t: float, bpm: float) -> Source:
    return replace(
        source,
        trusted_bpm=bpm,
        trusted_t=t,
        jumped_t=None,
        jump_bpm=0.0,
        weak_until_t=t + WEAK_AFTER_GAP_S,
        weak_reason="returning",
    )


def _reach_bpm(dt_s: float) -> float:
    """The largest change in `dt_s` seconds that a heart and a strap's averaging can show."""
    return min(JUMP_BPM + JUMP_BPM_PER_S * dt_s, LARGEST_JUMP_BPM)


def _rr_disagrees(rr_ms: tuple[float, ...], bpm: float) -> bool:
    """The rate by the median RR interval differs by more than a fifth (about 2×: missed beats; 0.5×: extra)."""
    return len(rr_ms) >= RR_KEPT and abs(60000.0 / median(rr_ms) - bpm) > RR_DISAGREES_FRACTION * bpm


def _judge(source: Source, t: float, *, contact: bool | None) -> Source:
    flat_s = t - source.changed_t
    if source.jumped_t is not None and t - source.jumped_t < DOUBTED_FOR_S:
        signal, reason = Signal.IMPLAUSIBLE, "jump"
    elif source.rr_off >= RR_DISAGREES_REPEATS:
        signal, reason = Signal.IMPLAUSIBLE, "rr_disagrees"
    elif source.same_rr >= FROZEN_RR_REPEATS or flat_s >= FLAT_IMPLAUSIBLE_S:
        signal, reason = Signal.IMPLAUSIBLE, "frozen"
    elif flat_s >= FLAT_WEAK_S:
        signal, reason = Signal.WEAK, "frozen"
    elif source.jumped_t is not None:
        signal, reason = Signal.WEAK, "jump"
    elif source.bpm is not None and source.bpm < RARE_BPM:
        signal, reason = Signal.WEAK, "very_low"
    elif contact is False:
        signal, reason = Signal.WEAK, "no_contact"
    elif t < source.weak_until_t:
        signal, reason = Signal.WEAK, source.weak_reason
    else:
        return source if source.signal is Signal.LIVE else replace(source, signal=Signal.LIVE, reason="ok")
    return (
        source if source.signal is signal and source.reason == reason else replace(source, signal=signal, reason=reason)
    )
