"""Plans that were given to this machine, kept beside the diary so that people can train after a restart.

Those of the server lie in one folder, those added at the machine in another: the server's go before. One JSON file for
each participant, as in the folder of plans; written whole or not at all.
"""

from pathlib import Path

import msgspec

from coach.model.plan import Plan
from firmware.system.atomic_file import UnsafeNameError, safe_path
from firmware.system.folder_owner import read_plain
from firmware.system.kept_file import forget_file, keep_file, rescue_folder

FOLDER = "given-plans"
ADDED_FOLDER = "added-plans"

__all__ = ["UnsafeNameError", "added_beside", "folder_beside", "keep", "remove", "rescue"]


def folder_beside(diary: Path) -> Path:
    """Where the server's plans of the machine with this diary lie."""
    return diary.parent / FOLDER


def added_beside(diary: Path) -> Path:
    """Where the plans that were added at the machine lie."""
    return diary.parent / ADDED_FOLDER


def keep(folder: Path, plan: Plan) -> None:
    """Keep a plan, in the place of an earlier one. Raises UnsafeNameError; OSError where the disk refuses."""
    keep_file(safe_path(folder, plan.participant), msgspec.json.encode(plan))


def remove(folder: Path, participant: str) -> None:
    """Keep a participant's plan no longer. Raises UnsafeNameError; OSError where the disk refuses."""
    forget_file(safe_path(folder, participant))


def rescue(folder: Path) -> None:
    """Restore plans that were damaged on the card from their copies, and put the damaged files aside."""
    rescue_folder(
        folder,
        lambda path: msgspec.json.decode(read_plain(path), type=Plan),
        (msgspec.MsgspecError, UnicodeDecodeError, RecursionError),
    )
