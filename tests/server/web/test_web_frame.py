"""The frame around every page, and the way in."""

from server.accounts.models import Account, Membership
from server.accounts.roles import Role
from tests.server.web.conftest import People


def test_who_is_not_logged_in_is_led_to_the_log_in_page_and_back(people: People) -> None:
    page = people.anybody.get("/account/")
    assert (page.status_code, page["Location"]) == (302, "/log-in/?next=/account/")


def test_an_account_without_a_role_is_told_so(people: People) -> None:
    page = people.clients["nothing"].get("/")
    assert page.status_code == 200
    assert "web/home.html" in [one.name for one in page.templates]


def test_who_works_in_one_clinic_is_led_to_its_list_also_where_they_may_see_the_network(people: People) -> None:
    assert people.therapist.get("/")["Location"] == "/c/trondheim/follow-up/"
    coordinator = Account.objects.get(username="therapist")
    Membership.objects.create(account=coordinator, role=Role.COORDINATOR, region=people.clinic.region)
    assert people.therapist.get("/")["Location"] == "/c/trondheim/follow-up/"


def test_a_page_that_does_not_exist_says_so_in_the_frame(people: People) -> None:
    page = people.therapist.get("/c/trondheim/nowhere/")
    assert page.status_code == 404
    assert "web/failure.html" in [one.name for one in page.templates]
