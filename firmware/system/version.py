"""The installed version of this software, looked up only when somebody asks: the look-up takes as long as a start."""

import sys
from pathlib import Path
from typing import Final

_RECORD: Final = "interval_coach-*.dist-info"


def own_version() -> str:
    """Return the version; `uninstalled` where this runs from a folder that was never installed.

    It is in the name of the record that pip leaves. `importlib.metadata` finds the same, and takes 3 MB in each service
    for its mail parser; it is asked where no such record is.
    """
    for folder in sys.path:
        for record in sorted(Path(folder or ".").glob(_RECORD)):
            if (record / "METADATA").is_file():
                return record.name.removesuffix(".dist-info").partition("-")[2]
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - see above

    try:
        return version("interval-coach")
    except PackageNotFoundError:
        return "uninstalled"
