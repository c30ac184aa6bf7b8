"""A session in a terminal: phase, time left, rate and zone, advice, what was said, and the whole session's profile.

Pure: a view in, something for rich to print out.
"""

from collections.abc import Iterator

from msgspec import Struct
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from coach.kiosk.view import DisplayState, ScreenId
from coach.model.events import Advice, Direction, Signal
from coach.model.protocol import PhaseKind
from coach.model.snapshot import Profile, ProfilePhase, Snapshot

WIDTH = 72
GAUGE_WIDTH = 40
PROFILE_ROWS = 4
EIGHTHS = " ▁▂▃▄▅▆▇█"
GAUGE_LOW_FRACTION, GAUGE_HIGH_FRACTION = 0.4, 1.05

IN_ZONE, BELOW, ABOVE, QUIET, UNSEEN = "green", "dodger_blue1", "dark_orange", "bright_black", "white"
POSITION_STYLES = {"in": IN_ZONE, "below": BELOW, "above": ABOVE, "unknown": UNSEEN}
POSITION_WORDS = {"in": "in the zone", "below": "below the zone", "above": "above the zone", "unknown": ""}
PHASE_STYLES = {
    PhaseKind.WARM_UP: "gold3",
    PhaseKind.INTERVAL: "green",
    PhaseKind.RECOVERY: "dodger_blue1",
    PhaseKind.STEADY: "green",
    PhaseKind.MOTOR: "cyan",
    PhaseKind.COOL_DOWN: "dodger_blue1",
}
SIGNAL_WORDS = {
    Signal.LIVE: "live",
    Signal.WEAK: "weak signal",
    Signal.STALE: "waiting for pulse",
    Signal.LOST: "pulse lost",
    Signal.IMPLAUSIBLE: "unsure pulse",
}
FACE_WORDS = {
    ScreenId.CHOOSE_PARTICIPANT: "Choosing who trains",
    ScreenId.CONFIRM: "Is it you?",
    ScreenId.PIN: "Waiting for a PIN",
    ScreenId.GUEST_AGE: "A guest's age",
    ScreenId.QUESTIONS: "Questions before the start",
    ScreenId.CHOOSE_STRAP: "Choosing the strap",
    ScreenId.STRAP: "Waiting for the strap",
    ScreenId.READY: "Ready to start",
    ScreenId.SESSION: "",
    ScreenId.GO_ON: "A session from last time is offered again",
    ScreenId.EXERTION: "How hard was it? (Borg 6–20)",
    ScreenId.MOOD: "How do you feel? (1–5)",
    ScreenId.ENDED: "Done",
    ScreenId.NOT_TODAY: "Not today",
    ScreenId.SELF_TEST_FAILED: "The machine is not ready",
    ScreenId.MACHINE: "The machine's own page",
    ScreenId.SELF_TEST: "Trying screen, lamp and voice",
}
SAVED_WORDS = {"no": "", "saving": "saving …", "saved": "saved in the diary", "not_saved": "NOT SAVED"}


class TerminalFrame(Struct, frozen=True):
    """What stands around the session: title, how fast it runs, last phrase, pictures saved, a line below all of it."""

    title: str
    speed: float
    said: str = ""
    pictures: int = 0
    below: str = ""


def terminal_view(view: DisplayState | None, around: TerminalFrame) -> RenderableType:
    """Everything, in `HEIGHT` lines that do not jump."""
    heading = Text.assemble(
        ("interval-coach  ", "bold"), (around.title, QUIET), (f"   {around.speed:g} × real time", QUIET)
    )
    if view is None:
        return Padding(Group(heading, Text(""), Text("Starting coach, display and sync …")), (1, 2))
    snapshot = view.snapshot
    lines: list[RenderableType] = [heading, Text("")]
    if view.face is ScreenId.SESSION and snapshot is not None:
        lines += _session(view, snapshot)
    else:
        lines += _around_session(view)
    lines += [_said(around), Text("")]
    if view.profile is not None:
        lines += [*_profile(view.profile, snapshot), Text("")]
        if snapshot is not None:
            lines.append(_progress(view.profile, snapshot))
    lines += [Text(""), Text(around.below, style=QUIET)] if around.below else []
    return Padding(Group(*lines), (1, 2))


