"""The machines' pages: how each is, and nothing about health."""

import re
import time
from pathlib import Path

from server.accounts.finding_words import WORDS
from server.models import Certificate, MachineState
from tests.server.web.conftest import People


def machine(name: str, clinic: str = "trondheim", **more: object) -> None:
    MachineState.objects.create(
        clinic=clinic, machine=name, online=True, connection=1, waiting=0, heard_wall_s=time.time(), state=more
    )


def test_machines_that_need_somebody_come_first_and_other_clinics_are_not_there(people: People) -> None:
    machine("machine-1")
    machine("machine-2", findings=[{"code": "no_broker", "detail": "timeout"}, {"code": "from_tomorrow"}])
    machine("machine-3")
    machine("machine-9", clinic="bergen")
    Certificate.objects.create(serial="1", name="machine-3", given_wall_s=0, until_wall_s=time.time() + 86_400)
    page = people.support.get("/c/trondheim/manage/machines/")
    # As the room and the plans call it, and the name of its certificate.
    assert '>Mølle 2</a> <span class="hint">machine-2</span>' in page.content.decode()
    rows = page.context["rows"]
    assert [(one.name, [found.words for found in one.findings], one.certificate_soon) for one in rows] == [
        ("machine-2", ["Klinikkens server svarer ikke", "from_tomorrow"], False),
        ("machine-3", [], True),
        ("machine-1", [], False),
    ]


def test_one_machine_tells_versions_and_details(people: People) -> None:
    machine("machine-2", findings=[{"code": "no_broker", "detail": "timeout"}], software={"interval_coach": "9.9"})
    page = people.support.get("/c/trondheim/manage/machines/machine-2/").content.decode()
    assert "9.9" in page
    assert "timeout" in page


def test_every_finding_that_the_wire_names_has_words() -> None:
    text = (Path(__file__).resolve().parents[4] / "docs" / "wire.md").read_text()
    table = text.split("| finding | means |")[1].split("\n\n")[0]
    named = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert len(named) > 10
    assert named - set(WORDS) == set()
