"""The engine as a filter: the lines in and out, as docs/engine-stdio.md promises them."""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from firmware.commands.engine_stdio import AnswerLine, ErrorLine, Filter, add_parser, answers, schema

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = ROOT / "docs" / "engine-stdio.md"
SCHEMA = ROOT / "docs" / "engine-stdio.schema.json"

PLAN = (
    '{"type":"plan","t":0,"participant":"p1","protocol":"4x4","hr_max_bpm":185,"hr_max_source":"measured","age":35,'
    '"ceiling_bpm":null,"mode":"heart_rate","start":{"speed_kmh":5.5,"incline_percent":5},"response":null}'
)
START = '{"type":"command","t":0,"name":"start"}'


def filtered(*lines: str) -> list[dict[str, Any]]:
    """The lines out, as whoever reads them sees them."""
    return [json.loads(line) for line in answers(line.encode() for line in lines)]


def last(*lines: str) -> dict[str, Any]:
    return filtered(*lines)[-1]


def test_the_lines_that_are_promised_are_taken_word_by_word() -> None:
    out = filtered(
        PLAN,
        '{"type":"heart_rate","t":12.0,"bpm":131,"rr_ms":[458],"contact":true}',
        '{"type":"treadmill","t":12.0,"speed_kmh":6.0,"incline_percent":5.0}',
        '{"type":"time","t":13.0}',
        '{"type":"command","t":13.0,"name":"start"}',
        '{"type":"command","t":13.0,"name":"pause"}',
        '{"type":"command","t":13.0,"name":"resume"}',
        '{"type":"exertion","t":840,"borg":16}',
        '{"type":"command","t":840.0,"name":"stop"}',
    )
    assert [line.get("error") for line in out] == [None] * 9
    assert [line["t"] for line in out] == [0, 12.0, 12.0, 13.0, 13.0, 13.0, 13.0, 840, 840.0]


def test_a_line_out_has_the_promised_keys() -> None:
    line = last(PLAN, '{"type":"heart_rate","t":0.5,"bpm":100}', START.replace('"t":0', '"t":1'))
    assert line.keys() == {"t", "events", "cues", "snapshot"}
    seen = line["snapshot"]
    assert {
        "phase",
        "interval",
        "intervals",
        "phase_elapsed_s",
        "phase_remaining_s",
        "bpm",
        "fraction",
        "zone",
        "signal",
        "advice",
        "limits",
    } <= seen.keys()
    assert {"low_bpm", "high_bpm"} <= seen["zone"].keys()
    assert seen["advice"].keys() == {"direction", "speed_change_kmh", "speed_kmh", "incline_percent", "reason"}
    assert (seen["phase"], seen["intervals"], seen["phase_remaining_s"], seen["bpm"]) == ("warm_up", 4, 600.0, 100.0)
    assert seen["zone"]["low_bpm"] == 111.0
    assert line["events"][0] == {"type": "session_started", "t": 1.0}
    assert line["cues"][0] == {"t": 1.0, "name": "warm_up", "level": "information", "number": 0} | NO_SETTING


NO_SETTING = {"speed_kmh": None, "incline_percent": None}


def test_speeds_are_null_where_nothing_is_advised_or_known() -> None:
    no_start = PLAN.replace('{"speed_kmh":5.5,"incline_percent":5}', "null")
    advice = last(no_start, START)["snapshot"]["advice"]
    assert (advice["direction"], advice["speed_change_kmh"], advice["speed_kmh"]) == ("none", None, None)


def test_there_is_one_line_out_for_each_line_in_and_none_for_an_empty_one() -> None:
    assert len(filtered(PLAN, "", "   ", START, "nonsense")) == 3


def test_the_summary_stands_in_the_ending_line_and_in_those_that_amend_it_only() -> None:
    out = filtered(
        PLAN,
        START,
        '{"type":"time","t":60}',
        '{"type":"command","t":60,"name":"stop"}',
        '{"type":"time","t":61}',
        '{"type":"exertion","t":62,"borg":12}',
        '{"type":"mood","t":63,"mood":4}',
        '{"type":"time","t":64}',
    )
    assert ["summary" in line for line in out] == [False, False, False, True, False, True, True, False]
    assert {"response", "intervals", "signal", "completed", "time_in_zone_s"} <= out[3]["summary"].keys()
    assert (out[3]["summary"]["end_reason"], out[6]["summary"]["borg"], out[6]["summary"]["mood"]) == ("stopped", 12, 4)
    assert {line["snapshot"]["summary"] for line in out} == {None}


