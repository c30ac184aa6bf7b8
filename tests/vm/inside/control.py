"""The test's hand inside the virtual machine: runs what is asked for, and lends the coach's socket to the outside.

Two ports lead out. On `control` each line is one request, `{"id", "shell", "timeout_s"}`, and each answer one line,
`{"id", "status", "output"}`. On `coach` whoever connects outside speaks with the coach itself. Debian's own Python runs
this; nothing of the product is in it.

    control.py [PORT]      PORT: a serial line for control alone, where there are no such ports
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import tty
from pathlib import Path

PORTS = Path("/dev/virtio-ports")
COACH = "/run/interval-coach/coach.sock"
JOINED = Path("/run/coach-joined")
BYTES = 65536
LOOK_AGAIN_S = 0.1


def opened(path: Path) -> int:
    """The port, as soon as there is one; of a serial line every byte as it is."""
    while not path.exists():
        time.sleep(LOOK_AGAIN_S)
    port = os.open(path, os.O_RDWR | os.O_NOCTTY)
    if os.isatty(port):
        tty.setraw(port)
    return port


def write_all(port: int, content: bytes) -> None:
    """Write everything; a port takes a part at a time."""
    while content:
        content = content[os.write(port, content) :]


def run(request: dict[str, object]) -> dict[str, object]:
    """Run one request to its end, or to the end of its time."""
    with subprocess.Popen(
        ["/bin/bash", "-c", str(request["shell"])],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        cwd="/",
    ) as process:
        try:
            output, _ = process.communicate(timeout=float(str(request["timeout_s"])))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            return {"id": request["id"], "status": -1, "output": output.decode(errors="replace")}
    return {"id": request["id"], "status": process.returncode, "output": output.decode(errors="replace")}


def serve_control(path: Path) -> None:
    """Take requests for ever, each on a thread of its own."""
    port = opened(path)
    writing = threading.Lock()
    kept = b""

    def answer(line: bytes) -> None:
        told = json.dumps(run(json.loads(line))).encode() + b"\n"
        with writing:
            write_all(port, told)

    while True:
        content = os.read(port, BYTES)
        if not content:
            # Nobody is connected outside.
            kept = b""
            time.sleep(LOOK_AGAIN_S)
            continue
        *lines, kept = (kept + content).split(b"\n")
        for line in lines:
            if line.strip():
                threading.Thread(target=answer, args=(line,), daemon=True).start()


def somebody_outside(port: int) -> bool:
    """Whether a client is connected to the port's other end."""
    poll = select.poll()
    poll.register(port, select.POLLIN | select.POLLHUP)
    return not any(event & select.POLLHUP for _, event in poll.poll(0))


def serve_coach() -> None:
    """Join one client outside after the other with the coach; `JOINED` is there as long as one is."""
    port = opened(PORTS / "coach")
    os.set_blocking(port, False)
    while True:
        JOINED.unlink(missing_ok=True)
        while not somebody_outside(port):
            time.sleep(LOOK_AGAIN_S)
        JOINED.touch()
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as coach:
            coach.connect(COACH)
            join(port, coach)
        time.sleep(LOOK_AGAIN_S)


def join(port: int, coach: socket.socket) -> None:
    """Carry bytes both ways until one end leaves.

    What nobody outside has taken yet is kept here: the coach lets go of a client that takes nothing, and a test that
    does something inside takes nothing meanwhile.
    """
    kept = b""
    while somebody_outside(port):
        writable = [port] if kept else []
        readable, writable, _ = select.select([port, coach], writable, [], LOOK_AGAIN_S)
        if port in readable:
            with contextlib.suppress(BlockingIOError):
                coach.sendall(os.read(port, BYTES))
        if coach in readable:
            content = coach.recv(BYTES)
            if not content:
                return
            kept += content
        if kept and port in writable:
            with contextlib.suppress(BlockingIOError):
                kept = kept[os.write(port, kept) :]


if __name__ == "__main__":
    if sys.argv[1:]:
        serve_control(Path(sys.argv[1]))
    else:
        threading.Thread(target=serve_coach, daemon=True).start()
        serve_control(PORTS / "control")
