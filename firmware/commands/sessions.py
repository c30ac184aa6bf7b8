"""`interval-coach sessions list | show ID | export ID`: the training diary on the command line.

ID may be the beginning of an id, as long as only one session has it, or `last`.
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from rich.console import Console
from rich.table import Table

from coach.model.summary import IntervalSummary, Summary
from firmware.journal.errors import UnknownSessionError
from firmware.journal.reader import Diary, LocalDiary
from firmware.system.errors import FirmwareError
from firmware.system.paths import diary_path

if TYPE_CHECKING:
    from firmware.journal.record import SessionLine, SessionRecord
    from firmware.system.timestamps import Timestamp

FORMATS = ("fit", "csv", "json", "png")
_SHORT_ID = 13
_PIPED_WIDTH = 160


class ExportError(FirmwareError, OSError):
    """A file that could not be written, or that is there already."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command to the command line."""
    parser = subparsers.add_parser("sessions", help="list, show and export the sessions in the training diary")
    parser.add_argument("--diary", type=Path, metavar="FILE", help=f"the diary's file (default: {diary_path()})")
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|show|export")
    actions.add_parser("list", help="list the sessions, oldest first")
    show = actions.add_parser("show", help="show one session's summary, interval by interval")
    show.add_argument("session", metavar="ID", help="its id, the beginning of it, or «last»")
    export = actions.add_parser("export", help="write one session to a file")
    export.add_argument("session", metavar="ID", help="its id, the beginning of it, or «last»")
    export.add_argument("--format", choices=FORMATS, default="fit", help="fit (default), csv, json, or png: a plot")
    export.add_argument("--output", type=Path, metavar="FILE", help="where to (default: session-ID.FORMAT here)")
    export.add_argument("--language", choices=("nb", "en"), help="of the plot (default: the participant's)")
    export.add_argument("--force", action="store_true", help="overwrite a file that is there")
    return parser


def run(
    arguments: argparse.Namespace,
    *,
    open_diary: Callable[[Path], Diary] = LocalDiary,
    output: Console | None = None,
    errors: Console | None = None,
) -> int:
    """Do what was asked. Gives 0, or 1 after a sentence on what went wrong.

    `open_diary` decides who is asked: the file itself, or the coach that has it open.
    """
    output = output or Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)
    errors = errors or Console(stderr=True, highlight=False, soft_wrap=True)
    exported: SessionRecord | None = None
    try:
        diary = open_diary(arguments.diary or diary_path())
        with closing(diary):
            match arguments.action:
                case "list":
                    _list(diary.sessions(), output)
                case "show":
                    _show(_find(diary, arguments.session), output)
                case "export":
                    exported = _find(diary, arguments.session)
                case _ as unknown:
                    assert_never(unknown)
        # The diary is closed: root, who reads it with its owner's rights, writes with his own again.
        if exported is not None:
            _export(exported, arguments, output)
    except FirmwareError as error:
        errors.print(str(error), markup=False)
        return 1
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        errors.print(f"{place}{error.strerror or error}.", markup=False)
        return 1
    return 0


def _find(diary: Diary, wanted: str) -> "SessionRecord":
    """Find the one session that is meant. Raises UnknownSessionError."""
    lines = diary.sessions()
    if not lines:
        raise UnknownSessionError("The diary is empty: no session has been recorded yet.")
    if wanted == "last":
        return diary.session(lines[-1].session_id)
    found = [line for line in lines if line.session_id.startswith(wanted.lower())]
    if not found:
        raise UnknownSessionError(
            f"No session's id begins with «{wanted}». See them with: interval-coach sessions list"
        )
    if len(found) > 1 and wanted.lower() not in {line.session_id for line in found}:
        ids = ", ".join(line.session_id for line in found[:4])
        raise UnknownSessionError(f"{len(found)} sessions' ids begin with «{wanted}» ({ids}…). Write more of it.")
    return diary.session(found[0].session_id)


