"""Plausible views of every state, for pictures and tests: a person of HRmax 185 in a 4×4, and what surrounds it."""

import math
from collections.abc import Iterator
from typing import Any, Literal

from msgspec.structs import replace

from coach.kiosk.view import Choice, DisplayState, PinNow, ScreenId, TrainingPage, TriedPart
from coach.model.course_progress import FitnessShown, MyTraining, SessionShown, TherapistWord
from coach.model.events import Advice, Direction, Level, Limit, Signal
from coach.model.protocol import PhaseKind
from coach.model.snapshot import Bout, NoticeNow, Prediction, Profile, ProfilePhase, Snapshot, ZoneNow
from coach.model.strap_advertisement import StrapSeen
from coach.model.summary import IntervalSummary, SignalSeconds, Summary
from coach.session.good_work import GoodWork
from display.texts import Language

HR_MAX_BPM = 185.0
ZONES: dict[PhaseKind, tuple[float | None, float | None]] = {
    PhaseKind.WARM_UP: (0.55, 0.70),
    PhaseKind.INTERVAL: (0.85, 0.95),
    PhaseKind.RECOVERY: (0.60, 0.70),
    PhaseKind.STEADY: (0.70, 0.80),
    PhaseKind.MOTOR: (0.60, 0.75),
    PhaseKind.COOL_DOWN: (None, 0.60),
}
FOUR_BY_FOUR: tuple[tuple[PhaseKind, int], ...] = (
    (PhaseKind.WARM_UP, 600),
    *((kind, length) for _ in range(3) for kind, length in ((PhaseKind.INTERVAL, 240), (PhaseKind.RECOVERY, 180))),
    (PhaseKind.INTERVAL, 240),
    (PhaseKind.COOL_DOWN, 300),
)
STEADY: tuple[tuple[PhaseKind, int], ...] = (
    (PhaseKind.WARM_UP, 300),
    (PhaseKind.STEADY, 1800),
    (PhaseKind.COOL_DOWN, 300),
)
MOTOR: tuple[tuple[PhaseKind, int], ...] = (
    (PhaseKind.WARM_UP, 300),
    *((kind, 180) for _ in range(3) for kind in (PhaseKind.INTERVAL, PhaseKind.RECOVERY)),
    (PhaseKind.MOTOR, 900),
    (PhaseKind.COOL_DOWN, 300),
)
STRAPS = (
    StrapSeen("serial:8F3A2B1C", "Polar H10 8F3A2B1C", "8F3A2B1C", -51.0, 84.0),
    StrapSeen("serial:A90C77E2", "Polar H10 A90C77E2", "A90C77E2", -63.0, 131.0),
    StrapSeen("serial:123456", "HRM-Pro:123456", "123456", -71.0),
    StrapSeen("address:C4:5D:83:00:3F:9A", "", "3F:9A", -84.0, on_band=False),
)
Plan = tuple[tuple[PhaseKind, int], ...]


def _bpm_of(fraction: float | None) -> float | None:
    return None if fraction is None else round(fraction * HR_MAX_BPM, 1)


def profile_of(plan: Plan = FOUR_BY_FOUR, elapsed_s: float = 0.0) -> Profile:
    """Return the plan's profile, with the rate that a person would have had up to `elapsed_s`."""
    phases, start, interval = [], 0.0, 0
    for kind, length in plan:
        interval += kind is PhaseKind.INTERVAL
        low, high = ZONES[kind]
        number = interval if kind in (PhaseKind.INTERVAL, PhaseKind.RECOVERY) else 0
        phases.append(ProfilePhase(kind, number, start, start + length, _bpm_of(low), _bpm_of(high)))
        start += length
    trace = tuple(_trace(tuple(phases), elapsed_s))
    return Profile(tuple(phases), trace, HR_MAX_BPM, HR_MAX_BPM - 3)


