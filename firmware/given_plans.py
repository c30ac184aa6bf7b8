"""Plans that the server gave, kept beside the diary so that people can train after a restart without the network.

One JSON file for each participant, as in the folder of plans; written whole or not at all.
"""

import os
from pathlib import Path

import msgspec

from coach.plan import Plan
from firmware.errors import FirmwareError
from sync.topics import PARTICIPANT

FOLDER = "given-plans"


class UnsafeNameError(FirmwareError, ValueError):
    """A pseudonym that cannot name a file."""


def folder_beside(diary: Path) -> Path:
    """Where the given plans of the machine with this diary lie."""
    return diary.parent / FOLDER


def keep(folder: Path, plan: Plan) -> None:
    """Keep a plan, in the place of an earlier one. Raises UnsafeNameError; OSError where the disk refuses."""
    path = _path(folder, plan.participant)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    making = path.with_suffix(".new")
    with making.open("wb") as file:
        file.write(msgspec.json.encode(plan))
        file.flush()
        os.fsync(file.fileno())
    making.replace(path)


def remove(folder: Path, participant: str) -> None:
    """Keep a participant's plan no longer. Raises UnsafeNameError; OSError where the disk refuses."""
    _path(folder, participant).unlink(missing_ok=True)


def _path(folder: Path, participant: str) -> Path:
    if not PARTICIPANT.match(participant):
        raise UnsafeNameError("A pseudonym has 1–64 letters, digits, hyphens or underscores; this plan has another.")
    return folder / f"{participant}.json"
