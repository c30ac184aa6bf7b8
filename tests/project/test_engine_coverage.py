"""The session engine's tests run every branch of it."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = "tests/coach/coverage.toml"
LEARNED = (
    "tests/coach/test_guidance_fuzz.py",
    "tests/coach/guidance/test_fault_sessions.py",
    "tests/coach/guidance/test_learned_guidance.py",
    "tests/coach/guidance/test_learned_guidance_properties.py",
    "tests/coach/guidance/test_people_not_built_for.py",
)
"""Tests of the guidance that learns, which is not measured: they run long, and longer where lines are counted."""


def test_every_branch_of_the_session_engine_is_run_by_its_tests(tmp_path: Path) -> None:
    """A run of its own, without the property tests: what chance may find is no proof that a branch is run."""
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not hypothesis"),
            *("tests/coach", *(f"--ignore={one}" for one in LEARNED), "--cov", f"--cov-config={SETTINGS}"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"COVERAGE_FILE": str(tmp_path / "coverage")},
    )
    assert run.returncode == 0, run.stdout[-3000:]


def test_every_file_of_the_session_engine_is_measured() -> None:
    """The engine's own files are those that it imports, and the desk around it."""
    measured = tomllib.loads((ROOT / SETTINGS).read_text(encoding="utf-8"))["tool"]["coverage"]["run"]["include"]
    assert [name for name in measured if not (ROOT / name).is_file()] == []
    code = "import sys, coach.kiosk.flow, coach.model.protocol_file, coach.guidance.rules; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    modules = {f"{name.replace('.', '/')}.py" for name in run.stdout.split() if name.startswith("coach.")}
    imported = {name for name in modules if (ROOT / name).is_file()}  # a folder holds its sentence alone
    assert imported - set(measured) == set()
