"""What the doctor says: a calm table for people, one JSON document for programs.

`python -m firmware.doctor.report` prints the document's schema (docs/doctor.schema.json).
"""

import json
import sys
from typing import Literal

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table
from rich.text import Text

from display.texts import Language, Texts, texts_in
from firmware.doctor.check import Severity
from firmware.doctor.runner import CheckResult
from sync.wire.json_schema import make_standard

FORMAT = 1
State = Literal["well", "not_asked", "attention", "stop", "not_in_use"]


class FoundInWords(Struct, frozen=True):
    """A finding. `what` and `advice` are sentences for whoever stands there; `detail` is for whoever repairs it."""

    code: str
    severity: Severity
    detail: str
    what: str
    advice: str


class CheckInWords(Struct, frozen=True):
    """A check: `title` for people, `facts` figures, what it found, and devices of its kind that are not used."""

    name: str
    title: str
    state: State
    facts: str
    findings: tuple[FoundInWords, ...]
    passed_over: tuple[str, ...] = ()


class DoctorReport(Struct, frozen=True, kw_only=True):
    """All of it. `well`: nothing was found, and each part has answered.

    `may_train`: nothing was found that closes the start of sessions.
    """

    format: int = FORMAT
    language: Language
    version: str
    coach_runs: bool
    well: bool
    may_train: bool
    checks: tuple[CheckInWords, ...]


def report(looked: tuple[CheckResult, ...], language: Language, *, version: str, coach_runs: bool) -> DoctorReport:
    """Return the findings in words."""
    texts = texts_in(language)
    checks = tuple(_in_words(one, texts) for one in looked)
    return DoctorReport(
        language=language,
        version=version,
        coach_runs=coach_runs,
        well=all(one.state in ("well", "not_in_use") for one in checks),
        may_train=all(one.state != "stop" for one in checks),
        checks=checks,
    )


def show(told: DoctorReport, console: Console) -> None:
    """Print the table: what it is, how it is, what to do. What is not in use stands last, in one line."""
    texts = texts_in(told.language)
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="bold", show_edge=False)
    for key in ("part", "state", "to_do"):
        table.add_column(texts.say(f"doctor.{key}"), overflow="fold")
    for check in told.checks:
        if check.state == "not_in_use":
            continue
        if check.state == "not_asked":
            table.add_row(check.title, Text(f"? {texts.say('doctor.not_asked')}", "yellow"), "")
        elif not check.findings:
            well = Text.assemble(("✓ ", "green"), texts.say("doctor.well"), (f"  {check.facts}".rstrip(), "dim"))
            table.add_row(check.title, well, "")
        for place, finding in enumerate(check.findings):
            sign = ("■ ", "bold red") if finding.severity is Severity.STOP else ("▲ ", "yellow")
            detail = f"\n  {finding.detail}" if finding.detail else ""
            state = Text.assemble(sign, (finding.what, "bold"), (detail, "dim"))
            table.add_row(check.title if place == 0 else "", state, finding.advice)
        for one in check.passed_over:
            table.add_row("", Text(f"  {texts.say('doctor.passed_over')}: {one}", "dim"), "")
    console.print(table)
    unused = [check.title for check in told.checks if check.state == "not_in_use"]
    console.print()
    if unused:
        console.print(Text(f"{texts.say('doctor.not_in_use')}: {', '.join(unused)}.", "dim"), soft_wrap=True)
    if not told.coach_runs:
        # Without it nobody trains here: neither that all is well nor that training goes on would be true.
        console.print(texts.say("doctor.no_coach"), soft_wrap=True)
    elif told.well:
        console.print(texts.say("doctor.all_well"))
    else:
        console.print(texts.say("doctor.open" if told.may_train else "doctor.closed"), soft_wrap=True)


def to_json(told: DoctorReport) -> str:
    """Return the document."""
    return msgspec.json.format(msgspec.json.encode(told), indent=2).decode()


def schema() -> str:
    """Return the document's JSON schema."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "interval-coach doctor --json"}
    report = msgspec.json.schema(DoctorReport)
    make_standard(report)
    return json.dumps(dialect | report, indent=2, ensure_ascii=False) + "\n"


def _in_words(one: CheckResult, texts: Texts) -> CheckInWords:
    outcome = one.outcome
    found = tuple(
        FoundInWords(
            finding.code,
            finding.severity,
            finding.detail,
            texts.of("finding", finding.code),
            texts.of("advice", finding.code),
        )
        for finding in outcome.findings
    )
    state: State = "not_in_use" if not outcome.in_use else "well" if outcome.asked else "not_asked"
    if found:
        state = "stop" if any(finding.severity is Severity.STOP for finding in found) else "attention"
    return CheckInWords(one.name, texts.say(f"doctor.{one.name}"), state, outcome.facts, found, outcome.passed_over)


if __name__ == "__main__":
    sys.stdout.write(schema())
