"""Documents in a standard's form, checked by that standard's own tool.

Node's packages come from package-lock.json (`python -m server.web.asset_build test-scripts`). Alerting rules are
checked in tests/server/test_monitoring.py, systemd's units in test_units.py.
"""

import json
from pathlib import Path

import pytest

from firmware.commands.engine_stdio import answers
from tests.support.standards import checked

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_asyncapi_parser_reads_the_document_without_an_error() -> None:
    assert checked("asyncapi", DOCS / "asyncapi.json") == {"parsed": True, "errors": []}


def test_the_asyncapi_parser_finds_a_broken_document(tmp_path: Path) -> None:
    """The check itself is not blind: the form that the document once had is refused."""
    document = json.loads((DOCS / "asyncapi.json").read_text(encoding="utf-8"))
    document["components"]["schemas"]["Receipt"]["discriminator"] = {"propertyName": "status"}
    (tmp_path / "broken.json").write_text(json.dumps(document), encoding="utf-8")
    assert checked("asyncapi", tmp_path / "broken.json")["errors"] != []


@pytest.mark.parametrize("schema", sorted(DOCS.glob("*.schema.json")), ids=lambda path: path.name)
def test_every_schema_names_its_dialect_and_ajv_takes_it_strictly(schema: Path) -> None:
    assert json.loads(schema.read_text(encoding="utf-8"))["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert checked("schema", schema) == {"parsed": True, "errors": []}


def test_ajv_finds_every_line_of_the_engine_to_be_what_its_schema_says(tmp_path: Path) -> None:
    lines = [
        '{"type":"plan","t":0,"participant":"p1","protocol":"4x4","hr_max_bpm":185,"age":35}',
        '{"type":"command","t":0,"name":"start"}',
        *(f'{{"type":"heart_rate","t":{t},"bpm":{110 + t % 40}}}' for t in range(1, 900)),
        '{"type":"command","t":900,"name":"stop"}',
    ]
    schema = DOCS / "engine-stdio.schema.json"
    for name, content in (
        ("line_in", [line.encode() for line in lines]),
        ("line_out", [*answers(line.encode() for line in lines), *answers([b"nonsense"])]),
    ):
        file = tmp_path / name
        file.write_bytes(b"\n".join(line.strip() for line in content))
        assert checked("schema", schema, file, f"#/$defs/{name}") == {"parsed": True, "errors": []}


def test_ajv_finds_a_wrong_line_wrong(tmp_path: Path) -> None:
    (tmp_path / "lines").write_text('{"type":"heart_rate","t":"soon","bpm":110}\n', encoding="utf-8")
    found = checked("schema", DOCS / "engine-stdio.schema.json", tmp_path / "lines", "#/$defs/line_in")
    assert found["errors"] != []
