"""A D-Bus daemon of a test's own, on a socket in a temporary folder; anybody may own any name on it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
    <allow user="*"/>
  </policy>
</busconfig>
"""
ADDRESS = "DBUS_SYSTEM_BUS_ADDRESS"


HAS_DAEMON = shutil.which("dbus-daemon") is not None
"""Whether there can be a bus; without one a test says so and is skipped."""


@contextmanager
def private_bus() -> Iterator[str]:
    """Start the daemon and make it this process's system bus; end it, by its own id, on the way out."""
    program = shutil.which("dbus-daemon")
    assert program is not None, "dbus-daemon is not installed: run scripts/set-up.sh"
    # Not pytest's folder: its name may be longer than a socket's may be.
    with tempfile.TemporaryDirectory(prefix="bus") as folder:
        configuration = Path(folder) / "bus.conf"
        configuration.write_text(CONFIGURATION.format(socket=f"{folder}/socket"), encoding="utf-8")
        daemon = subprocess.Popen(
            [program, f"--config-file={configuration}", "--nofork", "--nopidfile", "--nosyslog", "--print-address=1"],
            stdout=subprocess.PIPE,
            text=True,
        )
        before = os.environ.get(ADDRESS)
        try:
            assert daemon.stdout is not None
            address = daemon.stdout.readline().strip()
            assert address, "dbus-daemon did not start"
            os.environ[ADDRESS] = address
            yield address
        finally:
            if before is None:
                os.environ.pop(ADDRESS, None)
            else:
                os.environ[ADDRESS] = before
            daemon.kill()
            daemon.communicate()
