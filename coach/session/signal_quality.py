"""The heart-rate source's one state: live, weak, stale, lost or implausible (hazards H2, H3).

Theory of operation. Every notification is compared with the last trusted rate. A rate is *implausible* when it is out
of range, jumps faster than a heart can, stands still for too long, or disagrees with its own RR intervals. After a jump
the source is trusted again when the rate jumps back by about as much, or glides back within seconds; a rate that climbs
back slowly may be a wrong one that rises with the effort. A jump upwards that stays smooth is believed after a minute
(believing it can only slow a person down); a jump downwards only in the warm-up, where a dry strap becomes wet. Until
then, and for some minutes after a belief that rests on time alone, it is *weak*: shown, never used to urge. Silence
makes the source *stale* after 5 s and *lost* after 20 s, at those very instants; the rate after it is compared with
what a heart can do in the meantime.

A source that reports more seldom than once a second is judged against its own pace (`coach.session.pace`), within
bounds. RR intervals that only repeat 60000/rate are not beats, and are not judged as beats. Every doubt ends: a jump by
a jump back, by time, by minutes of regular beats or by a strap that was taken off and put on again; a contact bit by
minutes of beats that contradict it.
"""

from msgspec import Struct
from msgspec.structs import replace

from coach.model.events import Signal
from coach.model.messages import HeartRate
from coach.session.pace import TOGETHER_S, Pace

STALE_AFTER_S, STALE_AFTER_MOST_S, STALE_AFTER_GAPS = 5.0, 12.0, 1.8
LOST_AFTER_S = 20.0
URGE_FRESH_S, URGE_FRESH_MOST_S, URGE_FRESH_GAPS = 2.5, 8.0, 1.25
"""A rate may urge for so long after its report; a slow source's until its next report is due."""
URGE_FLAT_S, URGE_FLAT_MOST_S, URGE_FLAT_GAPS = 8.0, 14.0, 2.2
"""A rate may urge for so long after it last moved."""
SLOW_S = 6.5
"""A rate that is renewed more seldom says too little about a rate now: shown and counted, but nobody is urged by it."""
STEADY_S, RELAPSED_STEADY_S, RELAPSE_S = 10.0, 60.0, 300.0
"""A source must be usable for so long before its trouble counts as over; longer where trouble has soon come back."""
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
BELIEVE_DOWNWARDS_IN_WORK_AFTER_S = 600.0
"""In work a rate that is too low would urge, so only a long time ends the doubt by itself."""
BELIEVE_BEATS_AFTER_S = 300.0
"""Beats of their own, regular for so long, show that the lower level is the heart's; not where it is just a half."""
HALVED_LOW, HALVED_HIGH = 0.4, 0.6
"""A level of about half the trusted rate may be every second beat missed, whose intervals are regular too."""
WEAK_AFTER_BELIEF_S = 300.0
"""Nothing showed that a believed level is the heart's own, so nobody is urged by it for so long."""
WEAK_AFTER_REFIT_S = 60.0
"""A doubted strap that was taken off and put on again starts afresh."""
WEAK_AFTER_GAP_S = 5.0
FLAT_WEAK_S, FLAT_IMPLAUSIBLE_S = 45.0, 60.0
"""A living strap has shown one value for 33 s on a real plateau, so less than that is no sign of a frozen one."""
FLAT_WEAK_GAPS, FLAT_IMPLAUSIBLE_GAPS = 9, 12
FROZEN_RR_REPEATS, RR_RUN_MOST = 5, 20
"""So many repetitions of the same beats; more for a source that has repeated its beats for longer and gone on."""
ROUNDED_MS, FROZEN_ROUNDED_REPEATS = 10.0, 15
"""Intervals this near to 60000/rate may be rounded ones that were computed from it, and repeat at a plateau."""
REGULAR_RATIO = 1.5
"""Within one report, intervals of a heart differ by less; missed and extra beats give twice and half of others."""
ECHO_BPM, ECHO_MS = 1.0, 2.0
"""RR intervals this near to 60000/rate may be computed from the rate, also rounded down twice: they carry no more."""
RR_LOWEST_MS, RR_HIGHEST_MS, RR_KEPT = 270.0, 2000.0, 11
RR_TOGETHER_S = 2.5
"""Beats of reports further apart than this are not compared with one rate: it may have moved in between."""
RR_DISAGREES_FRACTION, RR_DISAGREES_REPEATS = 0.2, 3
RR_DOUBTED_FOR_S = 60.0
"""A smooth rate above what its RR intervals say is shown and counted after so long; it can only slow a person down."""
RR_LET_GO_S = 180.0
"""After so long such intervals are wrong (another unit, every second beat); the rate is used without them."""
RR_IMPOSSIBLE_S = 60.0
"""Intervals that no heart has, for so long: they are wrong, also where they are the shorter ones."""
CONTACT_NEVER_SET_S, CONTACT_LET_GO_S = 120.0, 300.0
"""A contact bit that contradicts so long a time of good rates is noise; longer where it has been set before."""
CONTACT_BACK_S, CONTACT_KEPT_S = 5.0, 60.0
"""A bit that is set again for so long says that there is contact; only after the longer time it has never wavered."""
RR_STILL_BPM = 8.0
"""RR intervals that stay the very same while the rate moves so far are no beats of this heart."""


