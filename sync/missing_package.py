"""What to install where a package of an optional part is missing: one sentence, with the command that helps."""

import json
import shlex
from importlib.util import find_spec
from pathlib import Path

OWN_ROOMS = ("coach", "display", "firmware", "sync", "server")
EXTRA_OF = {"garmin_fit_sdk": "diary", "matplotlib": "diary", "luma": "desk", "paho": "desk", "pygame": "desk"}
"""Which extra of the distribution brings a package. `desk` brings all that a session without a Pi's hardware needs."""


def what_to_install(error: ImportError, otherwise: str) -> str:
    """Return the sentence for a failed import. `otherwise`: the extra of packages that EXTRA_OF does not name."""
    package = (error.name or "").partition(".")[0]
    if package in OWN_ROOMS or not package:
        return f"The installation is damaged: {error}. Install interval-coach again."
    extra = otherwise if otherwise == "server" else EXTRA_OF.get(package, otherwise)
    return f"The package «{package}» is not installed, and this needs it. Install it with: {install_command(extra)}."


def require_packages(*names: str) -> None:
    """Raise ModuleNotFoundError for the first package that is not installed."""
    for name in names:
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def install_command(extra: str) -> str:
    """Return the pip command that adds an extra, from the wheel or checkout that this installation came from.

    PEP 610: pip records that file or folder in direct_url.json. The index is named where there is no record, or where
    the file is gone.
    """
    from importlib.metadata import PackageNotFoundError, distribution  # noqa: PLC0415 - 3 MB, for a package that is missing

    try:
        recorded = json.loads(distribution("interval-coach").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        recorded = {}
    path = Path(str(recorded.get("url", "")).removeprefix("file://"))
    if not path.is_absolute() or not path.exists():
        return f"pip install {shlex.quote(f'interval-coach[{extra}]')}"
    editable = "-e " if recorded.get("dir_info", {}).get("editable") else ""
    return f"pip install {editable}{shlex.quote(f'{path}[{extra}]')}"
