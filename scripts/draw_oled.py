"""Draws every state of the small screen into docs/screens/oled-*.png, and all of them on one sheet."""

import sys
from pathlib import Path

from msgspec.structs import replace
from PIL import Image

from coach.desk_view import Face, View
from coach.events import Advice, Direction, Level, Signal
from coach.snapshot import Bout, NoticeNow, Snapshot, ZoneNow
from coach.summary import SignalSeconds, Summary
from display.oled import Oled

SCALE = 6
SHEET_COLUMNS = 4

RUNNING = Snapshot(
    t=1520.0,
    stage="running",
    phase="interval",
    phase_index=3,
    interval=2,
    intervals=4,
    phase_elapsed_s=89.0,
    phase_remaining_s=151.0,
    phase_length_s=240,
    session_elapsed_s=1520.0,
    bpm=161.0,
    fraction=0.87,
    zone=ZoneNow(157.25, 175.75),
    position="in",
    signal=Signal.LIVE,
    signal_reason="ok",
    signal_age_s=0.4,
    advice=Advice(),
    limits=(),
    notices=(),
    mode="heart_rate",
    speed_kmh=6.0,
    incline_percent=5.0,
)
SUMMARY = Summary(
    protocol="4x4",
    participant="p1",
    completed=True,
    end_reason="done",
    duration_s=2460.0,
    training_s=2460.0,
    completed_intervals=4,
    planned_intervals=4,
    time_in_zone_s=800.0,
    above_95_s=0.0,
    peak_bpm=176.0,
    mean_bpm=148.0,
    load=120.0,
    hr_max_bpm=185.0,
    borg=16,
    mood=4,
    intervals=(),
    signal=SignalSeconds(live_s=2460.0),
    signal_quality_fraction=1.0,
    notices=(),
)
RECOVERY = replace(
    RUNNING, phase="recovery", interval=0, phase_elapsed_s=60.0, phase_remaining_s=120.0, phase_length_s=180, bpm=138.0
)


def session(now: Snapshot) -> View:
    """Show a moment of a session."""
    return View(face=Face.SESSION, snapshot=now)


def views() -> dict[str, View]:
    """Gather the views to draw, by name."""
    over = NoticeNow("over_ceiling", Level.ATTENTION, 3.0)
    ended = replace(RUNNING, stage="ended", phase="ended", summary=SUMMARY)
    return {
        "choose": View(face=Face.CHOOSE_PARTICIPANT, choices=("Fjellrev", "Kari", "Måke", "Bølgen"), selected=1),
        "questions": View(face=Face.QUESTIONS, question="chest_pain", selected=0),
        "strap": View(face=Face.STRAP),
        "strap-found": View(face=Face.STRAP, strap_name="Polar H10 8C4A"),
        "ready": View(face=Face.READY, nickname="Kari", snapshot=replace(RUNNING, stage="ready")),
        "warm-up": session(replace(RECOVERY, phase="warm_up", bpm=112.0, zone=ZoneNow(111.0, 130.0))),
        "interval": session(RUNNING),
        "faster": session(replace(RUNNING, bpm=149.0, position="below", advice=Advice(Direction.FASTER, 0.3))),
        "hold": session(replace(RUNNING, advice=Advice(Direction.HOLD))),
        "slower": session(replace(RUNNING, bpm=179.0, position="above", advice=Advice(Direction.SLOWER, -0.3))),
        "recovery": session(replace(RECOVERY, zone=ZoneNow(111.0, 130.0), position="above")),
        "cool-down": session(replace(RECOVERY, phase="cool_down", bpm=96.0, zone=ZoneNow(), phase_remaining_s=287.0)),
        "tabata": session(replace(RUNNING, bout=Bout(working=True, number=3, total=8, remaining_s=12.0))),
        "strap-lost": session(replace(RUNNING, bpm=None, signal=Signal.LOST, position="unknown")),
        "implausible": session(replace(RUNNING, bpm=88.0, signal=Signal.IMPLAUSIBLE, position="unknown")),
        "by-feeling": session(replace(RUNNING, mode="exertion", zone=ZoneNow(low_borg=15, high_borg=17))),
        "over-ceiling": session(replace(RUNNING, bpm=187.0, position="above", notices=(over,))),
        "all-right": session(replace(RUNNING, question="phase_end")),
        "paused": session(replace(RUNNING, stage="paused")),
        "go-on": View(face=Face.GO_ON),
        "stopped": session(replace(RUNNING, stage="ended", cool_down_offered=True)),
        "exertion": View(face=Face.EXERTION, selected=15),
        "mood": View(face=Face.MOOD, selected=4),
        "ended": View(face=Face.ENDED, saved="saved", session_number=7, course_sessions=24, snapshot=ended),
        "not-saved": View(face=Face.ENDED, saved="not_saved", session_number=7, course_sessions=24, snapshot=ended),
        "not-today": View(face=Face.NOT_TODAY),
        "self-test-failed": View(face=Face.SELF_TEST_FAILED, findings=("no_adapter",)),
        "slower-en": View(
            face=Face.SESSION,
            language="en",
            snapshot=replace(RECOVERY, advice=Advice(Direction.SLOWER, -0.5), zone=ZoneNow(111.0, 130.0)),
        ),
    }


def main() -> int:
    """Draw them all."""
    folder = Path(__file__).parent.parent / "docs" / "screens"
    folder.mkdir(parents=True, exist_ok=True)
    oled, pictures = Oled(), []
    for name, view in views().items():
        oled.draw(view)
        oled.save(folder / f"oled-{name}.png", SCALE)
        with Image.open(folder / f"oled-{name}.png") as saved:
            pictures.append(saved.convert("L").resize((384, 192), Image.Resampling.NEAREST))
    rows = -(-len(pictures) // SHEET_COLUMNS)
    sheet = Image.new("L", (SHEET_COLUMNS * 400, rows * 208), 90)
    for place, drawn in enumerate(pictures):
        sheet.paste(drawn, (8 + place % SHEET_COLUMNS * 400, 8 + place // SHEET_COLUMNS * 208))
    sheet.save(folder / "oled.png")
    print(f"{len(pictures)} pictures in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
