"""`interval-coach replay`: a recording runs through the whole session engine, and the summary is printed.

As fast as the machine can, or with `--speed` at so many times real time with a live view. Questions to the participant
are answered at once, since a recording cannot, and advice is given to nobody.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

from coach.errors import CoachError
from coach.model.messages import CommandName, SessionCommand
from coach.model.plan import HIGHEST_HR_MAX_BPM, LOWEST_HR_MAX_BPM, Plan
from coach.model.protocol import PhaseKind, Protocol
from coach.model.summary import Summary
from coach.session.snapshots import snapshot
from firmware.journal.record import SessionRecord, StampAt
from firmware.participants.protocol_files import load
from firmware.recordings.pace import draw_pace
from firmware.recordings.reader import read
from firmware.recordings.sample import SampleRecording
from firmware.simulation.session import Recorded, Rehearsal, SimulatedSecond, gathered, seconds
from firmware.system.errors import FirmwareError
from firmware.system.timestamps import Timestamp
from sync.missing_package import what_to_install

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse gives it no public name

LONGEST_WARM_UP_S = 3600
REMARKS_SHOWN = 5
INTERRUPTED = 130
ENOUGH_SAMPLES = 5


class ReplayError(FirmwareError, ValueError):
    """A replay that was asked for in a way that cannot be."""


def add_parser(subparsers: "Subparsers") -> None:
    """Add `replay` to the command line."""
    parser = subparsers.add_parser(
        "replay",
        help="run a recording of heart rate through a session and print the summary",
        description="Run a recording (CSV of rates or RR intervals, FIT, TCX, GPX; also .gz) through the engine.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the recording")
    parser.add_argument(
        "--protocol", default="4x4", metavar="NAME", help="a protocol's name or its TOML file (default: 4x4)"
    )
    parser.add_argument(
        "--hr-max",
        type=float,
        metavar="BPM",
        help="the person's HRmax, bpm (default: the highest rate that five samples of it reach)",
    )
    parser.add_argument("--warm-up", type=float, metavar="SECONDS", help="another length of the warm-up")
    parser.add_argument(
        "--from",
        dest="from_s",
        type=float,
        metavar="SECONDS",
        help="where in the recording to begin (default: where its session began, as far as the file tells, else 0)",
    )
    parser.add_argument(
        "--speed", type=float, metavar="TIMES", help="pace it at so many times real time (default: as fast as possible)"
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.add_argument("--png", type=Path, metavar="OUT", help="draw the session into this file")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Replay as the arguments say; return 0, or 2 where something could not be used (a sentence says what)."""
    told = Console(stderr=True, highlight=False)
    try:
        recording = read(args.file)
        protocol = with_warm_up(load(args.protocol), args.warm_up)
        hr_max_bpm = usual_hr_max_bpm(recording) if args.hr_max is None else args.hr_max
        rehearsal = replay(
            recording, protocol, hr_max_bpm=hr_max_bpm, from_s=args.from_s, paced=_pace(args.speed, told, recording)
        )
        if args.png is not None:
            draw(rehearsal, args.png)
    except (FirmwareError, CoachError) as error:
        told.print(str(error), style="bold", markup=False, soft_wrap=True)
        return 2
    except OSError as error:
        told.print(f"{args.png}: the picture cannot be written ({error.strerror}).", markup=False, soft_wrap=True)
        return 2
    except KeyboardInterrupt:
        told.print("Stopped. Nothing was changed.")
        return INTERRUPTED
    if args.hr_max is None:
        told.print(
            f"{recording.name}: {hr_max_bpm:g} bpm, its highest rate, was taken as HRmax. Name the person's own with "
            "--hr-max.",
            markup=False,
            soft_wrap=True,
        )
    _tell_remarks(recording, rehearsal, told)
    if args.from_s is None and recording.begins_s > 0:
        told.print(
            f"{recording.name}: begun at {recording.begins_s:g} s, where its session began.",
            markup=False,
            soft_wrap=True,
        )
    if args.json:
        printed = msgspec.to_builtins(rehearsal.summary) | {"recording": about_recording(recording)}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(printed), indent=2).decode() + "\n")
    else:
        show(rehearsal.summary, Console(highlight=False))
        Console(highlight=False).print(_counted(recording), markup=False, soft_wrap=True)
        if args.png is not None:
            told.print(f"The picture is in {args.png}", markup=False, soft_wrap=True)
    return 0


