"""Where the web processes keep their figures. Nothing of Django is here: each process reads this before it is ready."""

import os
import shutil
from pathlib import Path

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client's own."""


def keep_in(folder: Path) -> None:
    """Begin anew, in this folder. Before the first process serves."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    os.environ[FOLDER_VARIABLE] = str(folder)