def _trace(phases: tuple[ProfilePhase, ...], elapsed_s: float) -> Iterator[tuple[float, float | None]]:
    """Yield a rate that follows the phases with a lag, every five seconds."""
    bpm = 82.0
    goal = {
        PhaseKind.WARM_UP: 0.68,
        PhaseKind.INTERVAL: 0.895,
        PhaseKind.RECOVERY: 0.64,
        PhaseKind.STEADY: 0.76,
        PhaseKind.MOTOR: 0.68,
        PhaseKind.COOL_DOWN: 0.52,
    }
    for step in range(int(elapsed_s // 5) + 1):
        t = 5.0 * step
        phase = next((p for p in phases if p.start_s <= t < p.end_s), phases[-1])
        slow = 160.0 if phase.kind is PhaseKind.WARM_UP else 45.0
        aim = goal[phase.kind] * HR_MAX_BPM + (1.6 * phase.interval if phase.kind is PhaseKind.INTERVAL else 0)
        bpm += (aim - bpm) * (1 - math.exp(-5 / slow))
        yield t, round(bpm + 1.1 * math.sin(step * 1.7) + 0.7 * math.sin(step * 0.61), 1)


def snapshot_at(elapsed_s: float, plan: Plan = FOUR_BY_FOUR, **changes: Any) -> Snapshot:  # noqa: ANN401 - any field of a snapshot
    """Return the running session at a training second, with some fields changed."""
    profile = profile_of(plan, elapsed_s)
    index = next(i for i, p in enumerate(profile.phases) if p.start_s <= elapsed_s < p.end_s)
    phase = profile.phases[index]
    interval = sum(p.kind is PhaseKind.INTERVAL for p in profile.phases[: index + 1])
    bpm = changes.pop("bpm", profile.trace[-1][1])
    position = "unknown"
    if bpm is not None:
        position = "below" if bpm < (phase.low_bpm or 0) else "above" if bpm > (phase.high_bpm or 300) else "in"
    snapshot = Snapshot(
        t=elapsed_s,
        stage="running",
        phase=str(phase.kind),
        phase_index=index,
        interval=interval if phase.kind is PhaseKind.INTERVAL else 0,
        intervals=sum(p.kind is PhaseKind.INTERVAL for p in profile.phases),
        phase_elapsed_s=elapsed_s - phase.start_s,
        phase_remaining_s=phase.end_s - elapsed_s,
        phase_length_s=int(phase.end_s - phase.start_s),
        session_elapsed_s=elapsed_s,
        bpm=bpm,
        fraction=None if bpm is None else bpm / HR_MAX_BPM,
        zone=ZoneNow(phase.low_bpm, phase.high_bpm),
        position=position,  # type: ignore[arg-type]
        signal=Signal.LIVE,
        signal_reason="ok",
        signal_age_s=0.4,
        advice=Advice(),
        limits=(),
        notices=(),
        mode="heart_rate",
        speed_kmh=6.4,
        incline_percent=5.0,
    )
    return replace(snapshot, **changes)


def session_view(elapsed_s: float, plan: Plan = FOUR_BY_FOUR, **changes: Any) -> DisplayState:  # noqa: ANN401 - any field of a snapshot
    """Return a running session."""
    profile = profile_of(plan, elapsed_s)
    bpm = changes.get("bpm")
    if bpm is not None and changes.get("signal") is not Signal.IMPLAUSIBLE:
        profile = replace(profile, trace=_bent(profile.trace, bpm))
    return _with(ScreenId.SESSION, snapshot=snapshot_at(elapsed_s, plan, **changes), profile=profile)


def _bent(
    trace: tuple[tuple[float, float | None], ...], bpm: float, points: int = 14
) -> tuple[tuple[float, float | None], ...]:
    """Return the trace with its last points led to another rate."""
    last = trace[-1][1] or bpm
    ramp = {len(trace) - points + step: (step / (points - 1)) ** 1.4 for step in range(points)}
    return tuple(
        (t, None if seen is None else round(seen + (bpm - last) * ramp.get(place, 0.0), 1))
        for place, (t, seen) in enumerate(trace)
    )


def _with(face: ScreenId, **fields: Any) -> DisplayState:  # noqa: ANN401 - any field of a view
    return DisplayState(face=face, **{"nickname": "Rev", "session_number": 7, "course_sessions": 24, **fields})


def summary_of(*, completed: bool = True) -> Summary:
    """Return a whole 4×4, or one that was ended in the third interval."""
    in_zone = (182.0, 201.0, 205.0, 212.0) if completed else (182.0, 201.0, 40.0)
    intervals = tuple(
        IntervalSummary(
            index=index,
            start_s=600 + 420.0 * (index - 1),
            end_s=600 + 420.0 * (index - 1) + (240 if completed or index < 3 else 95),  # noqa: PLR2004 - ended in the third
            completed=completed or index < 3,  # noqa: PLR2004 - as above
            third_minute_bpm=158.0 + 2 * index,
            third_minute_fraction=(158.0 + 2 * index) / HR_MAX_BPM,
            time_to_zone_s=240 - seconds,
            time_in_zone_s=seconds,
            above_zone_s=0.0,
            peak_bpm=165.0 + 2 * index,
            end_bpm=164.0 + 2 * index,
            recovery_fall_60s_bpm=29.0 - index,
            speed_kmh=6.4,
            incline_percent=5.0,
            borg=15,
        )
        for index, seconds in enumerate(in_zone, 1)
    )
    return Summary(
        protocol="4x4",
        participant="p1",
        completed=completed,
        end_reason="done" if completed else "stopped",
        duration_s=2440.0,
        training_s=2400.0,
        completed_intervals=4 if completed else 2,
        planned_intervals=4,
        time_in_zone_s=sum(in_zone),
        above_95_s=0.0,
        peak_bpm=174.0,
        mean_bpm=141.0,
        load=112.0,
        hr_max_bpm=HR_MAX_BPM,
        borg=15,
        mood=4,
        intervals=intervals,
        signal=SignalSeconds(live_s=2380.0, weak_s=20.0),
        signal_quality_fraction=0.99,
        notices=(),
    )


def _advice(direction: Direction, reason: str, change_kmh: float | None = None) -> Advice:
    return Advice(direction, change_kmh, None if change_kmh is None else 6.4 + change_kmh, 5.0, reason)


def _notice(code: str, level: Level, since_s: float = 1130.0) -> tuple[NoticeNow, ...]:
    return (NoticeNow(code, level, since_s),)


def choices() -> tuple[Choice, ...]:
    """Eight people, one whose plan has expired and one with a PIN, and the guest."""
    pictures = {"Rev": None, "Bjørk": None, "Havørn": "bird", "Måne": None, "Sol": None, "Laks": None, "Fjell": None}
    known = [Choice(participant=f"p{n}", name=name, picture=key) for n, (name, key) in enumerate(pictures.items())]
    known[3] = replace(known[3], expired=True)
    known[6] = replace(known[6], has_pin=True)
    more = Choice(participant="p8", name="Kuling", picture="boat")
    return (*known, more, Choice(participant="guest", guest=True, asks_age=True))


BY_EXERTION = GoodWork(planned_s=960.0, done_s=960.0, by="exertion", intervals_s=(240.0, 240.0, 240.0, 240.0))


def _ended(snapshot: Snapshot, elapsed_s: float, *, saved: Literal["saving", "saved", "not_saved"]) -> DisplayState:
    summary = snapshot.summary
    assert summary is not None  # noqa: S101 - a session that ended has one
    seconds = tuple(one.time_in_zone_s for one in summary.intervals)
    work = GoodWork(planned_s=960.0, done_s=sum(seconds), by="zone", intervals_s=seconds)
    return _with(
        ScreenId.ENDED, snapshot=snapshot, profile=profile_of(elapsed_s=elapsed_s), saved=saved, good_work=work,
        appointment_wall_s=APPOINTMENT_S,
    )  # fmt: skip


APPOINTMENT_S = 1_765_184_400.0
SHARES = (0.62, 0.7, 0.84, 0.78, 0.9, 0.88, 0.93)


def _my_training(**changes: Any) -> DisplayState:  # noqa: ANN401 - any field of one's own training
    sessions = tuple(
        SessionShown(
            number=number,
            ended_wall_s=1_764_500_000.0 - 2.5 * 86_400 * (len(SHARES) - number),
            good_s=960.0 * share,
            planned_s=960.0,
            speed_kmh=6.2 + 0.05 * number,
        )
        for number, share in enumerate(SHARES, 1)
    )[::-1]
    training = MyTraining(
        shares=SHARES,
        week_done=2,
        line="same_speed",
        amount=4.0,
        weeks=3,
        fitness=FitnessShown(now=41, low=38, high=45, sessions=8, before=44),
        appointment_wall_s=APPOINTMENT_S,
        sessions=sessions,
    )
    return _with(ScreenId.MY_TRAINING, my_training=replace(training, **changes), take_along=True)


def examples() -> dict[str, DisplayState]:
    """Every state of the screen by name, in bokmål."""
    length_s = 2280.0
    hold = _advice(Direction.HOLD, "hold", 0.0)
    prediction = Prediction(third_minute_bpm=164.0, end_bpm=167.0, end_low_bpm=162.0, end_high_bpm=172.0)
    tabata = (
        (PhaseKind.WARM_UP, 300),
        (PhaseKind.INTERVAL, 240),
        (PhaseKind.RECOVERY, 120),
        (PhaseKind.COOL_DOWN, 300),
    )
    people = choices()
    mountain, guest = people[6], people[-1]
    strap_name = "H10 8F3A2B1C"
    done = replace(
        snapshot_at(length_s - 5, bpm=None, signal=Signal.LOST), stage="ended", phase="ended", summary=summary_of()
    )
    early = replace(done, summary=summary_of(completed=False))
    at_once = replace(summary_of(completed=False), training_s=70.0, intervals=())
    ready = replace(snapshot_at(0, bpm=84.0), stage="ready", phase="waiting", position="unknown")
    waiting = replace(ready, bpm=None, signal=Signal.LOST)
    return {
        "choose_participant": _with(ScreenId.CHOOSE_PARTICIPANT, nickname=None, choices=people, selected=2),
        "choose_participant_more": _with(ScreenId.CHOOSE_PARTICIPANT, nickname=None, choices=people, selected=8),
        "confirm": _with(ScreenId.CONFIRM, nickname=mountain.name, who=mountain),
        "confirm_guest": _with(ScreenId.CONFIRM, nickname=None, who=guest),
        "pin": _with(ScreenId.PIN, nickname=mountain.name, who=mountain, selected=7, pin=PinNow(entered=2)),
        "pin_wrong": _with(ScreenId.PIN, nickname=mountain.name, who=mountain, pin=PinNow(wrong=3, wait_s=5)),
        "pin_ask": _with(
            ScreenId.PIN, nickname=mountain.name, who=mountain, pin=PinNow(wrong=5, wait_s=42, ask_therapist=True)
        ),
        "guest_age": _with(ScreenId.GUEST_AGE, nickname=None, who=guest, selected=54),
        "choose_participant_nobody": _with(ScreenId.CHOOSE_PARTICIPANT, nickname=None),
        "questions": _with(ScreenId.QUESTIONS, question="chest_pain"),
        "questions_yes": _with(ScreenId.QUESTIONS, question="intoxication", selected=1),
        "choose_strap": _with(
            ScreenId.CHOOSE_STRAP, straps=STRAPS, last_strap=STRAPS[0].key, snapshot=waiting, profile=profile_of()
        ),
        "strap": _with(ScreenId.STRAP),
        **{
            f"strap_{trouble}": _with(ScreenId.STRAP, strap_trouble=trouble)
            for trouble in ("no_adapter", "bluetooth_off", "bluetooth_blocked", "no_bluetoothd")
        },
        **{
            f"strap_{trouble}": _with(
                ScreenId.STRAP, strap_name=strap_name, strap_trouble=trouble, may_change_strap=True
            )
            for trouble in (
                *("not_found", "held_elsewhere", "wrong_strap", "pairing_wanted", "too_far"),
                *("radio_busy", "radio_stumbled", "no_heart_rate", "refused", "unreadable"),
            )
        },
        "strap_by_feeling": _with(ScreenId.STRAP, strap_trouble="no_adapter", by_feeling=True),
        "strap_found": _with(ScreenId.STRAP, strap_name=strap_name),
        "ready": _with(
            ScreenId.READY,
            strap_name=strap_name,
            may_change_strap=True,
            appointment_wall_s=APPOINTMENT_S,
            first_speed_kmh=4.6,
            snapshot=ready,
            profile=profile_of(),
        ),
        "my_training": _my_training(),
        "my_training_back": _my_training(
            back_after_days=16, eased=True, fitness=None, weeks=1, line="sessions", word=None, appointment_wall_s=None
        ),
        "my_training_word": _my_training(word=TherapistWord("Sterkt i går! Du holdt farten helt ut.")),
        "my_training_session": replace(_my_training(), selected=3),
        "my_training_moment": replace(
            _my_training(moment=12, shares=(*SHARES, *SHARES)[:12]), training_page=TrainingPage.MOMENT
        ),
        "my_training_take_along": replace(_my_training(), training_page=TrainingPage.TAKE_ALONG),
        "ready_battery_low": _with(
            ScreenId.READY, strap_name=strap_name, strap_battery_low=True, snapshot=ready, profile=profile_of()
        ),
        "warm_up": session_view(240.0),
        "warm_up_may_skip": session_view(500.0, can_skip_warm_up=True),
        "interval": session_view(1132.0, advice=hold, prediction=prediction),
        "interval_run_up": session_view(1042.0, prediction=prediction),
        "interval_faster": session_view(1180.0, bpm=151.0, advice=_advice(Direction.FASTER, "below_zone", 0.2)),
        "interval_slower": session_view(1180.0, bpm=179.0, advice=_advice(Direction.SLOWER, "above_zone", -0.5)),
        "interval_good": session_view(1238.0, advice=_advice(Direction.HOLD, "in_zone", 0.0)),
        "recovery": session_view(1310.0),
        "steady": session_view(1100.0, STEADY, advice=_advice(Direction.HOLD, "hold", 0.0)),
        "motor": session_view(
            1600.0, MOTOR, text={"nb": "Gå sidelengs", "en": "Walk sideways"}, speed_kmh=3.0, incline_percent=0.0
        ),
        "bout_work": session_view(433.0, tabata, bout=Bout(working=True, number=5, total=8, remaining_s=7.0)),
        "bout_rest": session_view(445.0, tabata, bout=Bout(working=False, number=5, total=8, remaining_s=5.0)),
        "cool_down": session_view(2120.0, speed_kmh=4.0, incline_percent=0.0),
        "paused": session_view(1132.0, stage="paused"),
        "signal_weak": session_view(1132.0, signal=Signal.WEAK, signal_reason="no_contact", advice=hold),
        "signal_stale": session_view(1132.0, signal=Signal.STALE, signal_reason="silent", signal_age_s=8.0, bpm=None),
        "signal_lost": session_view(
            1132.0,
            signal=Signal.LOST,
            signal_reason="silent",
            signal_age_s=22.0,
            notices=_notice("signal_lost", Level.ATTENTION),
            bpm=None,
        ),
        "signal_implausible": session_view(
            1132.0, bpm=221.0, signal=Signal.IMPLAUSIBLE, signal_reason="jump", position="unknown"
        ),
        "over_ceiling": session_view(
            1190.0,
            bpm=184.0,
            advice=_advice(Direction.SLOWER, "over_ceiling", -0.8),
            limits=(Limit("ceiling", ("therapist",), 182.0),),
            notices=_notice("over_ceiling", Level.ATTENTION),
        ),
        "notice_information": session_view(1132.0, advice=hold, notices=_notice("by_exertion", Level.INFORMATION)),
        "notice_attention": session_view(1132.0, advice=hold, notices=_notice("eased_without_signal", Level.ATTENTION)),
        "notice_older": session_view(
            1132.0, advice=hold, notices=_notice("eased_without_signal", Level.ATTENTION, 1000.0)
        ),
        "therapist_says": replace(session_view(1132.0, advice=hold), message="Bra jobba! Rett ryggen og pust rolig."),
        "interval_begins": session_view(1023.0, bpm=121.0, advice=_advice(Direction.FASTER, "phase_start", 1.2)),
        "recovery_begins": session_view(1263.0, advice=_advice(Direction.SLOWER, "phase_start", -2.4)),
        "notice_stop_now": session_view(1132.0, question="odd_fall", notices=_notice("no_answer", Level.STOP_NOW)),
        "all_right": session_view(1258.0, question="odd_fall"),
        "by_feeling": session_view(
            1132.0,
            mode="exertion",
            zone=ZoneNow(low_borg=15, high_borg=17),
            advice=_advice(Direction.HOLD, "hold", 0.0),
        ),
        "stopped": replace(
            session_view(1132.0, cool_down_offered=True, stage="ended", phase="ended"), face=ScreenId.ENDED
        ),
        "go_on": _with(
            ScreenId.GO_ON, snapshot=snapshot_at(1132.0, stage="paused"), profile=profile_of(elapsed_s=1132.0)
        ),
        "exertion": _with(ScreenId.EXERTION, selected=15),
        "mood": _with(ScreenId.MOOD, selected=4),
        "ended": _ended(done, length_s - 5, saved="saved"),
        "ended_early": _ended(early, 1535.0, saved="saving"),
        "ended_not_saved": _ended(done, length_s - 5, saved="not_saved"),
        "ended_poor_mood": _ended(replace(done, summary=replace(summary_of(), mood=1)), length_s - 5, saved="saved"),
        "ended_by_exertion": replace(_ended(done, length_s - 5, saved="saved"), good_work=BY_EXERTION),
        "ended_at_once": _ended(replace(done, summary=at_once), 70.0, saved="saved"),
        "week_done": _with(ScreenId.NOT_TODAY, reason="weekly_cap", opens_wall_s=1_765_180_000.0),
        "rest_day": _with(ScreenId.NOT_TODAY, reason="rest", opens_wall_s=1_765_007_200.0),
        "unwell": _with(ScreenId.NOT_TODAY, reason="unwell", help_number="22 22 22 22"),
        "questions_second": _with(ScreenId.QUESTIONS, question="fever", answered=1),
        "questions_all": _with(ScreenId.QUESTIONS, questions=("chest_pain", "fainting", "fever", "intoxication")),
        "not_today": _with(ScreenId.NOT_TODAY, reason="readiness"),
        "self_test_failed": _with(ScreenId.SELF_TEST_FAILED, nickname=None, findings=("nothing_to_train_by",)),
        "choose_attention": _with(
            ScreenId.CHOOSE_PARTICIPANT, nickname=None, choices=people, selected=2, attention=("sound_muted",)
        ),
        "machine": _with(
            ScreenId.MACHINE,
            nickname=None,
            attention=("sound_muted", "strap_battery_low", "undervoltage_since_start", "wifi_weak"),
        ),
        "machine_well": _with(ScreenId.MACHINE, nickname=None),
        "self_test_screen": _with(ScreenId.SELF_TEST, nickname=None, tried=TriedPart.SCREEN),
        "self_test_lamp": _with(ScreenId.SELF_TEST, nickname=None, tried=TriedPart.LAMP),
        "self_test_voice": _with(ScreenId.SELF_TEST, nickname=None, tried=TriedPart.VOICE),
    }


def in_language(view: DisplayState, language: Language) -> DisplayState:
    """Return the same view in another language."""
    return replace(view, language=language)
