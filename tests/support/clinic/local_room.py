"""A room of real parts: broker, web workers, machines, and browsers that read the stream; each ended by its own id."""

import contextlib
import http.client
import json
import socket
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import msgspec
from msgspec import Struct
from paho.mqtt.client import Client, MQTTMessage

from server.clinic_folder.settings import ClinicFolder
from server.live.tiles import Tile, Tiles
from sync.wire.codec import encode, read
from sync.wire.envelope import Unreadable
from sync.wire.messages import Command, CommandResult, Live, State
from tests.support.clinic.local_clinic import ROOT, Child, Machine, environment, free_port, listens, until

COOKIE = "interval-coach"
PATIENCE_S = 60.0


class Opened(Struct, frozen=True):
    """A served room: `cookies` by account's first letters (`tests.support.clinic.room_people`), `port` of the pages."""

    clinic: ClinicFolder
    port: int
    cookies: dict[str, str]
    people: list[str]
    pages: Child

    def address(self, path: str) -> str:
        """The address of a page."""
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def served(clinic: ClinicFolder, workers: int, participants: int = 20, other: str = "") -> Iterator[Opened]:
    """The pages of a clinic in so many processes, with people who may see them."""
    folder = str(clinic.places.folder)
    words = [
        sys.executable,
        "-m",
        "tests.support.clinic.room_people",
        folder,
        str(participants),
        *([other] if other else []),
    ]
    with Child(words, clinic.places.folder / "people.log", environment()) as made:
        made.process.wait(120)
    assert made.process.returncode == 0, made.said
    told = json.loads(made.said.splitlines()[-1])
    port = free_port()
    serving = ["web", "--dir", folder, "--plain-here", "--port", str(port), "--workers", str(workers)]
    pages = Child(
        [sys.executable, "-m", "server", *serving],
        clinic.places.folder / "web.log",
        environment(),
    )
    with pages:
        until(lambda: pages.said.count("connected with the broker") >= workers or pages.process.poll() is not None, 120)
        until(lambda: listens(port))
        assert pages.process.poll() is None, pages.said
        yield Opened(clinic, port, told["cookies"], told["people"], pages)


class Watching:
    """A browser without a face: reads the stream, and keeps each tile as it was last told."""

    def __init__(self, opened: Opened, who: str, clinic: str | None = None, *, reads: bool = True) -> None:
        """Open the stream; `reads` False: a browser that is frozen from its first byte on."""
        self.tiles: dict[str, Tile] = {}
        self.seen: list[tuple[str, float | None]] = []
        self.broker_up: bool | None = None
        self.wholes = 0
        self.ended = False
        self.said_bye = False
        self._path = f"/c/{clinic or opened.clinic.settings.clinic}/room/stream"
        self._connection = http.client.HTTPConnection("127.0.0.1", opened.port, timeout=PATIENCE_S)
        self._connection.connect()
        if not reads:
            self._connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        headers = {"Cookie": f"{COOKIE}={opened.cookies[who]}", "Accept": "text/event-stream"}
        self._connection.request("GET", self._path, headers=headers)
        self._thread = threading.Thread(target=self._read, name=f"browser of {who}", daemon=True)
        self.status: int | None = None
        if reads:
            self.read()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Go away."""
        with contextlib.suppress(OSError):
            self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._connection.close()
        if self._thread.is_alive():
            self._thread.join(PATIENCE_S)

    def read(self) -> None:
        """Read from now on."""
        self._thread.start()

    def rate_at(self, machine: str) -> float | None:
        """The rate on a tile."""
        tile = self.tiles.get(machine)
        return tile.now.rate_bpm if tile is not None and tile.now is not None else None

    def _read(self) -> None:
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError, AttributeError):
            answer = self._connection.getresponse()
            self.status = answer.status
            event = ""
            for line in answer:
                if line.startswith(b"event: "):
                    event = line[7:].decode().strip()
                elif line.startswith(b"data: ") and event == "bye":
                    self.said_bye = True
                elif line.startswith(b"data: "):
                    self._take(msgspec.json.decode(line[6:], type=Tiles))
        self.ended = True

    def _take(self, told: Tiles) -> None:
        self.broker_up = told.broker_up
        self.wholes += told.whole
        if told.whole:
            self.tiles = {}
        for tile in told.tiles:
            self.tiles[tile.machine] = tile
            self.seen.append((tile.machine, tile.now.rate_bpm if tile.now else None))


class RoomMachine(Machine):
    """A machine that tells what a test wants it to, and keeps the commands that reach it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
        """Connected, and listening to commands, when this returns."""
        self.commands: list[Command] = []
        self.plans: dict[str, bytes] = {}
        self._number = 0
        super().__init__(*args, **kwargs)
        self.client.subscribe([(self.topic("command"), 1), (self.topic("plan/+"), 1)])

    def tell(self, live: Live) -> None:
        """Publish a picture, with the next number."""
        self._number += 1
        self.publish(self.topic("live"), encode(msgspec.structs.replace(live, number=self._number)), qos=0)

    def be(self, state: State) -> None:
        """Publish a state, retained."""
        self.client.publish(self.topic("state"), encode(state), 1, retain=True)

    def answer(self, result: CommandResult) -> None:
        """Say what became of a command."""
        self.publish(self.topic("result"), encode(result))

    def _on_message(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        kind = message.topic.split("/")[4]
        if kind == "plan":
            self.plans[message.topic.rpartition("/")[2]] = bytes(message.payload)
        elif kind == "command":
            command = read(bytes(message.payload), Command)
            if not isinstance(command, Unreadable):
                self.commands.append(command)
        else:
            super()._on_message(client, userdata, message)


def post(opened: Opened, who: str, page: str, told: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Send something from the room's page, as its scripts do. Gives the status and the answer."""
    base = f"/c/{opened.clinic.settings.clinic}/room/"
    cookie = f"{COOKIE}={opened.cookies[who]}"
    with urllib.request.urlopen(  # noqa: S310 - this computer's own
        urllib.request.Request(opened.address(base), headers={"Cookie": cookie}),  # noqa: S310 - as above
        timeout=PATIENCE_S,
    ) as answer:
        form = answer.headers["Set-Cookie"].split(";")[0]
        token = answer.read().decode().split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    request = urllib.request.Request(  # noqa: S310 - as above
        opened.address(base + page),
        data=json.dumps(told).encode(),
        headers={"Cookie": f"{cookie}; {form}", "X-CSRFToken": token, "Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310 - as above
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            body = error.read()
        return error.code, json.loads(body) if body.startswith(b"{") else {}


def inside(clinic: ClinicFolder, program: str) -> str:
    """Run a few lines beside the server, in a process of their own with its models. Gives what they printed."""
    lines = (
        "import sys; from pathlib import Path; from server.clinic_folder.settings import read_clinic; "
        "from server.clinic_folder.database import prepare; prepare(read_clinic(Path(sys.argv[1])))\n" + program
    )
    with Child(
        [sys.executable, "-c", lines, str(clinic.places.folder)],
        clinic.places.folder / f"inside-{free_port()}.log",
        {**environment(), "PYTHONPATH": str(ROOT)},
    ) as child:
        child.process.wait(120)
    assert child.process.returncode == 0, child.said
    return child.said
