"""FIT, TCX and GPX files of public repositories: read as independent decoders read them.

    python -m tests.support.machine.world_recordings MIRRORS [--every]

`MIRRORS` holds a git copy of each repository below as `owner+name/repo` (or its `.git`); none of their files is kept
here. FIT files are compared with fitparse (install it by hand: it has no wheel, so no lock holds it), TCX with
tcxreader, GPX with gpxpy. Where those give up, the file is listed
with the cause that this product gives. `--every` prints a line for each file.
"""

import argparse
import gzip
import hashlib
import io
import subprocess
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import fitparse
import gpxpy
from tcxreader.tcxreader import TCXReader

from firmware.recordings.errors import RecordingFileError
from firmware.recordings.reader import LARGEST_BYTES, read

REPOSITORIES = (
    "dtcooper/python-fitparse",
    "polyvertex/fitdecode",
    "stadelmanma/fitparse-rs",
    "tormoder/fit",
    "muktihari/fit",
    "jimmykane/fit-parser",
    "garmin/fit-javascript-sdk",
    "Runalyze/Runalyze",
    "GoldenCheetah/GoldenCheetah",
    "GoldenCheetah/sweatpy",
    "GoldenCheetah/scikit-sports",
    "sports-alliance/sports-lib",
    "trackerproject/trackeR",
    "firefly-cpp/sport-activities-features",
    "firefly-cpp/tcxreader",
    "vkurup/python-tcxparser",
    "tkrajina/gpxpy",
    "dblock/tcx",
)
KINDS = (".fit", ".tcx", ".gpx")
Rates = list[tuple[float, float]]


def files_of(mirrors: Path) -> Iterator[tuple[str, str, bytes]]:
    """Yield repository, path and content of each recording, the same content once."""
    seen: set[bytes] = set()
    for repository in REPOSITORIES:
        folder = mirrors / repository.replace("/", "+") / "repo"
        git = ["git", f"--git-dir={folder / '.git' if (folder / '.git').is_dir() else folder}"]
        if not folder.is_dir():
            print(f"{repository}: no copy in {mirrors}")
            continue
        listed = subprocess.run([*git, "ls-tree", "-rz", "HEAD"], capture_output=True, check=True, text=True).stdout
        for entry in filter(None, listed.split("\0")):
            about, _, path = entry.partition("\t")
            if not path.lower().removesuffix(".gz").endswith(KINDS):
                continue
            blob = subprocess.run([*git, "cat-file", "blob", about.split()[2]], capture_output=True, check=False)
            mark = hashlib.sha256(blob.stdout).digest()
            if blob.returncode == 0 and mark not in seen and len(blob.stdout) <= LARGEST_BYTES:
                seen.add(mark)
                yield repository, path, blob.stdout


def independent(kind: str, path: Path) -> Rates:
    """Read seconds since the first record or point, and the rate, with another decoder. Raises whatever it raises."""
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    stamped: list[tuple[datetime | int | None, float | None]]
    if kind == ".fit":
        found = list(fitparse.FitFile(io.BytesIO(content)).get_messages(("record", "hr")))
        if any(one.name == "hr" for one in found):
            # Rates that the strap kept under water, in a form that fitparse does not take apart.
            return []
        stamped = [(record.get_value("timestamp"), record.get_value("heart_rate")) for record in found]
    elif kind == ".tcx":
        plain = path.with_name("plain.tcx")
        plain.write_bytes(content)
        exercise = TCXReader().read(str(plain), only_gps=False)
        stamped = [(point.time, point.hr_value) for lap in exercise.laps for point in lap.trackpoints]
    else:
        parsed = gpxpy.parse(content.decode("utf-8-sig"))
        stamped = [(point.time, rate_of(point)) for point, *_ in parsed.walk()]
    times = [moment(at) for at, _ in stamped if at is not None]
    first = times[0] if kind == ".fit" and times else min(times, default=0.0)
    return sorted((moment(at) - first, float(rate)) for at, rate in stamped if at is not None and rate is not None)


def moment(at: datetime | int) -> float:
    if isinstance(at, int):
        return float(at)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def rate_of(point: gpxpy.gpx.GPXTrackPoint) -> float | None:
    for extension in point.extensions:
        for element in extension.iter():
            if element.tag.rpartition("}")[2].rpartition(":")[2].lower() in ("hr", "heartrate", "heart_rate"):
                return float(element.text)
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mirrors", type=Path)
    parser.add_argument("--every", action="store_true")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for repository, name, content in files_of(args.mirrors):
            kind = Path(name.lower().removesuffix(".gz")).suffix
            path = Path(folder) / f"recording{kind}{'.gz' if name.lower().endswith('.gz') else ''}"
            path.write_bytes(content)
            try:
                theirs: Rates | str = independent(kind, path)
            except Exception as error:  # noqa: BLE001 - another program's faults are data here
                theirs = f"{type(error).__name__}: {error}"[:90]
            verdict, note = compared(path, theirs)
            counts[f"{kind[1:]} {verdict}"] += 1
            counts[verdict] += 1
            if args.every or verdict not in ("same", "no rate"):
                print(f"{verdict:<10} {repository} {name}: {note}")
    for what, count in sorted(counts.items()):
        print(f"{what:<24} {count:5}")
    print("part: several days in one file, of which a recording is the first")
    print("more: read here, while the other decoder reads no rate of it or gives up")
    sound = counts["same"] + counts["differs"] + counts["refused"]
    print(f"read as an independent decoder reads them: {counts['same']} of {sound} sound files with a heart rate")


def compared(path: Path, theirs: Rates | str) -> tuple[str, str]:
    """Return the verdict on one file, and its note."""
    try:
        recording = read(path)
    except RecordingFileError as error:
        if isinstance(theirs, str):
            return "damaged", f"{error.reason} | {theirs}"
        return ("no rate" if not theirs else "refused"), error.reason
    if isinstance(theirs, str):
        return "more", f"read here, not by the other decoder ({theirs}) {[one.text for one in recording.remarks]}"
    if not theirs:
        return "more", f"{recording.rates_from} read here alone"
    ours = sorted((sample.t_s, sample.bpm) for sample in recording.samples if sample.bpm is not None)
    told = [one.text for one in recording.remarks] + [f"{one.count} {one.reason}" for one in recording.skipped]
    if any("over a day from the first" in one for one in told):
        return "part", f"{len(ours)} rates of one day, the other {len(theirs)} of several"
    # A clock that was set, or a point before the first, moves the other decoder's seconds and not its rates.
    rates_same = sorted(rate for _, rate in ours) == sorted(rate for _, rate in theirs)
    close = len(ours) == len(theirs) and all(abs(a[0] - b[0]) < 0.01 for a, b in zip(ours, theirs, strict=True))
    if rates_same and (close or told):
        return "same", f"{len(ours)} rates {told}"
    return "differs", f"{len(ours)} rates, the other {len(theirs)}; {told}"


if __name__ == "__main__":
    main()