class HeartRateSource(Struct, frozen=True):
    """What is known of the pulse strap. `bpm` is the last rate it sent, whatever its worth; `at_t` when.

    `rr_run`: longest run of equal beats that has ended by itself. `beats_since_t`: since when every report
    brought regular beats. `rr_still_bpm`: the rate when the last RR intervals first came. `contact_off_t`: since when
    the contact bit has contradicted a good rate, if only now and then; `contact_on_t`: since when it is set.
    `rr_t`: when RR intervals last came; `rr_impossible_t`: since when no heart has such. `rr_let_go`: they have been
    wrong for so long that the rate is used without them.
    `troubled_t`: when the source was last no longer usable; `relapsed`: soon after the time before.
    """

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
    pace: Pace = Pace()
    rr_run: int = 0
    rr_off_t: float | None = None
    rr_t: float | None = None
    rr_impossible_t: float | None = None
    rr_let_go: bool = False
    beats_since_t: float | None = None
    rr_still_bpm: float | None = None
    contact_off_t: float | None = None
    contact_on_t: float | None = None
    contact_was_set: bool = False
    usable_since_t: float | None = None
    troubled_t: float | None = None
    relapsed: bool = False

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
        stale_s = self.pace.allowed_s(STALE_AFTER_S, STALE_AFTER_MOST_S, STALE_AFTER_GAPS)
        return self.at_t + (LOST_AFTER_S if self.signal is Signal.STALE else stale_s)

    def fresh(self, t: float) -> bool:
        """Whether the rate at `t` is young enough to urge by it."""
        allowed_s = self.pace.allowed_s(URGE_FRESH_S, URGE_FRESH_MOST_S, URGE_FRESH_GAPS)
        return self.at_t is not None and t - self.at_t <= allowed_s

    def flat(self, t: float) -> bool:
        """Whether the rate has stood still for too long to urge by it."""
        return t - self.changed_t > self.pace.allowed_s(URGE_FLAT_S, URGE_FLAT_MOST_S, URGE_FLAT_GAPS)

    def steady(self, t: float) -> bool:
        """Whether the source has been usable for so long that earlier trouble is over."""
        lasts_s = RELAPSED_STEADY_S if self.relapsed else STEADY_S
        return self.usable_since_t is not None and t - self.usable_since_t >= lasts_s


def expire(source: HeartRateSource) -> HeartRateSource:
    """Return the source at its due time, when silence has lasted long enough."""
    lost = source.signal is Signal.STALE
    return _troubled(replace(source, signal=Signal.LOST if lost else Signal.STALE, reason="silent"))


def lose(source: HeartRateSource, reason: str) -> HeartRateSource:
    """Return the source after the adapter said that the strap is gone."""
    return _troubled(replace(source, signal=Signal.LOST, reason=reason))


def _troubled(source: HeartRateSource) -> HeartRateSource:
    """Note that the source is no longer usable, and whether it had been so a short time before."""
    if source.usable_since_t is None:
        return source
    before_t, now_t = source.troubled_t, source.at_t
    relapsed = before_t is not None and now_t is not None and now_t - before_t <= RELAPSE_S
    return replace(source, usable_since_t=None, troubled_t=now_t, relapsed=relapsed)