def usual_hr_max_bpm(recording: SampleRecording) -> float:
    """Return the highest rate that ENOUGH_SAMPLES samples reach, within the limits of an HRmax, bpm.

    A single wrong sample would put every zone too high.
    """
    rates = sorted(sample.bpm for sample in recording.samples if sample.bpm is not None)
    reached = rates[-ENOUGH_SAMPLES:][0] if rates else LOWEST_HR_MAX_BPM
    return min(max(reached, LOWEST_HR_MAX_BPM), HIGHEST_HR_MAX_BPM)


def with_warm_up(protocol: Protocol, length_s: float | None) -> Protocol:
    """Return the protocol with a warm-up of `length_s` (None: unchanged, 0: none). Raises ReplayError if it cannot."""
    if length_s is None:
        return protocol
    if not (0 <= length_s <= LONGEST_WARM_UP_S and length_s == int(length_s)):
        raise ReplayError(f"--warm-up is {length_s:g}, but must be whole seconds from 0 to {LONGEST_WARM_UP_S}.")
    if protocol.phases[0].kind is not PhaseKind.WARM_UP:
        raise ReplayError(f"The protocol {protocol.name} begins without a warm-up: leave --warm-up out.")
    rest = protocol.phases[1:]
    first = (replace(protocol.phases[0], length_s=int(length_s)),) if length_s else ()
    return replace(protocol, phases=first + rest)


def replay(
    recording: SampleRecording,
    protocol: Protocol,
    *,
    hr_max_bpm: float,
    from_s: float | None = None,
    paced: Callable[[Iterator[SimulatedSecond], Protocol], Iterator[SimulatedSecond]] | None = None,
) -> Rehearsal:
    """Run a recording through the session engine, from `from_s` on (None: from where its own session began).

    Raises ReplayError, RecordingError, RehearsalError and PlanError where something cannot be used.
    """
    if not LOWEST_HR_MAX_BPM <= hr_max_bpm <= HIGHEST_HR_MAX_BPM:
        lowest, highest = LOWEST_HR_MAX_BPM, HIGHEST_HR_MAX_BPM
        raise ReplayError(f"--hr-max is {hr_max_bpm:g}, but must lie in {lowest:g}–{highest:g} bpm.")
    from_s = recording.begins_s if from_s is None else from_s
    if not (math.isfinite(from_s) and from_s >= 0):
        raise ReplayError(f"--from is {from_s:g}, but must be seconds from 0 on.")
    plan = Plan(
        participant="recording", protocol=protocol.name, hr_max_bpm=hr_max_bpm, hr_max_source="measured", language="en"
    )
    lived = seconds(plan, protocol, Recorded(recording, from_s=from_s), recorded=True)
    return gathered(plan, protocol, list(paced(lived, protocol) if paced else lived))


def draw(rehearsal: Rehearsal, path: Path) -> None:
    """Draw the session into a PNG. Raises ReplayError where it cannot be drawn, OSError where it cannot be written."""
    if path.suffix.lower() != ".png":
        raise ReplayError(f"--png is {path.name}, but a picture's name must end in .png.")
    # Matplotlib is slow to import and comes with an extra, so only a wish for a picture loads it.
    try:
        from firmware.commands import session_plot  # noqa: PLC0415
    except ImportError as error:
        raise ReplayError(what_to_install(error, otherwise="diary")) from error
    undated = replace(session_plot.picture_of(as_record(rehearsal)), begun_wall_s=None)
    partial = path.with_name(f".{path.name}.partial.png")
    try:
        session_plot.draw(undated, partial)
        partial.replace(path)
    except OSError:
        # Whole or not at all, and an older picture stays as it was.
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def as_record(rehearsal: Rehearsal) -> SessionRecord:
    """Return the rehearsed session as the diary would hold it, without a date: nobody knows when it was."""
    undated = Timestamp(boot_id="", monotonic_s=0.0, wall_s=0.0, synchronised=False)
    return SessionRecord(
        session_id="replay",
        revision=1,
        plan=rehearsal.plan,
        protocol=rehearsal.protocol,
        begun=undated,
        stamps=(StampAt(0.0, undated),),
        summary=rehearsal.summary,
        messages=rehearsal.messages,
        events=rehearsal.events,
    )


def _pace(
    speed: float | None, console: Console, recording: SampleRecording
) -> Callable[[Iterator[SimulatedSecond], Protocol], Iterator[SimulatedSecond]] | None:
    if speed is None:
        return None
    if not 0 < speed < math.inf:
        raise ReplayError(f"--speed is {speed:g}, but must be a number above 0.")

    def paced(lived: Iterator[SimulatedSecond], protocol: Protocol) -> Iterator[SimulatedSecond]:
        began = time.monotonic()
        with Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[now]}"),
            console=console,
            transient=True,
        ) as progress:
            task = progress.add_task(recording.name, total=protocol.length_s, now="")
            for second in lived:
                time.sleep(max(0.0, began + second.t / speed - time.monotonic()))
                _show_second(progress, task, second)
                yield second

    return paced


