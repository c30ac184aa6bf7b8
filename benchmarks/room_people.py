# ruff: noqa: PLC0415 - models can be imported only once a clinic's folder is known
"""Accounts and participants of a room's clinic, for tests and benchmarks; tells in JSON how to be logged in.

python -m benchmarks.room_people FOLDER PARTICIPANTS [OTHER_CLINIC]
"""

import sys
import time
from pathlib import Path

import msgspec

from server.clinic import read_clinic
from server.database import prepare

NICKNAMES = "«Rev Bjørk Ørn Måne Sol Elg Furu Hav Falk Lyng Ulv Stein Vind Gran Oter Tind Mår Fjell Rype Bekk»".strip(
    "«»"
).split()


def main() -> None:
    """Make them."""
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    other = sys.argv[3] if len(sys.argv) > 3 else None
    clinic = read_clinic(folder)
    prepare(clinic)

    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from server.clinics.models import Account, Membership
    from server.clinics.models import Clinic as ClinicRow
    from server.clinics.roles import Role
    from server.people.models import Participant
    from server.people.pictures import PICTURES
    from server.web.gate import STRONG, begin

    def logged_in(name: str, first_name: str, row: ClinicRow, role: Role) -> str:
        account = Account(username=name, first_name=first_name)
        account.set_unusable_password()
        account.save()
        Membership.objects.create(account=account, role=role, clinic=row)
        session = SessionStore()
        session[SESSION_KEY] = str(account.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = account.get_session_auth_hash()
        session[STRONG] = True
        begin(session)
        session.save()
        return str(session.session_key)

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
        "kari": logged_in("kari", "Kari", row, Role.THERAPIST),
        "ola": logged_in("ola", "Ola", row, Role.THERAPIST),
        "researcher": logged_in("forsker", "Siv", row, Role.RESEARCHER),
    }
    if other:
        beside, _new = ClinicRow.objects.get_or_create(code=other, defaults={"name": other.capitalize()})
        cookies["other"] = logged_in("nabo", "Liv", beside, Role.THERAPIST)
    sys.stdout.write(msgspec.json.encode({"people": people, "cookies": cookies, "at": time.time()}).decode() + "\n")


if __name__ == "__main__":
    main()
