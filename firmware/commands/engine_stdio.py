"""The session engine as a filter: JSON lines in, one JSON line out for each (docs/engine-stdio.md).

For researchers, and for tests that bring their own participants. Nothing is read but standard input.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from coach.errors import MessageRefused, PlanError, ProtocolFileError
from coach.guidance.defaults import default_guidance
from coach.model.cue import Cue
from coach.model.events import AnyEvent
from coach.model.messages import AnyMessage
from coach.model.plan import Plan
from coach.model.snapshot import Snapshot
from coach.model.summary import Summary
from coach.session.engine import step
from coach.session.snapshots import snapshot
from coach.session.state import SessionState, begin
from firmware.participants import protocol_files
from sync.wire.json_schema import make_standard


class PlanLine(Plan, frozen=True, kw_only=True, tag_field="type", tag="plan", forbid_unknown_fields=True):
    """A plan: begins a session at `t`, and a new one when it comes again. An unknown key is an error."""

    t: float


class AnswerLine(Struct, frozen=True):
    """What one line in brought. `summary` stands only in the line that ends the session, and in those that amend it."""

    t: float
    events: tuple[AnyEvent, ...]
    cues: tuple[Cue, ...]
    snapshot: Snapshot
    summary: Summary | UnsetType = UNSET


class ErrorLine(Struct, frozen=True):
    """A line that was refused: nothing changed. `line` counts from 1; `code` is machine-readable."""

    error: str
    code: str
    line: int


AnyLine = PlanLine | AnyMessage
_decoder: msgspec.json.Decoder[AnyLine] = msgspec.json.Decoder(AnyLine)
_encoder = msgspec.json.Encoder()


def _decode(line: bytes) -> AnyLine:
    """Return the message in a line; an optional key that is null counts as absent."""
    try:
        return _decoder.decode(line)
    except msgspec.ValidationError:
        tree = msgspec.json.decode(line)
        if not isinstance(tree, dict) or None not in tree.values():
            raise
        given: AnyLine = msgspec.convert({key: value for key, value in tree.items() if value is not None}, AnyLine)
        return given


class Filter:
    """One engine, fed with lines."""

    def __init__(self) -> None:
        """No session yet: a plan comes first."""
        self._state: SessionState | None = None
        self._count = 0

    def line(self, line: bytes) -> AnswerLine | ErrorLine:
        """Return the answer to one line in. Never raises for what the line holds."""
        self._count += 1
        try:
            return self._take(_decode(line))
        except MessageRefused as refusal:
            return ErrorLine(refusal.reason, refusal.code, self._count)
        except ProtocolFileError as error:
            return ErrorLine(str(error), "bad_protocol", self._count)
        except PlanError as error:
            return ErrorLine(str(error), "bad_plan", self._count)
        except msgspec.ValidationError as error:
            return ErrorLine(f"the line does not have the form of its type: {error}", "bad_line", self._count)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return ErrorLine(f"the line is not JSON: {error}", "not_json", self._count)
        except RecursionError:
            return ErrorLine("the line holds brackets within brackets without end", "not_json", self._count)

    def _take(self, line: AnyLine) -> AnswerLine:
        if isinstance(line, PlanLine):
            if not line.t >= 0:
                raise MessageRefused("bad_time", f"t is {line.t:g}; a session begins at 0 or later")
            state = begin(line, protocol_files.load(line.protocol), default_guidance)
            self._state = msgspec.structs.replace(state, t=line.t)
            return AnswerLine(line.t, (), (), snapshot(self._state))
        if self._state is None:
            raise MessageRefused("no_plan", "no session yet; send a line of type plan first")
        before = self._state.summary
        stepped = step(self._state, line)
        self._state = stepped.state
        now = snapshot(stepped.state)
        plain = msgspec.structs.replace(now, summary=None)
        summary = stepped.state.summary
        if summary is not None and summary != before:
            return AnswerLine(line.t, stepped.events, stepped.cues, plain, summary)
        return AnswerLine(line.t, stepped.events, stepped.cues, plain)


def answers(lines: Iterable[bytes]) -> Iterator[bytes]:
    """One encoded line out for each line in; empty lines are passed over."""
    engine = Filter()
    for line in lines:
        if line.strip():
            yield _encoder.encode(engine.line(line)) + b"\n"


def schema() -> dict[str, Any]:
    """JSON Schema of the lines in and out, made from the code."""
    (line_in, answer, error), components = msgspec.json.schema_components(
        [AnyLine, AnswerLine, ErrorLine], ref_template="#/$defs/{name}"
    )
    make_standard([line_in, components])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "interval-coach engine --stdio",
        "$defs": components | {"line_in": line_in, "line_out": {"anyOf": [answer, error]}},
    }


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand `engine`."""
    parser = subparsers.add_parser("engine", help="run the session engine as a filter of JSON lines")
    form = parser.add_mutually_exclusive_group(required=True)
    form.add_argument("--stdio", action="store_true", help="JSON lines: standard input to standard output")
    form.add_argument("--schema", action="store_true", help="print the JSON Schema of the lines")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the filter until standard input ends."""
    out = sys.stdout.buffer
    if arguments.schema:
        out.write(msgspec.json.format(_encoder.encode(schema())) + b"\n")
        return 0
    # Python has no standard input where the shell closed it: nothing comes, then.
    lines: Iterable[bytes] = () if sys.stdin is None else sys.stdin.buffer
    for answer in answers(lines):
        out.write(answer)
        out.flush()
    return 0