def receive(source: HeartRateSource, message: HeartRate, *, warming_up: bool) -> HeartRateSource:
    """Return the source after one notification.

    `warming_up`: no interval has begun, so a dry strap may still become wet.
    """
    t, bpm = message.t, message.bpm
    if bpm <= 0:
        return replace(lose(source, "no_rate"), bpm=None, at_t=t)
    before = source
    gap = before.at_t is None or before.signal in (Signal.STALE, Signal.LOST)
    source = _paced(source, t)
    source = replace(_beats(source, t, bpm, message.rr_ms, gap=gap), bpm=bpm, at_t=t)
    if not LOWEST_BPM <= bpm <= HIGHEST_BPM:
        return _troubled(replace(source, signal=Signal.IMPLAUSIBLE, reason="out_of_range"))
    source = _after_gap(source, t, bpm, before) if gap else _compare(source, t, bpm, warming_up=warming_up)
    source = _judge(_contact(source, t, contact=message.contact, gap=gap), t)
    if source.signal is Signal.IMPLAUSIBLE:
        return _troubled(source)
    return replace(source, usable_since_t=t) if source.usable_since_t is None else source


def _paced(source: HeartRateSource, t: float) -> HeartRateSource:
    """Learn the source's pace. A source that was lost begins where it was: its absence is no gap."""
    if source.at_t is None or source.signal is Signal.LOST:
        return source
    return replace(source, pace=source.pace.after(t - source.at_t))


def _beats(source: HeartRateSource, t: float, bpm: float, rr_ms: tuple[float, ...], *, gap: bool) -> HeartRateSource:
    """Note what the RR intervals say: whether they repeat, disagree with the rate, or are regular beats."""
    sent_rr_ms, still_bpm = rr_ms, bpm
    if rr_ms and rr_ms == source.last_rr_ms:
        still_bpm = bpm if source.rr_still_bpm is None else source.rr_still_bpm
    if abs(bpm - still_bpm) >= RR_STILL_BPM:
        # Whatever these are, they follow no heart: until they change, the source is judged as one without RR.
        source, rr_ms, still_bpm = replace(source, rr_ms=()), (), 0.0
    own = () if echoes(rr_ms, bpm) else rr_ms
    repeats = rr_ms == source.last_rr_ms and bpm == source.bpm
    together = source.at_t is not None and t - source.at_t < TOGETHER_S
    same_rr = source.same_rr + (not together) if own and repeats else 0
    apart = gap or source.at_t is None or t - source.at_t > RR_TOGETHER_S
    good = tuple(rr for rr in rr_ms if RR_LOWEST_MS <= rr <= RR_HIGHEST_MS)
    known = (() if apart else source.rr_ms) + good
    known = known[-RR_KEPT:]
    disagrees = _rr_disagrees(known, bpm)
    rr_off = _reports_off(source, t, gap=gap, told=bool(rr_ms), disagrees=disagrees)
    rr_off_t = None if rr_off == 0 else source.rr_off_t if source.rr_off_t is not None else t
    impossible_t = _impossible_since(source, t, rr_ms)
    let_go = (
        (rr_off_t is not None and t - rr_off_t >= RR_LET_GO_S and bpm > 60000.0 / median(known))
        or (impossible_t is not None and t - impossible_t >= RR_IMPOSSIBLE_S)
        or (source.rr_let_go and (disagrees or len(known) < RR_KEPT))
    )
    if let_go:
        rr_off, rr_off_t = 0, None
    alive = gap or bpm != source.bpm or (bool(rr_ms) and not repeats)
    regular = bool(good) and len(good) == len(rr_ms) and max(good) < REGULAR_RATIO * min(good)
    regular = regular and not rr_off and not let_go
    beats_since_t = source.beats_since_t if source.beats_since_t is not None or not own else t
    return replace(
        source,
        changed_t=t if alive else source.changed_t,
        rr_ms=known,
        last_rr_ms=sent_rr_ms,
        rr_still_bpm=still_bpm,
        same_rr=same_rr,
        rr_run=min(max(source.rr_run, source.same_rr), RR_RUN_MOST) if alive and not gap else source.rr_run,
        rr_off=rr_off,
        rr_off_t=rr_off_t,
        rr_t=t if rr_ms else source.rr_t,
        rr_impossible_t=impossible_t,
        rr_let_go=let_go,
        beats_since_t=beats_since_t if regular else None,
    )


def _reports_off(source: HeartRateSource, t: float, *, gap: bool, told: bool, disagrees: bool) -> int:
    """Count the reports whose RR intervals disagree. Between slow beats come reports without one, which end nothing."""
    if gap:
        return 0
    if told:
        return source.rr_off + 1 if disagrees else 0
    together = source.rr_t is not None and t - source.rr_t <= RR_TOGETHER_S
    return source.rr_off if together and source.rr_off >= RR_DISAGREES_REPEATS else 0


