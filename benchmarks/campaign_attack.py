"""Attacks of the security review against a started clinic: real broker, collector, enrolment service and pages.

    python -m benchmarks.campaign_attack [--quick] [--only ATTACK]

Each attack prints its figure beside its target. Strangers call from other loopback addresses than the honest caller.
Timing is told and never fails the run; ratios within one run count.
"""

import argparse
import asyncio
import contextlib
import http.client
import itertools
import multiprocessing
import re
import socket
import ssl
import statistics
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from random import Random
from urllib.parse import urlencode

from server.clinic_folder.settings import ClinicFolder, read_clinic
from sync.wire.envelope import seal, unseal
from tests.support.broker.delivery_factory import sealed, session_id
from tests.support.clinic.local_clinic import (
    Child,
    Machine,
    collector,
    command,
    enrolling,
    make,
    mosquitto,
    sql,
    stored,
    until,
)
from tests.support.clinic.local_room import COOKIE, Opened, Watching, served
from tests.support.figures import Figures

STRANGER = "127.0.0.2"
PAGES = ("machines", "people", "days", "room")
PATHS = ("manage/machines/", "participants/", "diary/", "diary/unassigned/", "room/", "follow-up/", "papers/")
SESSIONS_FRACTION = 0.3
READ_AT_ONCE = 50
"""So many mutated messages are sent before a whole session's receipt is waited for."""
WILD = (
    "1e300", "-1e300", "1e18", "-1", "9223372036854775807", '"x"', "null", "[]", '"\\u202e"', "0.5", '"\\u0000"',
    '"' + "x" * 3_000 + '"', "{}", "true", "253402300799", "-62135596800",
)  # fmt: skip


