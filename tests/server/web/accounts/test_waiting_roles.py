"""No account reaches health data by an administrator alone: not by a second account, a new role or a reset."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from server.accounts import accounts
from server.accounts.errors import AccountError
from server.accounts.memberships import mays_in
from server.accounts.models import Account, Membership
from server.accounts.roles import GUARDED, MAY, Permission, Role
from server.audit.models import Entry
from tests.server.web.conftest import People, logged_in

AT = "/c/trondheim/manage/"
HARMLESS = {Permission.SEE_AGGREGATES, Permission.SEE_MACHINES}
"""What a role may give at once: sums, and machines without health data."""


def invite(people: People, role: Role) -> Account:
    given = {"username": "second", "first_name": "Ola", "last_name": "N", "roles": [role.value]}
    assert people.admin.post(f"{AT}accounts/new/", given).status_code == 200
    return people.account("second")


def give_role(people: People, role: Role) -> Account:
    account = people.account("support")
    people.admin.post(f"{AT}accounts/{account.pk}/", {"roles": [Role.SUPPORT.value, role.value]})
    return people.account("support")


def reset(people: People, role: Role) -> Account:
    account = people.account(role.value)
    if role is not Role.CLINIC_ADMIN:
        people.admin.post(f"{AT}accounts/{account.pk}/reset/")
    else:
        account = invite(people, role)
        Membership.objects.filter(account=account).update(waits_until=None)
        people.admin.post(f"{AT}accounts/{account.pk}/reset/")
    return people.account(account.get_username())


def open_again(people: People, role: Role) -> Account:
    account = invite(people, role)
    people.admin.post(f"{AT}accounts/{account.pk}/close/")
    people.admin.post(f"{AT}accounts/{account.pk}/open/")
    return people.account("second")


WAYS: tuple[Callable[[People, Role], Account], ...] = (invite, give_role, reset, open_again)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("way", WAYS)
def test_an_administrator_alone_gives_nobody_what_reaches_health_data(
    people: People, way: Callable[[People, Role], Account], role: Role
) -> None:
    account = way(people, role)
    assert mays_in(account, people.clinic) <= HARMLESS
    assert logged_in(account).get("/c/trondheim/participants/").status_code == 404
    assert Entry.objects.filter(account="clinic_admin", detail__of=account.get_username()).exists()


def test_every_role_that_reaches_more_is_guarded() -> None:
    assert {role for role in Role if not MAY[role] <= HARMLESS} == GUARDED


def test_a_colleague_sees_it_on_every_page_and_confirms_it(people: People) -> None:
    account = invite(people, Role.THERAPIST)
    for path in ("/c/trondheim/participants/", "/c/trondheim/diary/", "/account/"):
        assert "Se og bekreft" in people.therapist.get(path).content.decode()
    assert "Ola N" in people.therapist.get(f"{AT}roles/").content.decode()
    assert people.therapist.post(f"{AT}roles/{account.pk}/", {"decision": "yes"}).status_code == 302
    assert logged_in(account).get("/c/trondheim/participants/").status_code == 200
    assert "Se og bekreft" not in people.therapist.get("/account/").content.decode()
    [entry] = Entry.objects.filter(action="account_roles_confirmed")
    assert (entry.account, entry.detail) == ("therapist", {"of": "second", "roles": ["therapist"]})


def test_a_colleague_turns_it_down(people: People) -> None:
    account = invite(people, Role.THERAPIST)
    people.therapist.post(f"{AT}roles/{account.pk}/", {"decision": "no"})
    assert not Membership.objects.filter(account=account).exists()
    assert Entry.objects.filter(action="account_roles_turned_down").count() == 1


def test_neither_who_gave_it_nor_who_gets_it_confirms_it(people: People) -> None:
    account = invite(people, Role.CLINIC_ADMIN)
    people.admin.post(f"{AT}roles/{account.pk}/", {"decision": "yes"})
    assert logged_in(account).post(f"{AT}roles/{account.pk}/", {"decision": "yes"}).status_code == 404
    assert mays_in(people.account("second"), people.clinic) == frozenset()
    own = people.account("therapist")
    accounts.set_roles(people.account("clinic_admin"), own, people.clinic, {Role.THERAPIST, Role.RESEARCHER})
    with pytest.raises(AccountError):
        accounts.confirm_roles(own, own, people.clinic)


@pytest.mark.parametrize("name", ["coordinator", "researcher", "support", "bergen-therapist", "nothing"])
def test_nobody_else_confirms_it(people: People, name: str) -> None:
    account = invite(people, Role.THERAPIST)
    assert people.clients[name].post(f"{AT}roles/{account.pk}/", {"decision": "yes"}).status_code == 404
    assert people.clients[name].get(f"{AT}roles/").status_code == 404


def test_it_holds_by_itself_after_three_days_in_which_all_were_told(people: People) -> None:
    account = invite(people, Role.THERAPIST)
    later = timezone.now() + timedelta(hours=accounts.WAIT_HOURS, minutes=1)
    with time_machine.travel(later, tick=False):
        assert Permission.SEE_ROOM in mays_in(people.account("second"), people.clinic)
    assert mays_in(account, people.clinic) == frozenset()


def test_whoever_runs_the_server_gives_a_role_at_once(people: People) -> None:
    accounts.new_account("command", "third", roles=[Role.THERAPIST], clinic=people.clinic)
    assert Permission.SEE_ROOM in mays_in(people.account("third"), people.clinic)


def test_a_waiting_account_is_told_what_it_waits_for(people: People) -> None:
    account = invite(people, Role.THERAPIST)
    assert "Rollen din venter" in logged_in(account).get("/").content.decode()
