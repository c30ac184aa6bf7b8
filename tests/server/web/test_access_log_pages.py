"""The access log's pages and commands: who sees what of it, and that a changed line is found."""

import ast
import csv
import json
import re
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.db import connection
from django.utils import translation

from server.accounts.roles import Permission
from server.audit import export, seal
from server.audit.detail_words import HEADINGS, details
from server.audit.models import Entry, Head
from server.audit.record import digest, faults, record
from server.audit.words import WORDS, action_words
from server.errors import ServerError
from tests.server.web.conftest import People


def fill(people: People) -> None:
    therapist, elsewhere = people.account("therapist"), people.account("bergen-therapist")
    for number in range(3):
        record(therapist, "log_in")
        record(
            therapist,
            "room.opened",
            clinic=people.clinic,
            may=Permission.SEE_ROOM,
            participant=people.participants[number % 2],
        )
    record(
        elsewhere, "room.opened", clinic=people.other, may=Permission.SEE_ROOM, participant=people.others_participant
    )


def rows(people: People, query: str = "") -> list[tuple[str, str, str]]:
    page = people.admin.get(f"/c/trondheim/log/{query}")
    assert page.status_code == 200
    return [(one["name"], str(one["role"]), one["entry"].participant) for one in page.context["rows"]]


def test_a_clinic_sees_its_own_lines_only_the_newest_first(people: People) -> None:
    fill(people)
    line = ("Therapist Testesen", "behandler")
    reading = ("Clinic_Admin Testesen", "klinikkadministrator", "")
    assert rows(people) == [reading, (*line, "p-1"), (*line, "p-2"), (*line, "p-1")]


def test_the_log_is_searched_by_account_participant_and_day(people: People) -> None:
    fill(people)
    line = ("Therapist Testesen", "behandler")
    assert rows(people, "?participant=p-2") == [(*line, "p-2")]
    assert rows(people, "?account=somebody") == []
    assert rows(people, "?since=2001-01-01&until=2001-01-02") == []
    assert len(rows(people, "?account=THERAPIST&since=2001-01-01")) == 3


def test_reading_the_log_is_in_the_log(people: People) -> None:
    people.admin.get("/c/trondheim/log/")
    assert [(one.account, one.role, one.action) for one in Entry.objects.all()] == [
        ("clinic_admin", "clinic_admin", "log_read")
    ]


def test_who_has_looked_tells_names_roles_and_actions_about_one_participant(people: People) -> None:
    fill(people)
    page = people.admin.get("/c/trondheim/log/participant/p-2/")
    told = [(one["name"], one["role"], one["action"]) for one in page.context["rows"]]
    assert told == [
        ("Clinic_Admin Testesen", "klinikkadministrator", action_words("who_looked_read")),
        ("Therapist Testesen", "behandler", action_words("room.opened")),
    ]


def test_a_whole_chain_is_whole_and_a_changed_removed_or_added_line_is_found(people: People) -> None:
    fill(people)
    assert list(faults()) == []
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_entry SET account = 'somebody' WHERE number = 2")
    assert list(faults()) == ["Line 2 has been changed."]
    Entry.objects.filter(number=7).delete()
    assert list(faults()) == [
        "Line 2 has been changed.",
        "The log should end with line 7, and ends with line 6.",
        "access-log.tail ends with line 7; the log has no such line, and ends with line 6.",
    ]
    Entry.objects.filter(number=3).delete()
    assert "Lines 3–3 are missing." in list(faults())


def forge_chain() -> None:
    """Write all hashes and the end anew, as somebody can who may write the database and nothing else."""
    number, before = 0, "0" * 64
    for number, entry in enumerate(Entry.objects.order_by("number"), 1):  # noqa: B007 - the last number is used
        entry.previous_sha256 = before
        before = entry.sha256 = digest(entry)
        entry.save()
    Head.objects.filter(pk=1).update(number=number, sha256=before)


def test_a_cut_end_is_found_by_the_tail_outside_the_database(people: People) -> None:
    fill(people)
    Entry.objects.filter(number__gt=5).delete()
    forge_chain()
    cut = "access-log.tail ends with line 7; the log has no such line, and ends with line 5."
    assert list(faults()) == [cut]
    Head.objects.all().delete()
    assert list(faults()) == ["The row that holds the log's end is missing.", cut]


def test_an_emptied_log_is_no_whole_chain(people: People) -> None:
    fill(people)
    Entry.objects.all().delete()
    Head.objects.all().delete()
    assert list(faults()) == [
        "The log is empty, and there are accounts: each account was added with a line.",
        "access-log.tail ends with line 7; the log has no such line, and ends with line 0.",
    ]


def test_lines_written_anew_lack_the_seal_of_the_key_outside_the_database(people: People) -> None:
    fill(people)
    Entry.objects.filter(number=6).update(account="somebody")
    forge_chain()
    assert "Line 6 does not carry this server's seal." in list(faults())
    Entry.objects.update(seal="")
    assert [one for one in faults() if "seal" in one] == [
        f"Line {number} does not carry this server's seal." for number in range(1, 8)
    ]


def test_lines_of_an_earlier_version_need_no_seal_and_later_ones_do(people: People) -> None:
    fill(people)
    folder = seal.access_log_folder()
    assert folder is not None
    for name in (seal.KEY_FILE, seal.TAIL_FILE):
        (folder / name).unlink()
    Entry.objects.update(seal="")
    assert list(faults()) == []
    record("command", "log_exported")
    assert list(faults()) == []
    assert seal.read_key() is not None
    assert seal.read_key().first_line == 8  # type: ignore[union-attr] # it is there
    Entry.objects.filter(number=8).update(seal="")
    assert list(faults()) == ["Line 8 does not carry this server's seal."]