def _show_second(progress: Progress, task: TaskID, second: SimulatedSecond) -> None:
    seen = snapshot(second.state)
    minutes, left_s = divmod(round(seen.phase_remaining_s), 60)
    interval = f" {seen.interval}/{seen.intervals}" if seen.interval else ""
    rate = "–" if seen.bpm is None else f"{seen.bpm:.0f}"
    zone = "" if seen.zone.low_bpm is None else f" ({seen.zone.low_bpm:.0f}–{seen.zone.high_bpm:.0f})"
    now = f"{minutes}:{left_s:02} left   {rate} bpm{zone}   {seen.signal.value}"
    phase = seen.phase.replace("_", " ")
    progress.update(task, completed=seen.session_elapsed_s, description=f"{phase}{interval}", now=now)


def _tell_remarks(recording: SampleRecording, rehearsal: Rehearsal, console: Console) -> None:
    for remark in recording.remarks[:REMARKS_SHOWN]:
        place = f"{recording.name}, line {remark.line}" if remark.line else recording.name
        console.print(f"{place}: {remark.text}", markup=False, soft_wrap=True)
    more = len(recording.remarks) - REMARKS_SHOWN
    if more > 0:
        console.print(f"{recording.name}: and {more} more lines of the kind.", markup=False)
    for told in draw_pace(recording).remarks:
        console.print(f"{recording.name}: {told}", markup=False, soft_wrap=True)
    if any(isinstance(message, SessionCommand) and message.name is CommandName.STOP for message in rehearsal.messages):
        console.print(f"{recording.name}: the recording ended before the session did.", markup=False, soft_wrap=True)


def about_recording(recording: SampleRecording) -> dict[str, object]:
    """Return what the summary rests on: rates read, how often they were recorded, what was drawn or left out."""
    paced = draw_pace(recording)
    return {
        "rates": sum(sample.bpm is not None for sample in recording.samples),
        "rates_from": recording.rates_from,
        "step_s": paced.step_s,
        "bridged_s": paced.bridged_s,
        "silent_s": paced.silent_s,
        "without_rate": len(recording.unrated_s),
        "skipped": {one.reason: one.count for one in recording.skipped},
    }


def _counted(recording: SampleRecording) -> str:
    told = about_recording(recording)
    parts = [f"{told['rates']} rates read"]
    if recording.unrated_s:
        parts.append(f"{len(recording.unrated_s)} moments without a rate")
    parts += [f"{one.count} {one.reason} left out" for one in recording.skipped]
    return "recording: " + ", ".join(parts)


def show(summary: Summary, console: Console) -> None:
    """Print a session's summary for a reader."""
    end = "completed" if summary.completed else f"not completed ({summary.end_reason})"
    table = Table(title=f"{summary.protocol}: {end}", title_justify="left", caption_justify="left")
    for heading in ("Interval", "Start", "3rd min", "To zone", "In zone", "Above", "Peak", "Fall 60 s"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in summary.intervals:
        third = None if one.third_minute_fraction is None else f"{one.third_minute_fraction:.0%}"
        table.add_row(
            f"{one.index}",
            _clock(one.start_s),
            "–" if one.third_minute_bpm is None else f"{one.third_minute_bpm:.0f} ({third})",
            _clock(one.time_to_zone_s),
            _clock(one.time_in_zone_s),
            _clock(one.above_zone_s),
            _whole(one.peak_bpm),
            _whole(one.recovery_fall_60s_bpm),
        )
    signal = summary.signal
    table.caption = (
        f"{_clock(summary.time_in_zone_s)} in the zone · {summary.completed_intervals} of {summary.planned_intervals} "
        f"intervals · load {summary.load:.0f}\n"
        f"signal: live {_clock(signal.live_s)}, weak {_clock(signal.weak_s)}, stale {_clock(signal.stale_s)}, "
        f"lost {_clock(signal.lost_s)}, implausible {_clock(signal.implausible_s)}"
    )
    console.print(table)


def _clock(seconds_: float | None) -> str:
    if seconds_ is None:
        return "–"
    minutes, left_s = divmod(round(seconds_), 60)
    return f"{minutes}:{left_s:02}"


def _whole(number: float | None) -> str:
    return "–" if number is None else f"{number:.0f}"