def _list(lines: Iterable["SessionLine"], output: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Session", "Begun", "Who", "Protocol"):
        table.add_column(heading, no_wrap=True)
    for heading in ("Done", "In zone", "Peak"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("State", overflow="fold")
    for line in lines:
        table.add_row(
            line.session_id[:_SHORT_ID],
            _when(line.begun),
            line.nickname or line.participant,
            line.protocol,
            *_sums(line.summary),
            _state(line),
        )
    if table.row_count:
        output.print(table)
    else:
        output.print("The diary is empty: no session has been recorded yet.")


def _sums(summary: Summary | None) -> tuple[str, str, str]:
    if summary is None:
        return ("", "", "")
    intervals = f"{summary.completed_intervals}/{summary.planned_intervals}" if summary.planned_intervals else "–"
    return (intervals, _clock(summary.time_in_zone_s), _rounded(summary.peak_bpm))


def _state(line: "SessionLine") -> str:
    if line.damaged:
        return "damaged"
    if not line.finished:
        return "unfinished"
    delivered = "delivered" if line.delivered else "to deliver"
    return f"{delivered}, raw gone" if line.pruned else delivered


def _show(record: "SessionRecord", output: Console) -> None:
    plan, summary = record.plan, record.summary
    output.print(f"[bold]{record.session_id}[/]")
    output.print(f"{record.protocol.name}, {plan.nickname or plan.participant}, begun {_when(record.begun)}")
    if summary is None:
        output.print(f"Unfinished: {len(record.messages)} messages so far. The machine offers to go on with it.")
        return
    how = "completed" if summary.completed else f"ended early ({summary.end_reason})"
    exertion = "" if summary.borg is None else f", Borg {summary.borg}"
    mood = "" if summary.mood is None else f", mood {summary.mood} of 5"
    output.print(f"{how} after {_clock(summary.duration_s)}{exertion}{mood}")
    output.print(
        f"{_clock(summary.time_in_zone_s)} in the target zone; highest rate {_rounded(summary.peak_bpm)} bpm; "
        f"training load {summary.load:.0f}; live rate {summary.signal_quality_fraction * 100:.0f} % of the time"
    )
    if record.pruned:
        output.print("The raw data has been delivered and is no longer on this machine.")
    if not summary.intervals:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    headings = ("Interval", "Third minute", "% of HRmax", "To zone", "In zone", "Above", "Peak", "Fall in 60 s", "Borg")
    for heading in headings:
        table.add_column(heading, justify="right")
    for interval in summary.intervals:
        table.add_row(*_interval(interval))
    output.print()
    output.print(table)


def _interval(interval: IntervalSummary) -> tuple[str, ...]:
    fraction = interval.third_minute_fraction
    return (
        f"{interval.index}" if interval.completed else f"{interval.index} (cut)",
        _rounded(interval.third_minute_bpm),
        "–" if fraction is None else f"{fraction * 100:.0f}",
        "–" if interval.time_to_zone_s is None else _clock(interval.time_to_zone_s),
        _clock(interval.time_in_zone_s),
        _clock(interval.above_zone_s),
        _rounded(interval.peak_bpm),
        _rounded(interval.recovery_fall_60s_bpm),
        "–" if interval.borg is None else str(interval.borg),
    )


def _export(record: "SessionRecord", arguments: argparse.Namespace, output: Console) -> None:
    """Write the file whole or not at all. Raises ExportError."""
    path = arguments.output or Path(f"session-{record.session_id}.{arguments.format}")
    if record.pruned and arguments.format != "json":
        raise ExportError(
            f"The raw data of session {record.session_id} has been delivered and has left this machine, so only "
            "--format json can be written here. Export it on the clinic's server."
        )
    if path.is_dir():
        raise ExportError(f"{path} is a folder. Name a file with --output.")
    if path.exists() and not arguments.force:
        raise ExportError(f"{path} is there already and was not touched. Name another file, or add --force.")
    partial = path.with_name(f".{path.name}.partial.{arguments.format}")
    try:
        _write(record, arguments, partial)
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise ExportError(
            f"{path} could not be written: {error.strerror or error}. Name another place with --output."
        ) from error
    output.print(str(path), markup=False)


def _write(record: "SessionRecord", arguments: argparse.Namespace, path: Path) -> None:
    """Write one format. Each writer is loaded when it is asked for: the plot's takes a second on a Pi."""
    match arguments.format:
        case "fit":
            from firmware.commands.export_fit import export_fit  # noqa: PLC0415 - see above

            path.write_bytes(export_fit(record))
        case "csv":
            from firmware.commands.export_csv import export_csv  # noqa: PLC0415

            path.write_bytes(export_csv(record))
        case "json":
            from firmware.commands.export_json import export_json  # noqa: PLC0415

            path.write_bytes(export_json(record))
        case "png":
            from firmware.commands.session_plot import draw  # noqa: PLC0415

            draw(record, path, arguments.language or record.plan.language)
        case _ as unknown:
            assert_never(unknown)


def _when(stamp: "Timestamp") -> str:
    """Write a time of day in this machine's zone; «?» where the clock had not been set."""
    local = datetime.fromtimestamp(stamp.wall_s).astimezone()
    return f"{local:%Y-%m-%d %H:%M}{'' if stamp.trusted else ' ?'}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def _rounded(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"