def test_a_missing_or_damaged_key_or_tail_is_named_and_stops_no_page(people: People) -> None:
    fill(people)
    folder = seal.access_log_folder()
    assert folder is not None
    kept = (folder / seal.TAIL_FILE).read_bytes()
    (folder / seal.TAIL_FILE).unlink()
    assert list(faults()) == [
        "access-log.tail is missing. Take it from a backup, or look at who may write that folder."
    ]
    (folder / seal.TAIL_FILE).write_bytes(kept)
    (folder / seal.KEY_FILE).write_bytes(b"\0" * 40)
    with pytest.raises(ServerError, match=r"access-log\.key: cannot be read .* from a backup"):
        list(faults())
    assert record("command", "log_exported").seal == ""


def test_an_export_kept_elsewhere_finds_lines_that_were_changed_or_cut_since(people: People, tmp_path: Path) -> None:
    fill(people)
    exports = tmp_path / "log.jsonl", tmp_path / "log.csv"
    for file, lines in zip(exports, (export.json_lines, export.csv_lines), strict=True):
        file.write_text("\n".join(lines(export.chosen())) + "\n")
        assert list(faults(export.read_hashes(file))) == []
    Entry.objects.filter(number__gt=4).delete()
    assert "3 lines of the export are missing, from line 5 on." in list(faults(export.read_hashes(exports[0])))
    (tmp_path / "other").write_text("name;age\nx;1\n")
    for wrong in (tmp_path / "other", tmp_path / "missing"):
        with pytest.raises(ServerError, match=r"cannot be read|no export of the access log"):
            export.read_hashes(wrong)


def test_the_export_holds_every_line_of_a_clinic_with_the_chains_hashes(people: People) -> None:
    fill(people)
    lines = [json.loads(one) for one in export.json_lines(export.chosen("trondheim"))]
    assert [(one["number"], one["participant"], len(one["sha256"])) for one in lines] == [
        (2, "p-1", 64),
        (4, "p-2", 64),
        (6, "p-1", 64),
    ]
    read = list(csv.DictReader(StringIO("\n".join(export.csv_lines(export.chosen("trondheim"))))))
    assert [one["number"] for one in read] == ["2", "4", "6"]
    assert list(export.json_lines(export.chosen("trondheim", until=date(2001, 1, 1)))) == []
    assert len(list(export.json_lines(export.chosen(since=datetime.now(UTC).date())))) == 7


def test_a_spreadsheet_takes_no_line_for_a_formula(people: People) -> None:
    record("=1+1", "log_in", clinic=people.clinic)
    [row] = csv.DictReader(StringIO("\n".join(export.csv_lines(export.chosen()))))
    assert row["account"] == "'=1+1"


def test_every_action_that_the_server_logs_has_words() -> None:
    root = Path(__file__).resolve().parents[3] / "server"
    logged = re.compile(r'\b(?:record|_log|about_participant)\((?:[^"()]|\([^()]*\))*?"([a-z][a-z_. ]+)"')
    used = {one for path in root.rglob("*.py") for one in logged.findall(path.read_text())}
    assert len(used) > 15
    assert used - set(WORDS) == set()


def test_a_lines_details_are_in_the_pages_words(people: People) -> None:
    therapist = people.account("therapist")

    def told(action: str, **detail: object) -> list[tuple[str, str]]:
        line = record(therapist, action, clinic=people.clinic, may=Permission.SEE_DIARY, **detail)
        with translation.override("nb"):
            return list(details(line))

    assert told("see day", day="2026-11-22") == [("dag", "22.11.2026")]
    assert told("papers.report", period="2026-10-01 – 2026-10-31") == [("periode", "01.10.2026 – 31.10.2026")]
    assert told("network.seen", region="", period="2026-Q3", by="group") == [
        ("periode", "2026-Q3"),
        ("etter", "gruppe"),
    ]
    assert told("plan.changed", version=2, fields=["hr_max_bpm", "cap_released"]) == [
        ("versjon", "2"),
        ("felt", "Makspuls, Ukegrense og hviletid gjelder ikke"),
    ]
    assert told("people.changed", fields=["nickname", "group"]) == [("felt", "kallenavn, gruppe")]
    assert told("account_roles", of="kari", before=[], after=["therapist", "clinic_admin"]) == [
        ("for", "kari"),
        ("etterpå", "behandler, klinikkadministrator"),
    ]
    assert told("room.command", machine="molle-1", command="pause", id=7) == [
        ("maskin", "molle-1"),
        ("kommando", "Stans"),
        ("nummer", "7"),
    ]
    assert told("log_in", factor="spare", strong=True, of_a_newer_version="x") == [
        ("med", "reservekode"),
        ("med to faktorer", "ja"),
        ("of_a_newer_version", "x"),
    ]


def test_every_detail_that_the_server_logs_has_a_heading() -> None:
    root = Path(__file__).resolve().parents[3] / "server"
    columns = {"clinic", "may", "participant"}
    calls = [
        node
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("record", "_log")
    ]
    used = {word.arg for node in calls for word in node.keywords if word.arg is not None} - columns
    assert {"day", "period", "version", "fields", "machine"} <= used
    assert used - set(HEADINGS) == set()
