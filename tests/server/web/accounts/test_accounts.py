"""What a clinic's administrator does with accounts, what nobody may, and what the access log then says."""

import re

import pytest

from server.accounts import accounts
from server.accounts.errors import AccountError
from server.accounts.models import Account, Membership
from server.accounts.roles import Role
from server.audit.models import Entry
from tests.server.web.conftest import People

AT = "/c/trondheim/manage/accounts/"


def log() -> list[tuple[str, str, str, object]]:
    return [(one.account, one.role, one.action, one.detail.get("of")) for one in Entry.objects.order_by("number")]


def test_inviting_shows_a_link_once_and_the_link_works(people: People) -> None:
    given = {"username": "kari.nordmann", "first_name": "Kari", "last_name": "N.", "roles": ["therapist"]}
    page = people.admin.post(f"{AT}new/", given).content.decode()
    [link] = re.findall(r"https://localhost(/welcome/[\w-]{40,}/)", page)
    assert people.anybody.get(link).status_code == 200
    assert link.split("/")[2] not in people.admin.get(AT).content.decode()
    account = people.account("kari.nordmann")
    assert [(one.role, one.clinic) for one in account.memberships.all()] == [("therapist", people.clinic)]
    assert log() == [("clinic_admin", "clinic_admin", "account_made", "kari.nordmann")]


def test_what_no_form_asks_for_changes_nothing(people: People) -> None:
    given = {
        "username": "kari.nordmann", "first_name": "Kari", "last_name": "N.", "roles": ["support"], "clinic": "bergen",
        "region": "1", "is_superuser": "on", "is_staff": "on", "is_active": "", "external_id": "x", "password": "x",
        "id": "1", "pk": "1", "waits_until": "",
    }  # fmt: skip
    assert people.admin.post(f"{AT}new/", given).status_code == 200
    account = people.account("kari.nordmann")
    assert (account.is_superuser, account.is_staff, account.is_active) == (False, False, True)
    assert (account.external_id, account.has_usable_password()) == (None, False)
    assert [(one.role, one.clinic) for one in account.memberships.all()] == [("support", people.clinic)]


@pytest.mark.parametrize("name", ["therapist", "THERAPIST", "bergen-therapist", "to ord"])
def test_a_name_that_is_taken_or_no_name_is_refused_in_words(people: People, name: str) -> None:
    given = {"username": name, "first_name": "K", "last_name": "N", "roles": ["therapist"]}
    answer = people.admin.post(f"{AT}new/", given)
    assert answer.status_code == 422
    assert answer.context["form"].errors["username"]


def test_roles_are_changed_here_and_nowhere_else(people: People) -> None:
    account = people.account("therapist")
    Membership.objects.create(account=account, role=Role.THERAPIST, clinic=people.other)
    assert people.admin.post(f"{AT}{account.pk}/", {"roles": ["researcher", "support"]}).status_code == 302
    held = {(one.role, one.clinic.code) for one in account.memberships.all() if one.clinic}
    assert held == {("researcher", "trondheim"), ("support", "trondheim"), ("therapist", "bergen")}
    assert people.therapist.get("/c/trondheim/room/").status_code == 404


def test_a_reset_forgets_everything_and_gives_a_new_link(people: People) -> None:
    account = people.account("therapist")
    page = people.admin.post(f"{AT}{account.pk}/reset/").content.decode()
    assert re.search(r"/welcome/[\w-]{40,}/", page)
    assert people.therapist.get("/account/").status_code == 302
    assert not account.totpdevice_set.exists()


def test_an_administrator_opens_no_door_to_another_clinic(people: People) -> None:
    account = people.account("therapist")
    Membership.objects.create(account=account, role=Role.THERAPIST, clinic=people.other)
    people.admin.post(f"{AT}{account.pk}/reset/")
    people.admin.post(f"{AT}{account.pk}/close/")
    assert Account.objects.get(pk=account.pk).is_active
    assert account.totpdevice_set.exists()
    assert log() == []


def test_closing_logs_out_at_once_and_opening_lets_in_again(people: People) -> None:
    account = people.account("therapist")
    people.admin.post(f"{AT}{account.pk}/close/")
    assert people.therapist.get("/account/").status_code == 302
    people.admin.post(f"{AT}{account.pk}/open/")
    assert Account.objects.get(pk=account.pk).is_active
    assert [action for _, _, action, _ in log()] == ["account_closed", "account_opened"]


def test_nobody_shuts_themselves_out(people: People) -> None:
    admin = people.account("clinic_admin")
    with pytest.raises(AccountError):
        accounts.close(admin, admin, people.clinic)
    assert people.admin.post(f"{AT}{admin.pk}/", {"roles": ["therapist"]}).status_code == 422
    assert admin.memberships.filter(role=Role.CLINIC_ADMIN).exists()


def test_a_newer_link_ends_the_older_one(people: People) -> None:
    admin = people.account("clinic_admin")
    first = accounts.new_account(admin, "ny", roles=[Role.THERAPIST], clinic=people.clinic)
    second = accounts.reset(admin, people.account("ny"), people.clinic)
    answers = [people.anybody.get(f"/welcome/{one}/").status_code for one in (first, second)]
    assert answers == [404, 200]
