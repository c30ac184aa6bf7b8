"""The wire as an AsyncAPI 3 document, made from the code: `python -m sync.wire.asyncapi > docs/asyncapi.json`.

A test checks that the document in docs/ is this one, and that real messages are what it says. The schemas are JSON
Schema (2020-12), which AsyncAPI 3 takes as they are.
"""

import inspect
import json
import sys
from typing import Any

import msgspec
from msgspec import Struct

from sync.wire import messages
from sync.wire.json_schema import make_standard
from sync.wire.messages import FORMAT
from sync.wire.topics import PARTICIPANT, Kind

JSON_TYPE, SEALED_TYPE = "application/json", "application/vnd.interval-coach.session"


class Channel(Struct, frozen=True):
    """What AsyncAPI says of one kind of topic."""

    kind: Kind
    message: type[Struct]
    title: str
    qos: int
    retained: bool
    others: tuple[type[Struct], ...] = ()
    """Messages that come on the same topic."""

    @property
    def messages(self) -> tuple[type[Struct], ...]:
        """All of them, the usual one first."""
        return (self.message, *self.others)


CHANNELS = (
    Channel(
        Kind.STATE,
        messages.State,
        "Birth and will: whether the machine is connected, and how it is",
        qos=1,
        retained=True,
    ),
    Channel(Kind.LIVE, messages.Live, "How it stands at the machine, once a second", qos=0, retained=False),
    Channel(
        Kind.SESSION, messages.SessionDelivery, "A finished session, sealed, whole or in parts", qos=1, retained=False
    ),
    Channel(Kind.RESULT, messages.CommandResult, "What became of a command", qos=1, retained=False),
    Channel(Kind.TAKEN, messages.PlanTaken, "What became of a plan at the machine", qos=1, retained=False),
    Channel(
        Kind.RECEIPT,
        messages.Receipt,
        "The server has committed a session, results or plan receipts, or lacks what it committed",
        qos=1,
        retained=False,
        others=(messages.WordReceipt, messages.DeliverAgain),
    ),
    Channel(Kind.COMMAND, messages.Command, "A command to one machine", qos=1, retained=False),
    Channel(
        Kind.PLAN, messages.PlanOnWire, "A participant's plan; an empty message withdraws it", qos=1, retained=True
    ),
)
ENROLMENT = (messages.EnrolRequest, messages.RenewRequest, messages.Enrolled, messages.EnrolRefused)
"""Not on MQTT, but between the same two: their schemas stand beside."""

PARAMETERS: dict[str, dict[str, str]] = {
    "clinic": {"description": "1–32 small letters, digits and hyphens"},
    "machine": {"description": "1–32 small letters, digits and hyphens; the name in the machine's certificate"},
    "sessionId": {"description": "UUID of the session"},
    "participant": {"description": f"Pseudonym: {PARTICIPANT.pattern.removesuffix(chr(92) + 'Z')}"},
}
_LAST = {Kind.SESSION: "sessionId", Kind.PLAN: "participant"}


def document() -> dict[str, Any]:
    """Return the whole document."""
    kinds = [message for channel in CHANNELS for message in channel.messages]
    references, schemas = msgspec.json.schema_components(
        [*kinds, *ENROLMENT], ref_template="#/components/schemas/{name}"
    )
    make_standard(schemas)
    for schema in schemas.values():
        _finish(schema)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "interval-coach",
            "version": str(FORMAT),
            "description": "Between a machine beside a treadmill and the clinic's server. Meanings: docs/wire.md.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": JSON_TYPE,
        "servers": {
            "clinic": {
                "host": "{host}:8883",
                "protocol": "secure-mqtt",
                "protocolVersion": "5.0",
                "description": "The clinic's broker",
                "variables": {"host": {"description": "Its name; the broker's certificate names it too"}},
                "security": [{"$ref": "#/components/securitySchemes/certificate"}],
            }
        },
        "channels": {channel.kind.value: _channel(channel) for channel in CHANNELS},
        "operations": {channel.kind.value: _operation(channel) for channel in CHANNELS},
        "components": {
            "messages": {
                message.__name__: _message(channel, message, reference)
                for (channel, message), reference in zip(
                    [(channel, message) for channel in CHANNELS for message in channel.messages],
                    references,
                    strict=False,
                )
            },
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                "certificate": {"type": "X509", "description": "A certificate of the clinic's authority"}
            },
        },
    }


def text() -> str:
    """Return the document as it lies in docs/."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def _channel(channel: Channel) -> dict[str, Any]:
    last = _LAST.get(channel.kind)
    names = ["clinic", "machine", *([last] if last else [])]
    return {
        "address": f"ic/1/{{clinic}}/{{machine}}/{channel.kind.value}" + (f"/{{{last}}}" if last else ""),
        "title": channel.title,
        "messages": {one.__name__: {"$ref": f"#/components/messages/{one.__name__}"} for one in channel.messages},
        "parameters": {name: PARAMETERS[name] for name in names},
    }


def _operation(channel: Channel) -> dict[str, Any]:
    """As the machine does it."""
    return {
        "action": "receive" if channel.kind.to_machine else "send",
        "channel": {"$ref": f"#/channels/{channel.kind.value}"},
        "summary": channel.title,
        "bindings": {"mqtt": {"qos": channel.qos, "retain": channel.retained, "bindingVersion": "0.2.0"}},
    }


def _finish(schema: dict[str, Any]) -> None:
    """Require the format, without which no message is read; texts lose the code's indentation."""
    if "format" in schema.get("properties", {}):
        schema["required"] = ["format", *(name for name in schema["required"] if name != "format")]
    if "description" in schema:
        schema["description"] = inspect.cleandoc(schema["description"])


def _message(channel: Channel, kind: type[Struct], reference: dict[str, Any]) -> dict[str, Any]:
    name = kind.__name__
    sealed = channel.kind is Kind.SESSION
    message = {
        "name": name,
        "title": channel.title,
        "contentType": SEALED_TYPE if sealed else JSON_TYPE,
        "payload": reference,
    }
    if sealed:
        message["description"] = (
            "The payload is this JSON in an envelope: «IC», version, compression, SHA-256, content "
            "(sync/wire/envelope.py). "
            "Above 64 KiB, or the broker's own limit, it goes in parts: «IP» … (sync/wire/chunks.py)."
        )
    return message


if __name__ == "__main__":
    sys.stdout.write(text())
