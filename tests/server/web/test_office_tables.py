"""Tables as a Norwegian office opens them: LibreOffice with nb-NO finds numbers, and no formula."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from server.documents.export.tables import as_csv, as_xlsx

HEADINGS = ("Navn", "Minutter", "Andel")
ROWS = (("Åse; Berg, 1.2", 80, 0.8754), ("=HYPERLINK(1)", 6.4, None))


@pytest.fixture
def office() -> str:
    found = shutil.which("soffice")
    if found is None:
        pytest.skip("LibreOffice is not installed")
    return found


def cells_in_norwegian(office: str, folder: Path, table: Path) -> list[str]:
    """Open a table with the Norwegian locale, and return the type of each cell, or the text of a formula."""
    profile = folder / "profile" / "user"
    profile.mkdir(parents=True)
    (profile / "registrymodifications.xcu").write_text(
        '<?xml version="1.0" encoding="UTF-8"?><oor:items xmlns:oor="http://openoffice.org/2001/registry">'
        '<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale" oor:op="fuse">'
        "<value>nb-NO</value></prop></item></oor:items>",
        encoding="utf-8",
    )
    command = [office, f"-env:UserInstallation={profile.parent.as_uri()}", "--headless", "--convert-to", "fods"]
    subprocess.run([*command, "--outdir", str(folder), str(table)], check=True, capture_output=True, timeout=120)
    told = table.with_suffix(".fods").read_text(encoding="utf-8")
    return re.findall(r'<table:table-cell[^>]*?(table:formula|office:value-type="\w+")', told)


def test_a_workbook_opens_in_a_norwegian_office_with_numbers_and_without_formulas(office: str, tmp_path: Path) -> None:
    table = tmp_path / "report.xlsx"
    table.write_bytes(as_xlsx(HEADINGS, ROWS))
    text, number = 'office:value-type="string"', 'office:value-type="float"'
    assert cells_in_norwegian(office, tmp_path, table) == [text, text, text, text, number, number, text, number]


def test_a_table_for_programs_keeps_commas_and_points() -> None:
    assert as_csv(HEADINGS, ROWS, mark=False).decode().splitlines()[1] == '"Åse; Berg, 1.2",80,0.8754'
