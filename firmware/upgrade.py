"""Tries a new version beside the old one, judges it, and goes back by itself (faults.md, row 26).

Theory of operation. The installer has put the new version beside the old one. `try_version` asks it a few things where
it stands, stops the services, copies the diary, moves the link and starts them. Then it is judged: its coach must
answer on the socket and stay the same process for a while, with display and sync beside it. Whoever judges is the
version known to be good. After a power cut `interval-coach-trial.service` goes on judging, and
`systemd/version-guard.sh` counts starts, so that nothing depends on this process living.

    python -m firmware.upgrade first NAME | try NAME | stage NAME | watch | fall-back
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from coach.kiosk.view import ScreenId
from firmware.config.cli_defaults import CONFIG
from firmware.config.loader import read_config
from firmware.ipc.client import NoCoachError
from firmware.setup.diary_copy import CopyError, copies_folder, keep_copy, put_back
from firmware.setup.versions import VersionFolder, versions_folder
from firmware.system.errors import FirmwareError
from firmware.system.folder_owner import as_owner_of, create_file
from firmware.system.paths import socket_path

HEALTHY_WITHIN_S = 180.0
"""A Raspberry Pi Zero 2 W that has just started takes half a minute to bring up all three."""

STEADY_FOR_S = 20.0
"""Longer than the coach's watchdog and two starts: one that freezes or falls does not stay the same process."""

LOOK_EVERY_S = 1.0
_ANSWER_WITHIN_S = 5.0
_ASK_WITHIN_S = 120.0
_TARGET, _TRIAL = "interval-coach.target", "interval-coach-trial.service"
_OTHERS = ("interval-coach-display.service", "interval-coach-sync.service")
_IN_USE = (
    ScreenId.MY_TRAINING,
    ScreenId.QUESTIONS,
    ScreenId.READY,
    ScreenId.SESSION,
    ScreenId.GO_ON,
    ScreenId.EXERTION,
    ScreenId.MOOD,
)


class UpgradeError(FirmwareError):
    """The version was not put in force; the text says why. What ran before runs again."""


