"""Run the tests that depend on the date with the clock of every program set, also of those that the tests start.

    python -m scripts.any_hour [--moment NAME …] [--computer ZONE …] [pytest's arguments or test files]

Each moment is tried on a computer in each zone. The suite's own short form sets the same moments within one program
(`test_any_hour.py`). Without test files, all run that ask for the
date, and the web pages'; not those that lead whole services (`NOT_MOVED`). The exit status is 1 where one failed.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parents[1]
OSLO = ZoneInfo("Europe/Oslo")
COMPUTERS = ("UTC", "Europe/Oslo")
"""The zones in which the computer may be."""
MOMENTS = {
    "an hour before midnight": datetime(2027, 1, 18, 23, 0, tzinfo=OSLO),
    "ten minutes to midnight": datetime(2027, 1, 18, 23, 50, tzinfo=OSLO),
    "an hour after midnight": datetime(2027, 1, 20, 0, 59, tzinfo=OSLO),
    "Monday, five past midnight": datetime(2027, 1, 18, 0, 5, tzinfo=OSLO),
    "a summer's midnight": datetime(2027, 7, 6, 1, 30, tzinfo=OSLO),
    "the night to summer time": datetime(2027, 3, 28, 3, 5, tzinfo=OSLO),
    "the evening before summer time": datetime(2027, 3, 27, 23, 50, tzinfo=OSLO),
    "the night from summer time, first time round": datetime(2027, 10, 31, 2, 30, tzinfo=OSLO),
    "the night from summer time, second time round": datetime(2027, 10, 31, 2, 30, tzinfo=OSLO, fold=1),
    "29 February": datetime(2028, 2, 29, 0, 20, tzinfo=OSLO),
    "31 December": datetime(2027, 12, 31, 23, 55, tzinfo=OSLO),
    "New Year's morning": datetime(2028, 1, 1, 0, 10, tzinfo=OSLO),
    "week 53": datetime(2027, 1, 1, 0, 30, tzinfo=OSLO),
    "the first of a month": datetime(2027, 6, 1, 0, 15, tzinfo=OSLO),
    "noon": datetime(2027, 5, 19, 12, 0, tzinfo=OSLO),
}
"""When a date goes wrong most easily, by the clock of a clinic in Norway."""
ASKS_FOR_THE_DATE = re.compile(
    r"localdate|timezone\.now|localtime|\.today\(|datetime\.now|time\.time\(|fromtimestamp|strftime"
)
PAGES = "tests/server/web"
"""What these look at was made by pages, which ask for the date themselves."""
NOT_MOVED = ("browser", "scenarios", "vm")
"""libfaketime moves the clock on which threads wait for each other, and the demo's machines then wait for ever."""
HANGS_AFTER_S = 120
ALREADY_SET = "test_any_hour.py"
"""These set the clock themselves, within the program."""


def dated_files() -> list[str]:
    """Return the test files that depend on the date, by their path in the repository."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    names = [
        str(file.relative_to(ROOT))
        for file in files
        if file.name != ALREADY_SET and not set(NOT_MOVED) & set(file.parts)
    ]
    return [
        name
        for name in names
        if name.startswith(PAGES) or ASKS_FOR_THE_DATE.search((ROOT / name).read_text(encoding="utf-8"))
    ]


def library() -> Path:
    """Return libfaketime as Debian installs it. Ends the program where it is missing."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        sys.exit("libfaketime is not installed, and it sets the clock. Install it: apt-get install faketime")
    return found[0]


def run_at(moment: datetime, computer: str, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run pytest at a moment. All clocks are moved by the same length, so that durations are as ever."""
    clock = {
        "TZ": computer,
        "LD_PRELOAD": str(library()),
        "FAKETIME": f"{moment.timestamp() - time.time():+.3f}",
        "FAKETIME_DONT_RESET": "1",
        # No file, and no shared memory that a killed program would leave behind.
        "FAKETIME_NO_CACHE": "1",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow and not hardware"]
    command += ["--timeout", str(HANGS_AFTER_S)]
    return subprocess.run(
        [*command, *arguments], cwd=ROOT, env={**os.environ, **clock}, capture_output=True, text=True, check=False
    )


def main() -> int:
    """Run every moment on every computer, and print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m scripts.any_hour", allow_abbrev=False)
    parser.add_argument("--moment", action="append", choices=MOMENTS, help="all of them unless named")
    parser.add_argument("--computer", action="append", choices=COMPUTERS, help="the computer's zone; both unless named")
    given, arguments = parser.parse_known_args()
    if not any(one.startswith("tests") for one in arguments):
        arguments += dated_files()
    failed = 0
    for name in given.moment or MOMENTS:
        for computer in given.computer or COMPUTERS:
            ran = run_at(MOMENTS[name], computer, arguments)
            lines = ran.stdout.strip().splitlines() or [ran.stderr.strip()]
            failed += ran.returncode != 0
            sys.stdout.write(f"{'failed' if ran.returncode else 'passed'}  {name}, {computer}: {lines[-1]}\n")
            if ran.returncode:
                sys.stdout.write(f"{ran.stdout}{ran.stderr}\n")
            sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