def test_the_response_may_be_handed_to_the_next_plan() -> None:
    ended = last(PLAN, START, '{"type":"command","t":60,"name":"stop"}')
    again = {**json.loads(PLAN), "response": ended["summary"]["response"]}
    assert "error" not in last(json.dumps(again))


def test_a_new_plan_begins_a_new_session_at_its_own_time() -> None:
    out = filtered(PLAN, START, '{"type":"time","t":700}', PLAN.replace('"t":0', '"t":5'), '{"type":"time","t":6}')
    assert [line["snapshot"]["phase"] for line in out] == ["waiting", "warm_up", "warm_up", "waiting", "waiting"]
    assert out[3] == {"t": 5.0, "events": [], "cues": [], "snapshot": out[3]["snapshot"]}
    assert "error" not in out[4]


def test_optional_keys_may_be_null() -> None:
    out = filtered(PLAN, '{"type":"heart_rate","t":1,"bpm":90,"rr_ms":null,"contact":null}')
    assert "error" not in out[1]


BAD = [
    ("nonsense", "not_json", "not JSON"),
    ('{"type":"time","t":', "not_json", "not JSON"),
    ("\x00", "not_json", "not JSON"),
    ("[]", "bad_line", "Expected `object`"),
    ("7", "bad_line", "Expected `object`"),
    ("{}", "bad_line", "missing required field `type`"),
    ('{"type":"time"}', "bad_line", "missing required field `t`"),
    ('{"type":"time","t":null}', "bad_line", "missing required field `t`"),
    ('{"type":"dance","t":1}', "bad_line", "dance"),
    ('{"type":"time","t":"1"}', "bad_line", "got `str`"),
    ('{"type":"time","t":1e999}', "bad_line", ""),
    ('{"type":"time","t":-1}', "time_backwards", "never fall"),
    ('{"type":"heart_rate","t":1,"bpm":-5}', "bad_heart_rate", "-5"),
    ('{"type":"heart_rate","t":1,"bpm":1e9}', "bad_heart_rate", "1e+09"),
    ('{"type":"heart_rate","t":1,"bpm":[100]}', "bad_line", "got `array`"),
    ('{"type":"treadmill","t":1,"speed_kmh":99}', "bad_treadmill", "99 km/h"),
    ('{"type":"exertion","t":1,"borg":5}', "bad_borg", "6–20"),
    ('{"type":"exertion","t":1,"borg":13}', "not_started", "has started"),
    ('{"type":"command","t":1,"name":"dance"}', "bad_line", "dance"),
    ('{"type":"command","t":1,"name":"resume"}', "not_paused", "not paused"),
    ('{"type":"plan","t":0,"participant":"p","hr_max_bpm":20}', "bad_plan", "hr_max_bpm is 20"),
    ('{"type":"plan","t":0,"participant":"p"}', "bad_plan", "no HRmax"),
    ('{"type":"plan","t":-1,"participant":"p","hr_max_bpm":180}', "bad_time", "0 or later"),
    ('{"type":"plan","t":0,"participant":"p","hr_max_bpm":180,"shoe":43}', "bad_line", "unknown field `shoe`"),
    ('{"type":"plan","t":0,"participant":"p","hr_max_bpm":180,"protocol":"9x9"}', "bad_protocol", "9x9"),
    (
        '{"type":"plan","t":0,"participant":"p","hr_max_bpm":180,"protocol":"/nowhere/a.toml"}',
        "bad_protocol",
        "No such",
    ),
    ('{"type":"plan","t":0,"participant":"p","hr_max_bpm":180,"protocol":"\\u0000.toml"}', "bad_protocol", ""),
    (f'{{"type":"plan","t":0,"participant":"p","hr_max_bpm":180,"protocol":"{"a" * 300}"}}', "bad_protocol", ""),
    (
        '{"type":"plan","t":0,"participant":"p","hr_max_bpm":180,"response":{"kind":"learned","sessions":"x"}}',
        "",
        "",
    ),
    (f'{{"type":"plan","t":0,"participant":"p","response":{"[" * 100_000}', "not_json", ""),
]


@pytest.mark.parametrize(("line", "code", "about"), BAD, ids=[line[:60] for line, _, _ in BAD])
def test_a_bad_line_gets_the_reason_and_changes_nothing(line: str, code: str, about: str) -> None:
    engine = Filter()
    engine.line(PLAN.encode())
    before = engine.line(b'{"type":"time","t":0}')
    answer = engine.line(line.encode())
    assert isinstance(answer, ErrorLine)
    assert about in answer.error
    assert code in ("", answer.code)
    assert answer.line == 3
    assert engine.line(b'{"type":"time","t":0}') == before