def _impossible_since(source: HeartRateSource, t: float, rr_ms: tuple[float, ...]) -> float | None:
    """Return since when every interval has been shorter than any heart's; None where the last ones were not."""
    if not rr_ms:
        return source.rr_impossible_t
    if max(rr_ms) >= RR_LOWEST_MS:
        return None
    return t if source.rr_impossible_t is None else source.rr_impossible_t


def echoes(rr_ms: tuple[float, ...], bpm: float) -> bool:
    """Return whether the RR intervals only repeat 60000/rate, as many optical bands and watches compute them."""
    return bool(rr_ms) and all(
        rr > 0 and (abs(60000.0 / rr - bpm) <= ECHO_BPM or abs(rr - 60000.0 / bpm) <= ECHO_MS) for rr in rr_ms
    )


def _contact(source: HeartRateSource, t: float, *, contact: bool | None, gap: bool) -> HeartRateSource:
    """Note since when the contact bit contradicts a rate that nothing else speaks against, and since when it is set."""
    off_t, on_t = source.contact_off_t, source.contact_on_t
    if contact is not None:
        on_t = None if not contact else t if on_t is None else on_t
    if on_t is not None and t - on_t >= CONTACT_KEPT_S:
        off_t = None
    doubted = gap or source.jumped_t is not None or source.rr_off > 0 or t - source.changed_t >= FLAT_WEAK_S
    if contact is False and (doubted or off_t is None):
        off_t = t
    was_set = source.contact_was_set or contact is True
    if (off_t, on_t, was_set) == (source.contact_off_t, source.contact_on_t, source.contact_was_set):
        return source
    return replace(source, contact_off_t=off_t, contact_on_t=on_t, contact_was_set=was_set)


def _after_gap(source: HeartRateSource, t: float, bpm: float, before: HeartRateSource) -> HeartRateSource:
    """First rate, or after silence: a new beginning, weak for a while, unless no heart could change so in the gap.

    A doubt outlasts a short silence. A strap that was lost, or said that it had no rate, was put on afresh.
    """
    if source.trusted_bpm is None:
        return replace(source, trusted_bpm=bpm, trusted_t=t, weak_until_t=t)
    doubted = before.jumped_t is not None
    silent_from_t = source.trusted_t
    if doubted and before.signal is Signal.STALE and before.at_t is not None:
        silent_from_t = before.at_t
    if abs(bpm - source.trusted_bpm) > GAP_BPM + GAP_BPM_PER_S * (t - silent_from_t):
        near = doubted and abs(bpm - source.level_bpm) <= _reach_bpm(t - source.level_t)
        return replace(source, level_bpm=bpm, level_t=t) if near else _doubt(source, t, bpm)
    if not doubted:
        return _trust(source, t, bpm)
    weak_s = WEAK_AFTER_REFIT_S if before.reason == "no_rate" else WEAK_AFTER_BELIEF_S
    return replace(_trust(source, t, bpm), weak_until_t=t + weak_s, weak_reason="believed")


def _compare(source: HeartRateSource, t: float, bpm: float, *, warming_up: bool) -> HeartRateSource:
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
    if since_s >= _believed_after_s(source, t, warming_up=warming_up):
        return replace(_trust(source, t, bpm), weak_until_t=t + WEAK_AFTER_BELIEF_S, weak_reason="believed")
    return replace(source, level_bpm=bpm, level_t=t)


def _believed_after_s(source: HeartRateSource, t: float, *, warming_up: bool) -> float:
    """How long a smooth level must last after a jump before it is believed."""
    if source.jump_bpm > 0:
        return BELIEVE_UPWARDS_AFTER_S
    if warming_up:
        return BELIEVE_DOWNWARDS_AFTER_S
    halved = HALVED_LOW <= source.level_bpm / (source.level_bpm - source.jump_bpm) <= HALVED_HIGH
    beats = source.beats_since_t is not None and t - source.beats_since_t >= BELIEVE_BEATS_AFTER_S
    return BELIEVE_BEATS_AFTER_S if beats and not halved else BELIEVE_DOWNWARDS_IN_WORK_AFTER_S


def _doubt(source: HeartRateSource, t: float, bpm: float) -> HeartRateSource:
    """Doubt a jump of the rate. A second one on top of a first keeps the first one's direction when it goes further."""
    jump_bpm = bpm - (source.trusted_bpm if source.trusted_bpm is not None else bpm)
    return replace(source, jump_bpm=jump_bpm, jumped_t=t, level_bpm=bpm, level_t=t)


