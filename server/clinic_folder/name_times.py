"""Small files of the clinic's folder that hold one wall time for each name, for processes that share no database."""

from pathlib import Path

import msgspec

from server.clinic_folder.atomic_file import PRIVATE, atomic_write


def read_name_times(file: Path) -> dict[str, float]:
    """Return the file's wall times in s by name; none where it is missing or cannot be read."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, float])
    except (OSError, msgspec.MsgspecError):
        return {}


def write_name_times(file: Path, times: dict[str, float]) -> None:
    """Write the file whole, readable by its owner alone. Raises OSError."""
    atomic_write(file, msgspec.json.encode(times), PRIVATE)