def phase_name(snapshot: Snapshot) -> str:
    """Return the phase in words, with its number where it has one."""
    words = snapshot.phase.replace("_", " ").capitalize()
    numbered = snapshot.phase in (PhaseKind.INTERVAL, PhaseKind.RECOVERY) and snapshot.interval
    return f"{words} {snapshot.interval} of {snapshot.intervals}" if numbered else words


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes}:{rest:02}"


def _session(view: DisplayState, snapshot: Snapshot) -> Iterator[Text | Table]:
    style = PHASE_STYLES.get(PhaseKind(snapshot.phase), UNSEEN) if snapshot.phase in set(PhaseKind) else UNSEEN
    name = phase_name(snapshot) if snapshot.stage != "paused" else "Paused"
    yield _two(Text(name, style=f"bold {style}"), Text(f"{clock(snapshot.phase_remaining_s)} left", style="bold"))
    done = 1 - snapshot.phase_remaining_s / max(1, snapshot.phase_length_s)
    yield _bar(done, WIDTH, style)
    yield Text("")
    yield _rate(snapshot)
    yield _gauge(view, snapshot)
    yield _advice(snapshot)


def _around_session(view: DisplayState) -> Iterator[Text | Table]:
    saved = "" if view.face is ScreenId.CHOOSE_PARTICIPANT else SAVED_WORDS[view.saved]
    style = "bold red" if view.saved == "not_saved" else "green"
    yield _two(Text(FACE_WORDS[view.face], style="bold"), Text(saved, style=style))
    yield Text("")
    yield Text("")
    match view.face:
        case ScreenId.EXERTION | ScreenId.MOOD:
            yield Text(f"{view.selected}", style="bold")
        case ScreenId.CHOOSE_PARTICIPANT:
            yield Text("  ".join(one.name or one.participant for one in view.choices), style="bold")
        case _:
            rate = None if view.snapshot is None else view.snapshot.bpm
            yield Text("" if rate is None else f"♥ {rate:.0f} bpm", style="bold")
    yield Text("")
    yield Text("")


def _rate(snapshot: Snapshot) -> Text:
    style = POSITION_STYLES[snapshot.position]
    text = Text()
    text.append("♥ –" if snapshot.bpm is None else f"♥ {snapshot.bpm:.0f}", style=f"bold {style}")
    text.append(" bpm   ")
    text.append(POSITION_WORDS[snapshot.position], style=style)
    low, high = snapshot.zone.low_bpm, snapshot.zone.high_bpm
    if low is not None and high is not None:
        text.append(f"   zone {low:.0f}–{high:.0f}", style=QUIET)
    text.append(f"   {SIGNAL_WORDS[snapshot.signal]}", style=QUIET if snapshot.signal is Signal.LIVE else ABOVE)
    if snapshot.speed_kmh is not None:
        text.append(f"   {snapshot.speed_kmh:.1f} km/h, {snapshot.incline_percent or 0:g} %", style=QUIET)
    return text


def _gauge(view: DisplayState, snapshot: Snapshot) -> Text:
    """Where the rate lies against the zone: position beside the colour and the word."""
    most = view.profile.hr_max_bpm if view.profile else None
    if most is None:
        return Text("")

    def column(bpm: float) -> int:
        share = (bpm / most - GAUGE_LOW_FRACTION) / (GAUGE_HIGH_FRACTION - GAUGE_LOW_FRACTION)
        return min(GAUGE_WIDTH - 1, max(0, round(share * (GAUGE_WIDTH - 1))))

    low, high = snapshot.zone.low_bpm, snapshot.zone.high_bpm
    zone = range(column(low), column(high) + 1) if low is not None and high is not None else range(0)
    rate = None if snapshot.bpm is None else column(snapshot.bpm)
    text = Text()
    for place in range(GAUGE_WIDTH):
        if place == rate:
            text.append("●", style=f"bold {POSITION_STYLES[snapshot.position]}")
        else:
            text.append("━" if place in zone else "─", style=IN_ZONE if place in zone else QUIET)
    return text