def _trust(source: HeartRateSource, t: float, bpm: float) -> HeartRateSource:
    trusted = replace(source, trusted_bpm=bpm, trusted_t=t, jumped_t=None, jump_bpm=0.0)
    if source.jumped_t is None and source.weak_until_t > t + WEAK_AFTER_GAP_S:
        # A short silence does not shorten a weakness that was to last longer.
        return trusted
    return replace(trusted, weak_until_t=t + WEAK_AFTER_GAP_S, weak_reason="returning")


def _reach_bpm(dt_s: float) -> float:
    """Return the largest change in `dt_s` seconds that a heart and a strap's averaging can show."""
    return min(JUMP_BPM + JUMP_BPM_PER_S * dt_s, LARGEST_JUMP_BPM)


def median(values: tuple[float, ...]) -> float:
    """Return the median of one or more values; `statistics` would load rational numbers into each service for it."""
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _rr_disagrees(rr_ms: tuple[float, ...], bpm: float) -> bool:
    """Return whether the rate by the median RR interval differs by over a fifth (2×: missed beats; 0.5×: extra)."""
    return len(rr_ms) >= RR_KEPT and abs(60000.0 / median(rr_ms) - bpm) > RR_DISAGREES_FRACTION * bpm


def _judge(source: HeartRateSource, t: float) -> HeartRateSource:
    signal, reason = _verdict(source, t)
    same = source.signal is signal and source.reason == reason
    return source if same else replace(source, signal=signal, reason=reason)


def _verdict(source: HeartRateSource, t: float) -> tuple[Signal, str]:
    flat_s, usual_s = t - source.changed_t, source.pace.usual_s
    frozen_beats = source.same_rr >= max(_repeats_allowed(source), 2 * source.rr_run)
    reasons = (
        (source.jumped_t is not None and t - source.jumped_t < DOUBTED_FOR_S, Signal.IMPLAUSIBLE, "jump"),
        (source.rr_off >= RR_DISAGREES_REPEATS, _disagreeing(source, t), "rr_disagrees"),
        (
            frozen_beats or flat_s >= max(FLAT_IMPLAUSIBLE_S, FLAT_IMPLAUSIBLE_GAPS * usual_s),
            Signal.IMPLAUSIBLE,
            "frozen",
        ),
        (flat_s >= max(FLAT_WEAK_S, FLAT_WEAK_GAPS * usual_s), Signal.WEAK, "frozen"),
        (source.jumped_t is not None, Signal.WEAK, "jump"),
        (source.bpm is not None and source.bpm < RARE_BPM, Signal.WEAK, "very_low"),
        (_lacks_contact(source, t), Signal.WEAK, "no_contact"),
        (t < source.weak_until_t, Signal.WEAK, source.weak_reason),
        (usual_s > SLOW_S, Signal.WEAK, "slow"),
    )
    return next(((signal, reason) for holds, signal, reason in reasons if holds), (Signal.LIVE, "ok"))


def _repeats_allowed(source: HeartRateSource) -> int:
    """Return how often the same beats may come before a strap seems frozen."""
    bpm = source.bpm or 0.0
    near = bpm > 0 and all(abs(rr - 60000.0 / bpm) <= ROUNDED_MS for rr in source.last_rr_ms)
    return FROZEN_ROUNDED_REPEATS if near else FROZEN_RR_REPEATS


def _disagreeing(source: HeartRateSource, t: float) -> Signal:
    """Count a rate above its own beats' after a minute of it; one below them may hide a high rate."""
    lasts = source.rr_off_t is not None and t - source.rr_off_t >= RR_DOUBTED_FOR_S
    above = bool(source.rr_ms) and source.bpm is not None and source.bpm > 60000.0 / median(source.rr_ms)
    return Signal.WEAK if lasts and above else Signal.IMPLAUSIBLE


def _lacks_contact(source: HeartRateSource, t: float) -> bool:
    """Whether the contact bit is believed that it is not set, or was not until a moment ago.

    Minutes of good rates outweigh a bit that is never set, and longer ones a bit that comes and goes.
    """
    off_t, on_t = source.contact_off_t, source.contact_on_t
    if off_t is None or (on_t is not None and t - on_t >= CONTACT_BACK_S):
        return False
    return t - off_t < (CONTACT_LET_GO_S if source.contact_was_set else CONTACT_NEVER_SET_S)
