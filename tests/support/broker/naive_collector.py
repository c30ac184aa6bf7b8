"""A collector as one might write it first: each message is read, inserted and committed by itself, then receipted.

python -m tests.support.broker.naive_collector FOLDER DATABASE
"""

import sys
import time
from pathlib import Path
from typing import Any

import psycopg
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from server.broker.mqtt_client import tls_context
from server.clinic_folder.settings import read_clinic
from sync.wire.codec import encode, read_session
from sync.wire.envelope import Unreadable
from sync.wire.messages import Receipt
from sync.wire.topics import Kind, Topic, build, subscription

TABLE = "CREATE TABLE naive (session_id uuid, revision int, payload bytea, PRIMARY KEY (session_id, revision))"
INSERT = "INSERT INTO naive VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"


def take(connection: psycopg.Connection[Any], payload: bytes) -> Receipt | None:
    """Read, insert, commit."""
    found = read_session(payload)
    if isinstance(found, Unreadable):
        return None
    connection.execute(INSERT, (found.session_id, found.revision, payload))
    connection.commit()
    return Receipt(
        session_id=found.session_id, revision=found.revision, sha256=found.sha256, stored_at_wall_s=time.time()
    )


def main() -> None:
    """Collect until killed."""
    clinic = read_clinic(Path(sys.argv[1]))
    connection = psycopg.connect(sys.argv[2])
    places = clinic.places
    client = Client(CallbackAPIVersion.VERSION2, "collector-1", protocol=MQTTProtocolVersion.MQTTv5)
    client.tls_set_context(
        tls_context(str(places.authority), str(places.certificate("collector-1")), str(places.key("collector-1")))
    )

    def came(client: Client, _userdata: object, message: MQTTMessage) -> None:
        receipt = take(connection, bytes(message.payload))
        if receipt is not None:
            machine = message.topic.split("/")[3]
            client.publish(build(Topic(clinic.settings.clinic, machine, Kind.RECEIPT)), encode(receipt), 1)

    client.on_connect = lambda client, *_: client.subscribe(subscription(Kind.SESSION), 1)
    client.on_message = came
    client.connect("localhost", clinic.settings.broker_port)
    client.loop_forever()


if __name__ == "__main__":
    main()