def main() -> None:
    """Attack."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="smaller attacks, in a minute or two")
    parser.add_argument("--only", metavar="ATTACK", help="one attack alone, by its name")
    given = parser.parse_args()
    quick = given.quick
    figures = Figures("attack")
    with tempfile.TemporaryDirectory() as name:
        clinic = make(Path(name) / "clinic")
        with mosquitto(clinic), collector(clinic) as collecting, enrolling(clinic), served(clinic, 1) as opened:
            attacks: dict[str, Callable[[], None]] = {
                "flood_log_ins": lambda: flood_log_ins(figures, opened, 60 if quick else 200),
                "guess_passwords": lambda: guess_passwords(figures, opened),
                "hold_connections": lambda: hold_connections(figures, opened, 150 if quick else 600),
                "hold_enrolment": lambda: hold_enrolment(figures, clinic),
                "flood_collector": lambda: flood_collector(figures, clinic, collecting, 1_000 if quick else 6_000),
                "join_the_group": lambda: join_the_group(figures, clinic, 20 if quick else 100),
                "keep_a_session": lambda: keep_a_session(figures, clinic),
                "mutate_messages": lambda: mutate_messages(figures, clinic, opened, 500 if quick else 10_000),
                "go_on_watching": lambda: go_on_watching(figures, opened),
            }
            if given.only is not None and given.only not in attacks:
                parser.error(f"--only is one of {', '.join(attacks)}")
            for attack in [given.only] if given.only else attacks:
                attacks[attack]()
    figures.keep()


def flood_log_ins(figures: Figures, opened: Opened, strangers: int) -> None:
    """Let strangers log in under made-up names, each again after a second, while a therapist reads a list."""
    quiet_ms = _page_ms(opened, 40)
    token, cookie = _form(opened)
    stopping = threading.Event()
    counts: dict[int, int] = {}
    thread = threading.Thread(target=lambda: asyncio.run(_flood(opened, strangers, token, cookie, stopping, counts)))
    thread.start()
    time.sleep(3)
    flooded_ms = _page_ms(opened, 40)
    stopping.set()
    thread.join()
    told = ", ".join(f"{status}: {count}" for status, count in sorted(counts.items()))
    print(f"    a page: quiet {quiet_ms:.1f} ms, under {strangers} log-ins {flooded_ms:.1f} ms; answers {told}")
    figures.tell(f"page's median under {strangers} parallel log-ins / quiet", flooded_ms / quiet_ms, "×", 2)


def guess_passwords(figures: Figures, opened: Opened) -> None:
    """Try one password on made-up names, one after the other, from one address."""
    token, cookie = _form(opened, "127.0.0.3")
    tried = 0
    for number in range(40):
        status = _post(opened, "/log-in/", {"username": f"x{number}", "password": "x"}, token, cookie, "127.0.0.3")
        if status == 429:
            break
        tried += status == 422
    figures.tell("names tried from one address before it is shut", tried, "", 30)


def hold_connections(figures: Figures, opened: Opened, count: int) -> None:
    """Hold connections with half a request, and ask for a page from another address."""
    quiet_ms = _page_ms(opened, 20)
    with contextlib.ExitStack() as stack:
        lines = []
        for _ in range(count):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", opened.port), 5, (STRANGER, 0)))
            with contextlib.suppress(OSError):
                line.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            lines.append(line)
        held_ms = _page_ms(opened, 20)
        figures.tell(f"page's median with {count} silent connections / quiet", held_ms / quiet_ms, "×", 2)
        time.sleep(11)
        figures.tell("silent connections still held after 11 s", sum(_is_open(line) for line in lines), "", 0)


def hold_enrolment(figures: Figures, clinic: ClinicFolder) -> None:
    """Send a header line now and then from forty connections, and ask the enrolment service for its certificate."""
    with _slow_callers(clinic.settings.enrolment_port, 40):
        began_s = time.monotonic()
        context = ssl.create_default_context(cafile=str(clinic.places.authority))
        link = http.client.HTTPSConnection("localhost", clinic.settings.enrolment_port, context=context, timeout=30)
        link.request("GET", "/authority.pem")
        link.getresponse().read()
        link.close()
        figures.tell("enrolment's answer beside 40 slow callers", time.monotonic() - began_s, "s", 2)


def flood_collector(figures: Figures, clinic: ClinicFolder, collecting: Child, parts: int) -> None:
    """Flood the collector from another process in four ways, and wait for another machine's receipts then."""
    content = unseal(sealed(3, seconds=60))
    assert isinstance(content, bytes)
    # What unpacks to 20 MB: in the head, so that it must be read whole to be known; and behind it.
    odd = seal(content.replace(b'"response":null', b'"response":"' + b"x" * 20_000_000 + b'"', 1))
    step = content.replace(b'"machine":"machine-1"', b'"machine":"machine-3"', 1)
    large = seal(step.replace(b'"inputs":[', b'"inputs":[' + b'{"type":"tick"},' * 1_000_000, 1))
    floods = (
        (f"{parts} parts of one byte", [_part(number, 1) for number in range(parts)]),
        (f"{parts} parts of 512 bytes", [_part(number, 512) for number in range(parts)]),
        (f"{parts} births", [b'{"format":1}'] * parts),
        ("12 sessions with 20 MB in the head", [odd] * 12),
        ("12 sessions of 20 MB", [large] * 12),
    )
    with Machine(clinic, "machine-2") as honest:
        settled = itertools.count(100)
        quiet_s = statistics.median(_receipt_s(honest, next(settled)) for _ in range(9))
        before = collecting.resident_bytes
        for what, payloads in floods:
            topic = "state" if "births" in what else "session"
            with _flooding(clinic, topic, payloads):
                flooded_s = [_receipt_s(honest, next(settled)) for _ in range(9)]
            figures.tell(f"receipt with {what} / quiet", statistics.median(flooded_s) / quiet_s, "×", 5)
            print(
                f"    quiet {quiet_s:.3f} s, median {statistics.median(flooded_s):.3f} s, worst {max(flooded_s):.3f} s"
            )
            # Each attack on its own: until the one before is worked off.
            until(lambda: _receipt_s(honest, next(settled)) < 2 * quiet_s, 120)
        until(lambda: sql(clinic, "SELECT count(*) FROM server_session WHERE NOT read_through") == [(0,)], 120)
        figures.tell("collector's memory after them", (collecting.resident_bytes - before) / 2**20, "MB", 100)


def _part(number: int, content_bytes: int) -> bytes:
    return b"IP\x01\x00" + bytes(32) + struct.pack(">HHI", number % 4_096, 4_096, 2**24) + b"x" * content_bytes


@contextmanager
def _flooding(clinic: ClinicFolder, topic: str, payloads: list[bytes]) -> Iterator[None]:
    """Yield a machine in a process of its own, which publishes all of these fast; from its first tenth on."""
    context = multiprocessing.get_context("spawn")
    sent = context.Event()
    folder, names = str(clinic.places.folder), [f"session/{session_id(500 + n)}" for n in range(len(payloads))]
    topics = ["state"] * len(payloads) if topic == "state" else names
    process = context.Process(target=_flood_broker, args=(folder, topics, payloads, sent))
    process.start()
    sent.wait(60)
    yield
    process.join(120)


def _flood_broker(folder: str, topics: list[str], payloads: list[bytes], sent: "threading.Event") -> None:
    with Machine(read_clinic(Path(folder)), "machine-3") as stranger:
        for number, (last, payload) in enumerate(zip(topics, payloads, strict=True)):
            stranger.publish(stranger.topic(last), payload)
            if number >= len(payloads) // 10:
                sent.set()
        until(lambda: len(stranger.published) >= len(payloads), 120)


