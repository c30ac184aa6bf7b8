"""The commands around the pages: the first account, places, the log's check and export."""

import json
import stat
from pathlib import Path

from server.clinic_folder.settings import ClinicFolder
from tests.support.clinic.local_clinic import command
from tests.support.clinic.local_room import inside


def test_init_makes_the_clinic_and_the_first_account_gets_a_link(clinic: ClinicFolder) -> None:
    folder = str(clinic.places.folder)
    assert command("clinic", "list", "--dir", folder) == "trondheim\tTrondheim\t–\tEurope/Oslo\n"
    said = command("account", "add", "kari", "--role", "clinic_admin", "--dir", folder)
    assert "  https://localhost:8443/welcome/" in said
    assert command("account", "list", "--dir", folder) == "kari\tclinic_admin in trondheim\topen\tnever logged in\n"


def test_places_and_roles_are_added_and_every_act_is_in_a_log_that_can_be_checked_and_exported(
    clinic: ClinicFolder, tmp_path: Path
) -> None:
    folder = ("--dir", str(clinic.places.folder))
    command("region", "add", "west", "--name", "Vest", *folder)
    command("clinic", "add", "bergen", "--region", "west", *folder)
    command("account", "add", "ola", "--role", "coordinator", "--region", "west", *folder)
    command("account", "role", "ola", "--role", "therapist", "--clinic", "bergen", *folder)
    assert command("account", "list", *folder).startswith("ola\tcoordinator in west, therapist in bergen\topen")
    assert command("audit", "verify", *folder) == "4 lines; the chain is whole.\n"
    out = tmp_path / "log.jsonl"
    command("audit", "export", "--out", str(out), *folder)
    assert [json.loads(one)["action"] for one in out.read_text().splitlines()] == [
        "region_made", "clinic_made", "account_made", "account_roles", "log_exported"
    ]  # fmt: skip
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_what_cannot_be_done_is_said_in_a_sentence(clinic: ClinicFolder) -> None:
    folder = ("--dir", str(clinic.places.folder))
    assert "An account without a role can do nothing" in command("account", "add", "kari", *folder, check=False)
    assert "There is no account «ola»" in command("account", "reset", "ola", *folder, check=False)
    assert "is no time zone" in command("clinic", "add", "x", "--time-zone", "Mars/Base", *folder, check=False)
    assert "whose?" in command("account", "reset", *folder, check=False)


def test_all_plans_are_handed_out_again_and_what_cannot_be_is_said(clinic: ClinicFolder) -> None:
    folder = ("--dir", str(clinic.places.folder))
    said = inside(
        clinic,
        "from server.accounts.models import Clinic\n"
        "from server.people.models import Participant, PlanVersion\n"
        "from server.live.models import SuppliedMachine\n"
        "here = Clinic.objects.get(code='trondheim')\n"
        "for name in ('a', 'b'):\n"
        "    SuppliedMachine.objects.create(clinic=here, machine=name)\n"
        "one = Participant.objects.create(clinic=here, pseudonym='p-1', name='K', nickname='Rev', birth_year=1990)\n"
        "PlanVersion.objects.create(participant=one, version=1, hr_max_bpm=185.0)\n"
        "print('made')",
    )
    assert "made" in said
    assert command("hand-out-plans", *folder).startswith("2 plan(s) are on their way to 2 machine(s) of «trondheim»")
    assert command("hand-out-plans", "--machine", "b", *folder).startswith("1 plan(s) are on their way to «b»")
    topics = "from server.live.models import Outgoing\nprint(*Outgoing.objects.values_list('topic', flat=True))"
    assert inside(clinic, topics).split() == [f"ic/1/trondheim/{name}/plan/p-1" for name in ("a", "b", "b")]
    assert "There is no clinic «x»" in command("hand-out-plans", "--clinic", "x", *folder, check=False)
    assert "was ever heard" in command("hand-out-plans", "--machine", "c", *folder, check=False)
    assert command("audit", "verify", *folder) == "2 lines; the chain is whole.\n"
