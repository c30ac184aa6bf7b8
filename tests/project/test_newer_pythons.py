"""What newer Pythons do in another way, shown with any Python."""

import subprocess
import sys
from pathlib import Path

import pytest

from firmware.doctor.environment import is_there
from sync.wire.json_schema import make_standard


def test_a_description_is_the_same_with_and_without_the_sources_indentation() -> None:
    """Python 3.13 takes the indentation out of docstrings when it compiles them; 3.12 leaves it."""
    before = {"a": [{"description": "One.\n\n    Two.\n    Three."}], "description": "One."}
    after = {"a": [{"description": "One.\n\nTwo.\nThree."}], "description": "One."}
    for form in (before, after):
        make_standard(form)
        assert form == {"a": [{"description": "One.\n\nTwo.\nThree."}], "description": "One."}


def test_a_place_where_this_account_may_not_look_is_not_taken_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From Python 3.14 on, Path.exists is False there."""
    assert (is_there(tmp_path), is_there(tmp_path / "a"), is_there(Path(__file__) / "a")) == (True, False, False)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(PermissionError):
        is_there(tmp_path / "a")


def test_simulated_people_are_made_also_where_processes_start_from_a_server_by_default(tmp_path: Path) -> None:
    """From Python 3.14 on, a pool's workers are children of a server process."""
    begin = "import multiprocessing, sys; multiprocessing.set_start_method('forkserver')"
    words = [str(tmp_path), "--clinic", "demo:1", "--machines", "1", "--until", "1767225600"]
    finished = subprocess.run(
        [sys.executable, "-c", f"{begin}; from firmware.demo.clinic_history import main; sys.exit(main({words!r}))"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    assert (tmp_path / "people.json").stat().st_size > 0
