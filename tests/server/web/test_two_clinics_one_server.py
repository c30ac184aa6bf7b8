"""A region's server: two clinics' machines deliver into one database, and no therapist sees the other clinic's."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import reverse

from firmware.enrolment.enrol import enrol
from server.accounts.models import Account, Clinic, Membership
from server.accounts.roles import Role
from server.diary.ingest import enter_waiting
from server.diary.models import DiaryEntry
from tests.server.conftest import using
from tests.server.web.conftest import Browser, logged_in
from tests.support.broker.courier_machine import SendingMachine, parcel
from tests.support.clinic.local_clinic import Postgres, code_for, collector, command, enrolling, make, mosquitto

CLINICS = ("trondheim", "bergen")


@pytest.fixture
def delivered(tmp_path: Path, postgres: Postgres, pages: None) -> Iterator[dict[str, Browser]]:
    """A therapist of each clinic, after three sessions from each clinic's own machine have come to the region."""
    del pages
    database = postgres.database("two_clinics")
    region = make(tmp_path / "region", "--all-clinics", clinic="midt", database=database)
    for code in CLINICS:
        command("bridge", code, "--dir", str(region.places.folder), database=database)
    with contextlib.ExitStack() as stack:
        stack.enter_context(mosquitto(region))
        stack.enter_context(collector(region, "--metrics-port", "0", database=database))
        for at, code in enumerate(CLINICS):
            clinic = make(tmp_path / code, clinic=code)
            handed = region.places.folder / "bridges" / f"bridge-{code}"
            shutil.copy(handed / "region.conf", clinic.places.broker / "more.d")
            stack.enter_context(mosquitto(clinic))
            with enrolling(clinic):
                identity = tmp_path / f"machine-of-{code}"
                enrol(f"localhost:{clinic.settings.enrolment_port}", code_for(clinic, "machine-1"), identity)
            parcels = [parcel(10 * at + number, messages=20) for number in range(3)]
            with SendingMachine(identity, parcels, speed=30) as machine:
                machine.pump_until_empty(120)
    with using(database):
        therapists = {}
        for code in CLINICS:
            clinic_row, _made = Clinic.objects.get_or_create(code=code, defaults={"name": code.title()})
            account = Account.objects.create_user(f"therapist-{code}")
            Membership.objects.create(account=account, role=Role.THERAPIST, clinic=clinic_row)
            therapists[code] = logged_in(account)
        enter_waiting()
        yield therapists


def test_each_clinics_therapists_see_their_own_machines_sessions_and_no_others(delivered: dict[str, Browser]) -> None:
    sessions = {code: set(DiaryEntry.objects.filter(clinic__code=code)) for code in CLINICS}
    assert {code: len(some) for code, some in sessions.items()} == dict.fromkeys(CLINICS, 3)
    seen = {
        (who, code, claimed): {
            delivered[who].get(reverse("diary:session", args=[claimed, one.session_id])).status_code
            for one in sessions[code]
        }
        for who in CLINICS
        for code in CLINICS
        for claimed in CLINICS
    }
    assert seen == {
        (who, code, claimed): {200 if who == code == claimed else 404}
        for who in CLINICS
        for code in CLINICS
        for claimed in CLINICS
    }
