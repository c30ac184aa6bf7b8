"""`interval-coach sessions`: what it shows, and the sentence it gives where it cannot."""

import argparse
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.console import Console

from firmware.commands import sessions as sessions_command
from firmware.journal.journal import Journal
from tests.support.machine.session_factory import SESSION_ID, events, messages, plan, protocol, summary

OTHER_ID = "01a201a2-30b4-7dc4-b145-77fdcea40af6"


@pytest.fixture(scope="module")
def diary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("diary") / "diary.db"
    with Journal.open(path) as journal:
        for session_id in (SESSION_ID, OTHER_ID):
            journal.begin(session_id, replace(plan(), nickname="Reven"), protocol())
            journal.record(session_id, messages(), events())
        journal.finish(SESSION_ID, summary()).result()
    return path


def sessions(diary: Path, *words: str) -> tuple[int, str, str]:
    """Run the command; give its code, what it printed, and what it complained of."""
    parser = argparse.ArgumentParser()
    sessions_command.add_parser(parser.add_subparsers())
    output, errors = io.StringIO(), io.StringIO()
    code = sessions_command.run(
        parser.parse_args(["sessions", "--diary", str(diary), *words]),
        output=Console(file=output, width=120),
        errors=Console(file=errors, soft_wrap=True),
    )
    return code, output.getvalue(), errors.getvalue()


def test_the_list_has_a_line_for_each_session(diary: Path) -> None:
    code, printed, _ = sessions(diary, "list")
    lines = [line.split() for line in printed.splitlines()[1:]]
    assert (code, [(line[0], line[-1]) for line in lines]) == (
        0,
        [("01a201a2-20b4", "deliver"), ("01a201a2-30b4", "unfinished")],
    )
    assert [word in printed for word in ("Reven", "4/4", "9:40", "169")] == [True] * 4


def test_a_session_is_shown_interval_by_interval(diary: Path) -> None:
    code, printed, _ = sessions(diary, "show", "01a201a2-2")
    assert (code, len(printed.splitlines()), SESSION_ID in printed) == (0, 10, True)


def test_last_is_the_newest_and_an_unfinished_one_says_so(diary: Path) -> None:
    code, printed, _ = sessions(diary, "show", "last")
    assert (code, OTHER_ID in printed, "Unfinished" in printed) == (0, True, True)


@pytest.mark.parametrize("format_name", sessions_command.FORMATS)
def test_a_session_is_exported_to_the_file_named(diary: Path, tmp_path: Path, format_name: str) -> None:
    path = tmp_path / f"out.{format_name}"
    code, printed, _ = sessions(diary, "export", SESSION_ID, "--format", format_name, "--output", str(path))
    assert (code, printed.replace("\n", ""), list(tmp_path.iterdir())) == (0, str(path), [path])


def test_a_file_that_is_there_is_overwritten_by_force_only(diary: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("mine")
    command = ("export", SESSION_ID, "--format", "csv", "--output", str(path))
    code, _, complaint = sessions(diary, *command)
    assert (code, "is there already" in complaint, path.read_text()) == (1, True, "mine")
    assert sessions(diary, *command, "--force")[0] == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("show", "zz"), "No session's id begins with «zz»."),
        (("show", "01a2"), "2 sessions' ids begin with «01a2»"),
        (("export", SESSION_ID, "--output", "/nowhere/x.fit"), "/nowhere/x.fit could not be written"),
        (("export", SESSION_ID, "--output", "/"), "/ is a folder."),
    ],
)
def test_what_cannot_be_done_gets_one_clear_sentence(diary: Path, words: tuple[str, ...], sentence: str) -> None:
    code, printed, complaint = sessions(diary, *words)
    assert (code, printed, complaint.startswith(sentence), complaint.count("\n")) == (1, "", True, 1)


def test_without_a_diary_it_says_where_it_looked(tmp_path: Path) -> None:
    code, _, complaint = sessions(tmp_path / "none.db", "list")
    assert (code, complaint.startswith(f"There is no diary at {tmp_path}/none.db")) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_diary_says_that_it_is_empty(tmp_path: Path) -> None:
    Journal.open(tmp_path / "diary.db").close()
    assert sessions(tmp_path / "diary.db", "list")[1].startswith("The diary is empty")
    assert sessions(tmp_path / "diary.db", "show", "last")[2].startswith("The diary is empty")


def test_while_another_process_has_the_diary_it_says_so(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "diary.db"):
        code, _, complaint = sessions(tmp_path / "diary.db", "list")
    assert (code, complaint.startswith("Another process has the diary")) == (1, True)


def test_without_a_name_the_machines_own_diary_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERVAL_COACH_DIARY", str(tmp_path / "named.db"))
    parser = argparse.ArgumentParser()
    sessions_command.add_parser(parser.add_subparsers())
    errors = io.StringIO()
    code = sessions_command.run(parser.parse_args(["sessions", "list"]), errors=Console(file=errors, soft_wrap=True))
    assert (code, str(tmp_path / "named.db") in errors.getvalue()) == (1, True)


@pytest.mark.parametrize("content", [b"", b"no diary, but somebody's letter"])
def test_a_file_that_is_no_diary_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    letter = tmp_path / "letter"
    letter.write_bytes(content)
    code, _, complaint = sessions(letter, "list")
    assert (code, "is no diary" in complaint, letter.read_bytes(), list(tmp_path.iterdir())) == (
        1,
        True,
        content,
        [letter],
    )


def test_a_folder_is_no_diary(tmp_path: Path) -> None:
    code, _, complaint = sessions(tmp_path, "list")
    assert (code, "is no diary" in complaint, list(tmp_path.iterdir())) == (1, True, [])


def test_where_nothing_can_be_written_the_export_says_so_and_what_to_do(diary: Path) -> None:
    code, _, complaint = sessions(diary, "export", SESSION_ID, "--format", "csv", "--output", "/proc/version/out.csv")
    assert (code, complaint) == (
        1,
        "/proc/version/out.csv could not be written: Not a directory. Name another place with --output.\n",
    )
