# ruff: noqa: PLC0415 - models can be imported only once a clinic's folder is known
"""Accounts and participants of a room's clinic, for tests and benchmarks; tells in JSON how to be logged in.

python -m tests.support.clinic.room_people FOLDER PARTICIPANTS [OTHER_CLINIC]
"""

import sys
import time
from pathlib import Path

import msgspec

from server.clinic_folder.database import prepare
from server.clinic_folder.settings import read_clinic
from tests.support.clinic.signed_in import session_of

NICKNAMES = "«Rev Bjørk Ørn Måne Sol Elg Furu Hav Falk Lyng Ulv Stein Vind Gran Oter Tind Mår Fjell Rype Bekk»".strip(
    "«»"
).split()


def main() -> None:
    """Make them."""
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    other = sys.argv[3] if len(sys.argv) > 3 else None
    clinic = read_clinic(folder)
    prepare(clinic)

    from server.accounts.models import Clinic as ClinicRow
    from server.accounts.roles import Role
    from server.people.models import Participant
    from server.people.pictures import PICTURES

    row, _new = ClinicRow.objects.get_or_create(
        code=clinic.settings.clinic, defaults={"name": clinic.settings.clinic.capitalize()}
    )
    pictures = list(PICTURES)
    people = [f"P{number:03d}" for number in range(count)]
    for number, one in enumerate(people):
        Participant.objects.create(
            clinic=row,
            pseudonym=one,
            name=f"Prøve {number}",
            nickname=NICKNAMES[number % len(NICKNAMES)] + ("" if number < len(NICKNAMES) else f" {number}"),
            picture=pictures[number % len(pictures)],
            birth_year=1990,
        )
    cookies = {
        "kari": session_of("kari", Role.THERAPIST, row, "Kari"),
        "ola": session_of("ola", Role.THERAPIST, row, "Ola"),
        "researcher": session_of("forsker", Role.RESEARCHER, row, "Siv"),
    }
    if other:
        beside, _new = ClinicRow.objects.get_or_create(code=other, defaults={"name": other.capitalize()})
        cookies["other"] = session_of("nabo", Role.THERAPIST, beside, "Liv")
    sys.stdout.write(msgspec.json.encode({"people": people, "cookies": cookies, "at": time.time()}).decode() + "\n")


if __name__ == "__main__":
    main()
