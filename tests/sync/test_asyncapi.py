import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from coach.kiosk.flow import KioskState, view
from coach.model.events import Level, Signal
from coach.model.plan import Plan
from sync.delivery.fault_registry import Trouble
from sync.delivery.live_snapshot import to_live
from sync.delivery.serializer import Sender, pack
from sync.wire import messages as wire
from sync.wire.asyncapi import CHANNELS, document, text
from sync.wire.codec import encode
from sync.wire.topics import Kind, Topic, build
from tests.support.broker.courier_machine import SOFTWARE, clocks, parcel

DOCS = Path(__file__).parents[2] / "docs"
NOW = clocks()
COMMAND = wire.Command(id="c1", by="t1", made_at_wall_s=1.0, expires_wall_s=2.0, action=wire.Pause())
MESSAGES: list[msgspec.Struct] = [
    wire.State(online=True, connection=1, clinic="oslo", machine="pi-1", software=SOFTWARE, at=NOW),
    wire.State(
        online=False,
        connection=1,
        clinic="oslo",
        machine="pi-1",
        software=SOFTWARE,
        findings=(wire.Finding("no_broker", "x", 1.0),),
    ),
    to_live(view(KioskState(), None), NOW, age_s=0.0, participant=None, session_id=None),
    wire.Live(
        number=1,
        connection=2,
        at=NOW,
        age_s=0.1,
        face="session",
        signal=Signal.LIVE,
        advice=wire.AdviceNow(),
        prediction=wire.Foretold(None, 150.0, 140.0, 160.0),
        notices=(wire.LiveNotice("over_ceiling", Level.ATTENTION, 3.0),),
    ),
    pack(parcel(1), Sender("oslo", "pi-1", SOFTWARE)),
    wire.CommandResult(id="c1", outcome="refused", at=NOW, code="stale", reason="x"),
    wire.Receipt(session_id="s", revision=1, sha256="a", stored_at_wall_s=1.0),
    wire.Receipt(session_id="s", revision=1, sha256="a", status="quarantined", stored_at_wall_s=1.0, reason="x"),
    *(
        msgspec.structs.replace(COMMAND, action=action)
        for action in (
            wire.StartGroup(1.0),
            wire.Pause(),
            wire.Resume(),
            wire.Ease(),
            wire.End(),
            wire.Adjust(30),
            wire.Text("x"),
            wire.Attend(),
        )
    ),
    wire.PlanOnWire(version=1, made_at_wall_s=1.0, made_by="t1", plan=Plan(participant="p1", hr_max_bpm=180.0)),
    wire.PlanTaken(participant="p1", version=3, outcome="refused", at=NOW, reason="x"),
    wire.EnrolRequest(code="x", request_pem="x"),
    wire.RenewRequest(request_pem="x"),
    wire.Enrolled(
        clinic="oslo", machine="pi-1", certificate_pem="x", authority_pem="x", broker_host="h", broker_port=8883
    ),
    wire.EnrolRefused(code="used_code", reason="x"),
]


def schema_of(name: str) -> dict[str, Any]:
    made = document()["components"]
    messages = made["messages"]
    reference = messages[name]["payload"] if name in messages else {"$ref": f"#/components/schemas/{name}"}
    return {**reference, "components": made}


def test_the_document_in_docs_is_the_one_that_the_code_makes() -> None:
    """If it is not: python -m sync.wire.asyncapi > docs/asyncapi.json."""
    assert (DOCS / "asyncapi.json").read_text(encoding="utf-8") == text()


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_real_messages_are_what_the_document_says(message: msgspec.Struct) -> None:
    schema = schema_of(type(message).__name__)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads(encode(message)))


def test_every_kind_of_message_is_tried() -> None:
    assert {channel.message for channel in CHANNELS} <= {type(message) for message in MESSAGES}
    assert {channel.kind for channel in CHANNELS} == set(Kind)


@pytest.mark.parametrize("broken", [{"session_id": None}, {"revision": "one"}, {"status": "lost"}, {"format": "new"}])
def test_a_message_that_is_wrong_is_found_wrong_by_the_document(broken: dict[str, Any]) -> None:
    receipt = json.loads(encode(wire.Receipt(session_id="s", revision=1, sha256="a", stored_at_wall_s=1.0)))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema_of("Receipt")).validate({**receipt, **broken})


def test_every_reference_in_the_document_leads_somewhere() -> None:
    made = document()
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(made)):
        place: Any = made
        for step in reference.split("/"):
            place = place[step]
        assert place


def test_the_addresses_are_the_topics_that_the_code_builds() -> None:
    names = {
        "clinic": "oslo",
        "machine": "pi-1",
        "sessionId": "01a201a2-20b4-7dc4-b145-77fdcea40af6",
        "participant": "p1",
    }
    for kind, channel in document()["channels"].items():
        last = {"session": names["sessionId"], "plan": "p1"}.get(kind, "")
        assert channel["address"].format(**names) == build(Topic("oslo", "pi-1", Kind(kind), last))
        assert set(channel["parameters"]) == set(re.findall(r"{(\w+)}", channel["address"]))


def test_every_finding_and_every_action_is_explained_to_people() -> None:
    page = (DOCS / "wire.md").read_text(encoding="utf-8")
    names = [trouble.value for trouble in Trouble]
    names += [kind.__struct_config__.tag for kind in wire.Action.__subclasses__()]
    assert [name for name in names if f"`{name}`" not in page] == []
