"""Two clinics with people, and an account of each role, logged in with both factors: what tests of the pages share.

    def test_…(people: People) -> None:
        page = people.therapist.get("/c/trondheim/room/")

`people` is made once into a database that each test gets a copy of. Every client speaks HTTPS and names the host.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.test import AsyncClient, Client
from django.test.utils import setup_test_environment, teardown_test_environment
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

from server.accounts.models import Account, Clinic, Membership, Region
from server.accounts.roles import Role
from server.assessment.contraindications import NEWEST
from server.assessment.models import Clearance
from server.clinic_folder.settings import ClinicFolder as Folder
from server.people.models import Participant
from server.web import gate
from server.web.asset_build import build_catalogues
from tests.server.conftest import using


def cleared(participant: Participant, **more: object) -> Clearance:
    """Record a doctor's clearance that lasts longer than any test."""
    told: dict[str, object] = {
        "cleared_by": "Lege Legesen",
        "cleared_on": date(2026, 1, 1),
        "list_version": NEWEST,
        "beta_blocker": False,
        "valid_until": date(2099, 12, 31),
        **more,
    }
    return Clearance.objects.create(participant=participant, **told)


class Browser(Client):
    """Django's test client over HTTPS, asking for pages as a browser does."""

    def __init__(self, **headers: str) -> None:
        """`headers` as the WSGI environment names them."""
        super().__init__(**{"HTTP_HOST": "localhost", "HTTP_ACCEPT": "text/html,*/*;q=0.8", **headers})

    def generic(self, *args, **kwargs):  # type: ignore[no-untyped-def, override] # noqa: ANN002, ANN003, ANN201 - passed on
        """Over HTTPS."""
        kwargs["secure"] = True
        return super().generic(*args, **kwargs)


class LaterBrowser(AsyncClient):
    """The same for coroutine views and streams."""

    def __init__(self, **headers: str) -> None:
        """`headers` as HTTP names them, lower case."""
        super().__init__(headers={"host": "localhost", "accept": "text/html,*/*;q=0.8", **headers})  # type: ignore[call-arg]

    def generic(self, *args, **kwargs):  # type: ignore[no-untyped-def, override] # noqa: ANN002, ANN003, ANN201 - passed on
        """Over HTTPS."""
        kwargs["secure"] = True
        return super().generic(*args, **kwargs)


@dataclass
class People:
    """Clinic `trondheim` with participants p-1 and p-2, clinic `bergen` with p-9, both of the region `west`.

    All three are cleared for hard training.

    `clients` holds a logged-in browser for each account, by user name: one for each role at trondheim, named as the
    role; `bergen-<role>` likewise at bergen; `regional` is a coordinator of the whole region; `nothing` has no role.
    """

    clinic: Clinic
    other: Clinic
    participant: Participant
    participants: tuple[Participant, ...]
    others_participant: Participant
    clients: dict[str, Browser]

    @property
    def therapist(self) -> Browser:
        """A therapist at trondheim."""
        return self.clients["therapist"]

    @property
    def admin(self) -> Browser:
        """An administrator at trondheim."""
        return self.clients["clinic_admin"]

    @property
    def coordinator(self) -> Browser:
        """A coordinator at trondheim."""
        return self.clients["coordinator"]

    @property
    def researcher(self) -> Browser:
        """A researcher at trondheim."""
        return self.clients["researcher"]

    @property
    def support(self) -> Browser:
        """Technical support at trondheim."""
        return self.clients["support"]

    @property
    def anybody(self) -> Browser:
        """Nobody who is logged in."""
        return Browser()

    def account(self, name: str) -> Account:
        """The account of this user name."""
        return Account.objects.get(username=name)

    def later(self, name: str) -> LaterBrowser:
        """A browser for coroutine views and streams, logged in as this account."""
        browser = LaterBrowser()
        browser.cookies = self.clients[name].cookies
        return browser


def logged_in(account: Account) -> Browser:
    """A browser in which this account has given both factors."""
    device, _made = TOTPDevice.objects.get_or_create(user=account, name="app", confirmed=True)
    session = SessionStore()
    session[SESSION_KEY] = str(account.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = account.get_session_auth_hash()
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    gate.begin(session)
    session.save()
    browser = Browser()
    browser.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    return browser


@pytest.fixture(scope="session", autouse=True)
def pages(ready: Folder) -> Iterator[None]:
    """Static files and catalogues as the pages want them, and contexts kept for tests that look at them."""
    del ready
    build_catalogues()
    call_command("collectstatic", interactive=False, verbosity=0)
    setup_test_environment(debug=False)
    yield
    teardown_test_environment()


@pytest.fixture(scope="session")
def peopled(
    ready: Folder, migrated_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, str]]:
    """A database with these people in it, and each account's session key."""
    del ready
    file = tmp_path_factory.mktemp("people") / "people.sqlite3"
    shutil.copyfile(migrated_file, file)
    with using(f"sqlite:///{file}"):
        region = Region.objects.create(code="west", name="Vest")
        trondheim = Clinic.objects.create(code="trondheim", name="Trondheim", region=region)
        bergen = Clinic.objects.create(code="bergen", name="Bergen", region=region)
        for clinic, pseudonym, name, nickname in (
            (trondheim, "p-1", "Kari Nordmann", "Rev"),
            (trondheim, "p-2", "Ola Nordmann", "Ørn"),
            (bergen, "p-9", "Per Hansen", "Bjørk"),
        ):
            made = Participant.objects.create(
                clinic=clinic, pseudonym=pseudonym, name=name, nickname=nickname, birth_year=1980, sex="f", group="A"
            )
            cleared(made)
        sessions = {}
        for clinic, prefix in ((trondheim, ""), (bergen, "bergen-")):
            for role in Role:
                account = _account(f"{prefix}{role.value}")
                Membership.objects.create(account=account, role=role, clinic=clinic)
                sessions[account.username] = logged_in(account).cookies[settings.SESSION_COOKIE_NAME].value
        regional, nothing = _account("regional"), _account("nothing")
        Membership.objects.create(account=regional, role=Role.COORDINATOR, region=region)
        for account in (regional, nothing):
            sessions[account.username] = logged_in(account).cookies[settings.SESSION_COOKIE_NAME].value
    return file, sessions


def _account(name: str) -> Account:
    return Account.objects.create_user(name, first_name=name.title(), last_name="Testesen")


@pytest.fixture
def people(peopled: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[People]:
    """Two clinics and their people, in a database of this test's own."""
    file, sessions = peopled
    shutil.copyfile(file, tmp_path / "people.sqlite3")
    with using(f"sqlite:///{tmp_path}/people.sqlite3"):
        clients = {}
        for name, key in sessions.items():
            clients[name] = Browser()
            clients[name].cookies[settings.SESSION_COOKIE_NAME] = key
        first, second = Participant.objects.filter(clinic__code="trondheim").order_by("pseudonym")
        yield People(
            clinic=first.clinic,
            other=Clinic.objects.get(code="bergen"),
            participant=first,
            participants=(first, second),
            others_participant=Participant.objects.get(pseudonym="p-9"),
            clients=clients,
        )