class Services:
    """The three services, through systemctl."""

    def __init__(self, program: str = "systemctl") -> None:
        """`program` takes systemctl's words."""
        self._program = program

    def stop(self) -> None:
        """End all three, each in its own order. Raises UpgradeError."""
        self._ask("stop", _TARGET, *_OTHERS, "interval-coach-coach.service")

    def start(self) -> None:
        """Start all three, by their units as they are now. Raises UpgradeError."""
        self._ask("daemon-reload")
        # Without waiting for them: a version that does not come up would hold this process.
        self._ask("start", "--no-block", _TARGET)

    def start_others_again(self) -> None:
        """Let display and sync run the version that is in force, without waiting."""
        self._ask("daemon-reload")
        self._ask("try-restart", "--no-block", *_OTHERS)

    def others_run(self) -> bool:
        """Whether display and sync serve."""
        return all(self._say("is-active", "--quiet", unit) == 0 for unit in _OTHERS)

    def _ask(self, *words: str) -> None:
        if self._say(*words) != 0:
            raise UpgradeError(f"systemd did not do «systemctl {' '.join(words)}»; «journalctl -b» says why.")

    def _say(self, *words: str) -> int:
        try:
            finished = subprocess.run(  # noqa: S603 - fixed words
                [self._program, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                timeout=_ASK_WITHIN_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UpgradeError(f"systemd does not answer: {error}.") from error
        return finished.returncode


class UpgradeTarget(Struct, frozen=True, kw_only=True):
    """What a trial touches, and how it reports. `copies`: root's own folder, for the diary as it was before."""

    versions: VersionFolder
    services: Services
    socket: Path
    diary: Path
    copies: Path
    say: Callable[[str], None]
    healthy_within_s: float = HEALTHY_WITHIN_S
    steady_for_s: float = STEADY_FOR_S
    look_every_s: float = LOOK_EVERY_S


def try_version(machine: UpgradeTarget, name: str, *, wait_for_end: bool = False) -> bool:
    """Put a version in force if it is good; gives whether it is. Raises UpgradeError, VersionsError, CopyError.

    `wait_for_end`: where somebody trains, wait for the end instead of refusing.
    """
    versions = machine.versions
    if versions.current == name and not versions.on_trial:
        machine.say(f"Version {name} runs already.")
        return True
    if versions.on_trial:
        raise UpgradeError(
            f"Version {versions.current} is on trial. Wait until it is found good or given up: "
            f"systemctl status {_TRIAL} tells."
        )
    _ask_the_new_one(versions.path(name))
    while somebody_trains(machine.socket):
        if not wait_for_end:
            raise UpgradeError("Somebody is training on this machine. Try again afterwards; nothing was changed.")
        time.sleep(machine.look_every_s)
    machine.say(f"Stopping the services; {versions.current} has run until now.")
    machine.services.stop()
    try:
        copy = keep_copy(machine.diary, machine.copies)
        if copy is not None:
            machine.say(f"The diary is copied to {copy}.")
            _ask_about_the_diary(versions.path(name), copy, machine.diary.parent)
    except (UpgradeError, CopyError):
        machine.services.start()
        raise
    versions.begin_trial(name)
    machine.say(f"Starting version {name} on trial.")
    try:
        machine.services.start()
    except UpgradeError:
        give_up(machine)
        raise
    return watch(machine)


def stage(machine: UpgradeTarget, name: str) -> None:
    """Put a version on trial from the next boot on, where no services run now. Raises UpgradeError, VersionsError."""
    _ask_the_new_one(machine.versions.path(name))
    keep_copy(machine.diary, machine.copies)
    machine.versions.begin_trial(name)


def watch(machine: UpgradeTarget) -> bool:
    """Judge the version on trial; gives whether it was found good. What is not good is given up."""
    versions = machine.versions
    if not versions.on_trial:
        return True
    name, began_s = versions.current, time.monotonic()
    good: tuple[int, float] | None = None
    while versions.on_trial:
        now_s = time.monotonic()
        process = _answering(machine.socket)
        runs = process is not None and _is_of(process, versions.path(str(name))) and machine.services.others_run()
        if not runs or process is None:
            good = None
        elif good is None or good[0] != process:
            good = (process, now_s)
        elif now_s - good[1] >= machine.steady_for_s:
            versions.confirm()
            machine.say(f"Version {name} is healthy and stays.")
            return True
        if good is None and now_s - began_s > machine.healthy_within_s:
            give_up(machine)
            break
        time.sleep(machine.look_every_s)
    machine.say(f"Version {name} did not come up as it should. Version {versions.current} runs again.")
    return False


def give_up(machine: UpgradeTarget) -> None:
    """Stop what runs, go back to the version before, and start that. Raises UpgradeError."""
    machine.services.stop()
    go_back(machine)
    machine.services.start()


def go_back(machine: UpgradeTarget) -> None:
    """Let the diary and the link be the old version's again; nothing is stopped or started."""
    # The diary first: cut off in between, the new version is still on trial and all of this is done again.
    aside = put_back(machine.diary, machine.copies)
    given_up = machine.versions.fall_back()
    machine.say(f"Version {given_up} is given up; {machine.versions.current} is in force.")
    if aside is not None:
        machine.say(f"The diary is the one from before the upgrade. What {given_up} had written is in {aside}.")


def somebody_trains(path: Path) -> bool:
    """Whether the machine is in somebody's use now; not where no coach answers."""
    from firmware.services.display_service import view_now  # noqa: PLC0415 - loaded only before a trial

    try:
        return view_now(path).face in _IN_USE
    except NoCoachError:
        return False


def _answering(path: Path) -> int | None:
    """Return the coach's process id, by its first line; the rest of the language may be another version's."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_ANSWER_WITHIN_S)
            connection.connect(str(path))
            with connection.makefile("rb") as lines:
                hello = json.loads(lines.readline(1 << 16))
    except (OSError, ValueError):
        return None
    process = hello.get("process") if isinstance(hello, dict) else None
    return process if isinstance(process, int) else None


def _is_of(process: int, version: Path) -> bool:
    """Whether a process runs this version's programs."""
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    inside = str(version.resolve()).encode() + b"/"
    return any(word.startswith(inside) for word in words[:2])


def _ask_the_new_one(version: Path) -> None:
    """Ask what can be asked while the old version still serves. Raises UpgradeError."""
    program = str(version / "bin" / "interval-coach")
    _must_do([program, "--version"])
    if CONFIG.exists():
        _must_do([program, "config", "check", str(CONFIG)])


def _ask_about_the_diary(version: Path, copy: Path, folder: Path) -> None:
    """Let the new version read a copy of the copy, with the rights of the diary's owner. Raises UpgradeError."""
    trying = folder / ".trying.db"
    try:
        with copy.open("rb") as source, as_owner_of(folder):
            try:
                with os.fdopen(create_file(trying, 0o600), "wb") as file:
                    shutil.copyfileobj(source, file)
                _must_do([str(version / "bin" / "interval-coach"), "sessions", "--diary", str(trying), "list"])
            finally:
                for path in folder.glob(f"{trying.name}*"):
                    path.unlink(missing_ok=True)
    except OSError as error:
        raise UpgradeError(f"The diary's copy could not be read by the new version: {error}.") from error


def _must_do(words: Sequence[str]) -> None:
    try:
        finished = subprocess.run(  # noqa: S603 - the installed version's own program
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ASK_WITHIN_S,
            check=False,
            # For good, where this process has another account's rights for a while.
            user=os.geteuid(),
            group=os.getegid(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UpgradeError(f"The new version does not run ({error}); nothing was changed.") from error
    if finished.returncode != 0:
        said = (finished.stderr or finished.stdout).strip()[-400:]
        raise UpgradeError(f"The new version does not do «{' '.join(words)}»: {said} Nothing was changed.")


def this_machine() -> UpgradeTarget:
    """Return the machine that this runs on; `$INTERVAL_COACH_DIARY` names another diary than the settings do."""
    try:
        folder = Path(read_config(CONFIG).diary.folder)
    except FirmwareError:
        folder = Path("/var/lib/interval-coach")
    named = os.environ.get("INTERVAL_COACH_DIARY")
    return UpgradeTarget(
        versions=VersionFolder(versions_folder()),
        services=Services(),
        socket=socket_path({}),
        diary=Path(named) if named else folder / "diary.db",
        copies=copies_folder(),
        say=lambda sentence: print(sentence, flush=True),  # noqa: T201 - this is a command
    )


def main(words: Sequence[str]) -> int:
    """Do one of the commands. Gives the exit status."""
    machine = this_machine()
    # The terminal may go while services are stopped; the trial must go on.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        match list(words):
            case ["first", name]:
                machine.versions.begin(name)
            case ["try", name]:
                return 0 if try_version(machine, name) else 1
            case ["stage", name]:
                stage(machine, name)
            case ["watch"]:
                watch(machine)
            case ["fall-back"]:
                go_back(machine)
                machine.services.start_others_again()
            case _:
                sys.stderr.write(
                    "usage: python -m firmware.upgrade first NAME | try NAME | stage NAME | watch | fall-back\n"
                )
                return 2
    except FirmwareError as error:
        sys.stderr.write(f"interval-coach: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
