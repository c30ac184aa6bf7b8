"""Recordings of heart rate: CSV, FIT, TCX and GPX, each also as .gz. One way in: `read(path)`.

What cannot be understood is refused with file, line and reason, and nothing is guessed. What is understood but is no
heart's rate (outside 25–250 bpm) is handed on as it is, with a remark: to judge a rate is the session engine's work.
What had to be left out is counted in `SampleRecording.skipped`.
"""

import gzip
import io
import zlib
from pathlib import Path

from firmware.recordings.csv import read_csv
from firmware.recordings.errors import RecordingFileError
from firmware.recordings.sample import SampleRecording, require_rates
from sync.missing_package import what_to_install

__all__ = ["LARGEST_BYTES", "SampleRecording", "read", "read_csv"]

LARGEST_BYTES = 64 * 1024 * 1024
_GZIP_MARK = b"\x1f\x8b"
_LOOKED_AT_BYTES = 2048


def read(path: Path) -> SampleRecording:
    """Read a recording. Raises RecordingError, with file, line and reason, where it cannot be used."""
    content = _content(path)
    suffix = path.suffix.lower()
    if content[:2] == _GZIP_MARK:
        content = _unpacked(path.name, content)
        suffix = Path(path.stem).suffix.lower()
    beginning = content[:_LOOKED_AT_BYTES].replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if content[8:12] == b".FIT" or suffix == ".fit":
        # Garmin's decoder comes with an extra, and only a FIT file needs it.
        try:
            from firmware.recordings.fit import read_fit as reader  # noqa: PLC0415
        except ImportError as error:
            raise RecordingFileError(path.name, 0, what_to_install(error, otherwise="diary")) from error
    elif beginning.startswith(b"<") or suffix in (".tcx", ".gpx"):
        if not beginning:
            raise RecordingFileError(path.name, 0, "The file is empty. Export the activity again.")
        try:
            from firmware.recordings.tracks import read_track as reader  # noqa: PLC0415
        except ImportError as error:
            raise RecordingFileError(path.name, 0, what_to_install(error, otherwise="diary")) from error
    else:
        reader = read_csv
    return require_rates(reader(path.name, content))


def _unpacked(name: str, content: bytes) -> bytes:
    """Unpack gzip, at most `LARGEST_BYTES`."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            unpacked = packed.read(LARGEST_BYTES + 1)
    except EOFError as error:
        raise RecordingFileError(name, 0, "The .gz file is cut short. Fetch or pack it again.") from error
    except (OSError, zlib.error) as error:
        raise RecordingFileError(name, 0, f"The .gz file is damaged ({error}). Fetch or pack it again.") from error
    if len(unpacked) > LARGEST_BYTES:
        megabytes = LARGEST_BYTES // 1024**2
        raise RecordingFileError(name, 0, f"The file in it is larger than {megabytes} MB, hardly one session. Cut it.")
    return unpacked


def _content(path: Path) -> bytes:
    name = path.name
    try:
        if not path.is_file():
            what = "is a folder or a device, not a file" if path.exists() else "does not exist"
            raise RecordingFileError(str(path), 0, f"The recording {what}. Check the path.")
        if path.stat().st_size > LARGEST_BYTES:
            megabytes = LARGEST_BYTES // 1024**2
            raise RecordingFileError(name, 0, f"The file is larger than {megabytes} MB, hardly one session. Cut it.")
        return path.read_bytes()
    except OSError as error:
        raise RecordingFileError(
            str(path), 0, f"The file cannot be read ({error.strerror}). Check its rights."
        ) from error