def join_the_group(figures: Figures, clinic: ClinicFolder, messages: int) -> None:
    """Join the shared subscription by the name that earlier versions used, and count what is swallowed."""
    before = stored(clinic)
    with Machine(clinic, "machine-1") as stranger, Machine(clinic, "machine-2") as honest:
        stranger.client.subscribe(f"$share/collectors/ic/1/{clinic.settings.clinic}/+/session/+", 1)
        time.sleep(0.5)
        for number in range(200, 200 + messages):
            honest.publish(honest.topic(f"session/{session_id(number)}"), _of(honest, number))
        with contextlib.suppress(AssertionError):
            until(lambda: stored(clinic) - before >= messages, 20)
        figures.tell(
            f"of {messages} messages swallowed by another machine", messages - (stored(clinic) - before), "", 0
        )


def keep_a_session(figures: Figures, clinic: ClinicFolder) -> None:
    """Have the broker keep a session, which would come back after a deletion."""
    with Machine(clinic, "machine-2") as machine:
        machine.client.publish(machine.topic(f"session/{session_id(900)}"), _of(machine, 900), qos=1, retain=True)
        _receipt_s(machine, 901)
        there = {str(row[0]).replace("-", "") for row in sql(clinic, "SELECT session_id FROM server_session")}
    figures.tell("retained sessions stored", session_id(900).replace("-", "") in there, "", 0)


def mutate_messages(figures: Figures, clinic: ClinicFolder, opened: Opened, messages: int) -> None:
    """Send states, pictures, results and sessions with wild values, then follow every link of the pages."""
    chance = Random(13)
    template = unseal(sealed(3, seconds=60))
    assert isinstance(template, bytes)
    with Machine(clinic, "machine-1") as machine:
        for number in range(messages):
            if chance.random() < SESSIONS_FRACTION:
                one = session_id(2_000 + number)
                # Its own id inside as outside: a session under another's name is refused before it is looked at.
                wild = _wild_session(template.replace(session_id(3).encode(), one.encode()), chance)
                machine.publish(machine.topic(f"session/{one}"), wild)
            else:
                topic = machine.topic(chance.choice(("state", "live", "result", "taken")))
                machine.publish(topic, _wild_state(clinic, number, chance))
            if number % READ_AT_ONCE == READ_AT_ONCE - 1:
                # Sent all at once they would be a flood: given up unread, and their machine shut out.
                _receipt_s(machine, 30_000 + number)
        _receipt_s(machine, 950)
    stored = len(list(sql(clinic, "SELECT session_id FROM server_session")))
    print(f"    {stored} sessions are stored: wild ones whose numbers lie within their limits too")
    asked, broken = _follow_links(opened, f"/c/{clinic.settings.clinic}/", 300)
    print(f"    {len(asked)} pages and files asked for; broken: {broken}")
    figures.tell(f"pages and files broken by {messages} mutated messages", len(broken), "", 0)


def _wild_state(clinic: ClinicFolder, number: int, chance: Random) -> bytes:
    fields = {
        "online": "true",
        "connection": str(number),
        "clinic": f'"{clinic.settings.clinic}"',
        "machine": '"machine-1"',
        "software": '{"product":"1","python":"3","system":"x"}',
    }
    for field in ("certificate_until_wall_s", "since_wall_s", "waiting", "boot_id", "findings", "connection"):
        if chance.random() < 0.5:
            fields[field] = chance.choice(WILD)
    return ("{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}").encode()


def _wild_session(template: bytes, chance: Random) -> bytes:
    """Return a sealed session with some of its numbers and texts replaced."""
    often = chance.choice((0.0005, 0.002, 0.02, 0.2))

    def replaced(match: re.Match[bytes]) -> bytes:
        return b":" + chance.choice(WILD).encode() if chance.random() < often else match.group()

    return seal(re.sub(rb':(-?[\d.]+|"[^"]*"|null|true|false)', replaced, template))


def _follow_links(opened: Opened, start: str, most: int) -> tuple[set[str], list[str]]:
    """Ask for a clinic's pages and all that they link to, as a therapist. Return what was asked, and what failed."""
    waiting = [f"{start}{one}" for one in PATHS]
    asked: set[str] = set()
    broken = []
    while waiting and len(asked) < most:
        path = waiting.pop(0)
        if path in asked:
            continue
        asked.add(path)
        status, page = _get(opened, path)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            broken.append(f"{path}: {status}")
        waiting += [one.replace("&amp;", "&") for one in re.findall(rf'href="({re.escape(start)}[^"#]*)"', page)]
    return asked, broken


