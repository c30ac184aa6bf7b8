"""What the coach can say and do is written down: hazards with their tests, every code, every key of a protocol."""

import ast
import re
import typing
from pathlib import Path

from coach.model import events, messages
from coach.model.cue import CueName
from coach.model.protocol_file import _FileEntry, read
from coach.model.snapshot import Stage
from coach.session.engine import CommandName
from coach.session.restraints import TABLE

ROOT = Path(__file__).resolve().parents[2]
ENGINE = (ROOT / "docs/engine.md").read_text(encoding="utf-8")
HAZARDS = (ROOT / "docs/hazards.md").read_text(encoding="utf-8")
PROTOCOLS = (ROOT / "docs/protocols.md").read_text(encoding="utf-8")
SESSION_ENGINE = (
    "coach/kiosk/flow.py",
    "coach/session/engine.py",
    "coach/session/limits.py",
    "coach/model/protocol_file.py",
    "coach/session/signal_quality.py",
    "coach/session/state.py",
    "coach/session/statistics.py",
    "coach/session/timeline.py",
    "coach/session/transition.py",
    "coach/session/snapshots.py",
)


def undocumented(codes: set[str]) -> set[str]:
    return {code for code in codes if f"`{code}`" not in ENGINE}


def strings_given_to(*names: str, place: int = 0) -> set[str]:
    """The literal strings that the engine's modules give to these functions."""
    found = set()
    for name in SESSION_ENGINE:
        tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if called in names and len(call.args) > place:
                given = call.args[place]
                found |= {given.value} if isinstance(given, ast.Constant) and isinstance(given.value, str) else set()
    return found


def test_every_hazard_has_its_row() -> None:
    assert re.findall(r"^## (H\d+) ", HAZARDS, re.MULTILINE) == [f"H{number}" for number in range(1, 17)]


def test_every_hazard_has_cause_harm_measure_and_a_test() -> None:
    for row in re.split(r"^## ", HAZARDS, flags=re.MULTILINE)[1:]:
        for part in ("**Cause:**", "**Harm:**", "**Measure:**", "**Tests:** `tests/"):
            assert part in row, row.splitlines()[0]


def test_every_test_that_a_hazard_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/.]+\.py)::(test_\w+)`", HAZARDS)
    assert len(named) >= 30
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not re.search(rf"^def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert missing == []


def test_the_intended_use_is_the_same_sentence_everywhere() -> None:
    text = " ".join((ROOT / "docs/intended-use.md").read_text(encoding="utf-8").replace("> ", "").split())
    assert (
        "paces general interval training and keeps a training diary. It is not intended to diagnose, monitor or treat "
        "disease, or to alert staff to emergencies; the clinic's own call system is the means of rescue."
    ) in text


def test_every_message_event_cue_command_and_stage_is_documented() -> None:
    tags = {kind.__struct_config__.tag for kind in typing.get_args(messages.AnyMessage)}
    tags |= {kind.__struct_config__.tag for kind in typing.get_args(events.AnyEvent)}
    assert undocumented(tags | set(CueName) | set(CommandName) | set(typing.get_args(Stage))) == set()


def test_every_notice_limit_and_refusal_is_documented() -> None:
    codes = strings_given_to("raise_notice", "cool_down", "MessageRefused", "Limit") | strings_given_to(
        "_require", place=1
    )
    assert {"over_ceiling", "no_answer", "cool_down_only", "time_backwards", "not_paused", "not_all_right"} <= codes
    assert undocumented(codes | {row.cause for row in TABLE}) == set()


def test_every_state_of_the_signal_and_its_reasons_are_documented() -> None:
    source = (ROOT / "coach/session/signal_quality.py").read_text(encoding="utf-8")
    reasons = set(re.findall(r'reason(?:: str)? ?= ?"(\w+)"', source)) | set(
        re.findall(r'(?:Signal\.\w+|lose\(source), "(\w+)"', source)
    )
    assert {"silent", "never_seen", "no_rate", "out_of_range", "jump", "frozen", "ok"} <= reasons
    assert undocumented(reasons | set(events.Signal)) == set()


def test_every_reason_not_to_urge_is_documented() -> None:
    reasons = {row.cause for row in TABLE if row.urging}
    assert "no_ceiling" in reasons
    assert undocumented(reasons | {f"signal_{signal}" for signal in events.Signal if signal != "live"}) == set()


def test_every_reason_of_an_advice_is_documented() -> None:
    files = ("coach/guidance/rules.py", "coach/session/limits.py", "coach/guidance/interface.py")
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in files)
    reasons = set(re.findall(r'"(\w+_zone|on_the_way|by_feeling|no_urging|over_ceiling|phase_start|reminder)"', text))
    assert len(reasons) >= 9
    assert undocumented(reasons) == set()


def keys_of(kind: object) -> set[str]:
    """Every key of a struct and of the structs within it."""
    if hasattr(kind, "__struct_fields__"):
        hints = typing.get_type_hints(kind)
        return set(hints).union(*(keys_of(one) for one in hints.values()))
    return set().union(*(keys_of(one) for one in typing.get_args(kind)))


def test_every_key_of_a_protocol_is_documented() -> None:
    keys = keys_of(_FileEntry)
    assert {"name", "between", "low_fraction", "rest_s", "repeat"} <= keys
    assert {key for key in keys if f"`{key}`" not in PROTOCOLS} == set()


def test_the_documents_protocol_reads() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PROTOCOLS, re.DOTALL)
    assert read(example, "example.toml").intervals == 4