def _advice(snapshot: Snapshot) -> Text:
    advice = snapshot.advice
    words = {
        Direction.FASTER: ("▲ faster", BELOW),
        Direction.SLOWER: ("▼ slower", ABOVE),
        Direction.HOLD: ("■ hold the speed", IN_ZONE),
        Direction.NONE: ("", QUIET),
    }
    word, style = words[advice.direction]
    text = Text(word, style=f"bold {style}")
    text.append(_setting(advice), style=style)
    if snapshot.question is not None:
        text.append("   «are you all right?»", style="bold")
    return text


def _setting(advice: Advice) -> str:
    if advice.speed_kmh is None:
        return ""
    incline = "" if advice.incline_percent is None else f", {advice.incline_percent:g} %"
    return f"   {advice.speed_kmh:.1f} km/h{incline}"


def _said(around: TerminalFrame) -> Text:
    return Text(f"«{around.said}»" if around.said else "", style="italic")


def _profile(profile: Profile, snapshot: Snapshot | None) -> list[Text]:
    """Return the whole session: the rate so far as a curve in blocks, over a line of the phases in their colours."""
    total_s = max((phase.end_s for phase in profile.phases), default=0.0)
    if total_s <= 0:
        return []
    columns = [_rate_between(profile, total_s, column) for column in range(WIDTH)]
    most = profile.hr_max_bpm or max((bpm for bpm in columns if bpm is not None), default=200.0)
    least = 0.35 * most
    rows = []
    for row in reversed(range(PROFILE_ROWS)):
        text = Text()
        for column, bpm in enumerate(columns):
            phase = _phase_at(profile, (column + 0.5) * total_s / WIDTH)
            if bpm is None:
                text.append(" ")
                continue
            eighths = round((bpm - least) / (most - least) * PROFILE_ROWS * 8) - row * 8
            text.append(EIGHTHS[min(8, max(1 if row == 0 else 0, eighths))], style=_style_in(phase, bpm))
        rows.append(text)
    now_s = snapshot.session_elapsed_s if snapshot is not None else 0.0
    floor = Text()
    for column in range(WIDTH):
        t_s = (column + 0.5) * total_s / WIDTH
        phase = _phase_at(profile, t_s)
        lit = t_s <= now_s
        colour = PHASE_STYLES[phase.kind] if phase else QUIET
        floor.append(
            "▀" if phase and phase.kind is PhaseKind.INTERVAL else "─", style=colour if lit else f"dim {colour}"
        )
    return [*rows, floor]


def _phase_at(profile: Profile, t_s: float) -> ProfilePhase | None:
    return next((phase for phase in profile.phases if phase.start_s <= t_s < phase.end_s), None)


def _rate_between(profile: Profile, total_s: float, column: int) -> float | None:
    start_s, end_s = column * total_s / WIDTH, (column + 1) * total_s / WIDTH
    rates = [bpm for t, bpm in profile.trace if start_s <= t < end_s and bpm is not None]
    return sum(rates) / len(rates) if rates else None


def _style_in(phase: ProfilePhase | None, bpm: float) -> str:
    if phase is None or phase.low_bpm is None or phase.high_bpm is None:
        return UNSEEN
    return BELOW if bpm < phase.low_bpm else ABOVE if bpm > phase.high_bpm else IN_ZONE


def _progress(profile: Profile, snapshot: Snapshot) -> Table:
    total_s = max((phase.end_s for phase in profile.phases), default=0.0)
    share = snapshot.session_elapsed_s / total_s if total_s else 0.0
    told = f"{clock(snapshot.session_elapsed_s)} of {clock(total_s)}"
    return _two(_bar(share, WIDTH - len(told) - 2, "white"), Text(told, style=QUIET))


def _bar(share: float, width: int, style: str) -> Text:
    full = min(width, max(0, round(share * width)))
    return Text.assemble(("━" * full, style), ("━" * (width - full), "grey23"))


def _two(left: Text, right: Text) -> Table:
    table = Table.grid(expand=False)
    table.add_column(width=WIDTH - len(right.plain), no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_row(left, right)
    return table