def go_on_watching(figures: Figures, opened: Opened) -> None:
    """Keep the live room open after the account was given a new link."""
    with Watching(opened, "kari") as browser:
        until(lambda: browser.wholes, 30)
        command("account", "reset", "kari", "--dir", str(opened.clinic.places.folder))
        began_s = time.monotonic()
        with contextlib.suppress(AssertionError):
            until(lambda: browser.ended, 60)
        figures.tell("stream goes on after a reset", time.monotonic() - began_s, "s", 5)


def _of(machine: Machine, number: int) -> bytes:
    content = unseal(sealed(number, seconds=60))
    assert isinstance(content, bytes)
    return seal(content.replace(b'"machine":"machine-1"', b'"machine":"%s"' % machine.name.encode(), 1))


def _receipt_s(machine: Machine, number: int) -> float:
    payload, began_s = _of(machine, number), time.monotonic()
    machine.publish(machine.topic(f"session/{session_id(number)}"), payload)
    until(lambda: (session_id(number), 1) in machine.receipts, 120)
    return time.monotonic() - began_s


def _get(opened: Opened, path: str) -> tuple[int, str]:
    link = http.client.HTTPConnection("127.0.0.1", opened.port, timeout=60)
    link.request("GET", path, headers={"Cookie": f"{COOKIE}={opened.cookies['ola']}", "Accept": "text/html"})
    answer = link.getresponse()
    page = answer.read().decode(errors="replace")
    link.close()
    return answer.status, page


def _page_ms(opened: Opened, times: int) -> float:
    taken = []
    for _ in range(times):
        began_s = time.monotonic()
        status, _page = _get(opened, f"/c/{opened.clinic.settings.clinic}/participants/")
        assert status == 200, status
        taken.append((time.monotonic() - began_s) * 1000)
        time.sleep(0.05)
    return statistics.median(taken)


def _form(opened: Opened, source: str = STRANGER) -> tuple[str, str]:
    link = http.client.HTTPConnection("127.0.0.1", opened.port, timeout=60, source_address=(source, 0))
    link.request("GET", "/log-in/", headers={"Accept": "text/html"})
    answer = link.getresponse()
    cookie = str(answer.headers["Set-Cookie"]).split(";")[0]
    [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', answer.read().decode())[:1]
    link.close()
    return token, cookie


def _post(opened: Opened, path: str, told: dict[str, str], token: str, cookie: str, source: str) -> int:
    link = http.client.HTTPConnection("127.0.0.1", opened.port, timeout=60, source_address=(source, 0))
    body = urlencode({**told, "csrfmiddlewaretoken": token})
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    link.request("POST", path, body, headers)
    status = link.getresponse().status
    link.close()
    return status


async def _flood(
    opened: Opened, strangers: int, token: str, cookie: str, stopping: threading.Event, counts: dict[int, int]
) -> None:
    async def one(number: int) -> None:
        turn = 0
        while not stopping.is_set():
            turn += 1
            told = {"username": f"stranger-{number}-{turn}", "password": "x", "csrfmiddlewaretoken": token}
            body = urlencode(told)
            head = (
                f"POST /log-in/ HTTP/1.1\r\nHost: 127.0.0.1:{opened.port}\r\nCookie: {cookie}\r\nConnection: close\r\n"
                f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            with contextlib.suppress(OSError, ValueError, IndexError, asyncio.IncompleteReadError):
                source = (f"127.0.0.{10 + number % 100}", 0)
                reader, writer = await asyncio.open_connection("127.0.0.1", opened.port, local_addr=source)
                writer.write((head + body).encode())
                status = int((await reader.readline()).split()[1])
                counts[status] = counts.get(status, 0) + 1
                writer.close()
            await asyncio.sleep(1)

    await asyncio.gather(*(one(number) for number in range(strangers)))


@contextmanager
def _slow_callers(port: int, count: int) -> Iterator[None]:
    stopping = threading.Event()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def call(number: int) -> None:
        while not stopping.is_set():
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", port), 5, (f"127.0.0.{2 + number % 5}", 0)) as line,
                context.wrap_socket(line) as slow,
            ):
                slow.sendall(b"GET /authority.pem HTTP/1.1\r\n")
                while not stopping.wait(2):
                    slow.sendall(b"X-Slow: 1\r\n")
            stopping.wait(0.2)

    threads = [threading.Thread(target=call, args=(number,), daemon=True) for number in range(count)]
    for one in threads:
        one.start()
    time.sleep(3)
    yield
    stopping.set()
    for one in threads:
        one.join(10)


def _is_open(line: socket.socket) -> bool:
    line.settimeout(0.01)
    try:
        return line.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


if __name__ == "__main__":
    main()