def test_bytes_that_are_no_text_get_the_reason() -> None:
    assert json.loads(next(answers([b"\xff\xfe\n"])))["code"] == "not_json"


def test_before_a_plan_everything_is_refused() -> None:
    assert filtered('{"type":"time","t":1}') == [
        {"error": "no session yet; send a line of type plan first", "code": "no_plan", "line": 1}
    ]


def printed(*arguments: str, given: bytes = b"") -> bytes:
    """What the subcommand prints, in a process of its own."""
    code = (
        "import argparse,sys;from firmware.commands.engine_stdio import add_parser;p=argparse.ArgumentParser();"
        "add_parser(p.add_subparsers());a=p.parse_args(sys.argv[1:]);sys.exit(a.run(a))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "engine", *arguments], input=given, capture_output=True, check=True, cwd=ROOT
    )
    return done.stdout


def test_the_subcommand_answers_line_by_line() -> None:
    out = printed("--stdio", given=f"{PLAN}\n{START}\n".encode())
    assert [json.loads(line)["t"] for line in out.splitlines()] == [0.0, 0.0]


def test_one_form_must_be_chosen() -> None:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    with pytest.raises(SystemExit):
        parser.parse_args(["engine"])


def test_the_schema_in_the_documents_is_the_codes_own() -> None:
    """Make it anew with: interval-coach engine --schema > docs/engine-stdio.schema.json."""
    assert printed("--schema").decode() == SCHEMA.read_text(encoding="utf-8")


def test_real_lines_have_the_form_of_the_schema() -> None:
    """Each line out, decoded strictly into the types from which the schema is made, gives the same line again."""
    minute = [f'{{"type":"heart_rate","t":{t},"bpm":{110 + t % 2}}}' for t in range(1, 700)]
    lines = [PLAN, START, *minute, '{"type":"command","t":700,"name":"stop"}', "nonsense"]
    for line in answers(one.encode() for one in lines):
        form = ErrorLine if b'"error"' in line else AnswerLine
        decoded = msgspec.json.decode(line, type=form)
        assert msgspec.json.encode(decoded) + b"\n" == line


def every_reference(tree: object) -> set[str]:
    """All `$ref` in a JSON tree."""
    if isinstance(tree, dict):
        own = {tree["$ref"]} if "$ref" in tree else set()
        return own.union(*map(every_reference, tree.values()))
    return set().union(*map(every_reference, tree)) if isinstance(tree, list) else set()


def test_every_reference_of_the_schema_leads_somewhere() -> None:
    made = schema()
    assert {f"#/$defs/{name}" for name in made["$defs"]} >= every_reference(made)


def test_the_documents_example_brings_its_own_participant_through_a_whole_session(tmp_path: Path) -> None:
    """The example runs the command `interval-coach`; here a file of that name stands for the installed one."""
    example = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)[0]
    assert len(example.strip().splitlines()) <= 20
    command = tmp_path / "interval-coach"
    command.write_text(
        f"#!{sys.executable}\nimport argparse, sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from firmware.commands.engine_stdio import add_parser\np = argparse.ArgumentParser()\n"
        "add_parser(p.add_subparsers())\na = p.parse_args()\nsys.exit(a.run(a))\n"
    )
    command.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", example],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        cwd=tmp_path,
    )
    in_zone = re.search(r"(\d+) s in the zone, 4 intervals", done.stdout)
    assert in_zone is not None, done.stdout
    assert int(in_zone[1]) > 60


def test_the_document_names_every_message_and_every_field_of_the_plan() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    definitions = schema()["$defs"]
    kinds = [re.search(r"\w+\Z", one["$ref"])[0] for one in definitions["line_in"]["anyOf"]]  # type: ignore[index]
    missing = []
    for kind in kinds:
        fields = definitions[kind]["properties"]
        missing += [f"{kind}.{name}" for name in fields if f"`{name}`" not in text]
        tag = fields["type"]["enum"][0]
        missing += [tag] if f"`{tag}`" not in text else []
    for kind in ("Snapshot", "Advice", "ZoneNow", "Limit", "Summary", "IntervalSummary", "SignalSeconds", "ErrorLine"):
        missing += [f"{kind}.{name}" for name in definitions[kind]["properties"] if f"`{name}`" not in text]
    assert missing == []
