"""What a service of the server tells systemd (sd_notify(3)): that it is ready, and that it ends.

Without systemd nothing is sent. Nothing here waits or raises.
"""

import contextlib
import os
import socket

VARIABLE = "NOTIFY_SOCKET"


def notify_ready(status: str) -> None:
    """Tell systemd that the service serves from now on. `status`: one line, which `systemctl status` shows."""
    _send(f"READY=1\nSTATUS={status}")


def notify_stopping() -> None:
    """Tell systemd that the service is ending."""
    _send("STOPPING=1")


def _send(words: str) -> None:
    name = os.environ.get(VARIABLE, "")
    if not name:
        return
    address = "\0" + name[1:] if name.startswith("@") else name
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.setblocking(False)  # noqa: FBT003 - socket's own form
        sender.sendto(words.encode(), address)
