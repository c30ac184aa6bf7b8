"""Log-in through an identity provider: who is let in, who is not, and every way in which an answer can be wrong."""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from joserfc import jwk

from server.accounts import accounts
from server.accounts.models import Account
from server.accounts.roles import Role
from server.audit.models import Entry
from server.clinic_creation import write_settings
from server.clinic_folder.settings import ClinicFolder, read_clinic
from tests.server.web.conftest import Browser, People
from tests.server.web.local_provider import CLIENT, SECRET, LocalProvider


@pytest.fixture(params=["key, pushed", "secret, not pushed"])
def provider(request: pytest.FixtureRequest, ready: ClinicFolder, tmp_path: Path) -> Iterator[LocalProvider]:
    """A provider that the clinic's settings name, with each kind of proof."""
    by_key = str(request.param).startswith("key")
    key = jwk.ECKey.generate_key("P-256", {"kid": "client", "alg": "ES256"})
    (tmp_path / "client.jwk").write_text(json.dumps(key.as_dict(private=True)))
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    local = LocalProvider(key if by_key else None, pushes=by_key)
    before = read_clinic(ready.places.folder).settings
    told = msgspec.structs.replace(
        before,
        oidc_issuer=local.issuer,
        oidc_client_id=CLIENT,
        oidc_key_file=str(tmp_path / "client.jwk") if by_key else "",
        oidc_secret_file="" if by_key else str(tmp_path / "secret"),
        oidc_name="HelseID",
        oidc_strong_acr=("two-factors",),
    )
    write_settings(ready, told)
    yield local
    write_settings(ready, before)
    local.stop()


def tied(people: People, provider: LocalProvider, name: str = "therapist") -> Account:
    account = people.account(name)
    account.external_id = f"{provider.issuer} somebody"
    account.save()
    return account


def there_and_back(browser: Browser, provider: LocalProvider, query: str = "") -> tuple[int, str]:
    """Follow the browser to the provider and back; status and where to."""
    sent = browser.get(f"/log-in/provider/{query}")
    assert sent.status_code == 302, sent.content.decode()
    back = urlsplit(provider.authorise(sent["Location"]))
    answer = browser.get(f"{back.path}?{back.query}")
    return answer.status_code, answer.headers.get("Location", "")


def test_the_log_in_page_offers_the_provider(people: People, provider: LocalProvider) -> None:
    del provider
    assert "Logg inn med HelseID" in people.anybody.get("/log-in/").content.decode()


def test_who_is_known_is_let_in_and_still_asked_for_a_code(people: People, provider: LocalProvider) -> None:
    tied(people, provider)
    browser = people.anybody
    assert there_and_back(browser, provider, "?next=/account/") == (302, "/log-in/code/?next=/account/")
    assert browser.get("/account/")["Location"] == "/log-in/code/"


def test_a_log_in_with_two_factors_there_needs_no_code_here(people: People, provider: LocalProvider) -> None:
    tied(people, provider)
    provider.acr = "two-factors"
    browser = people.anybody
    assert there_and_back(browser, provider, "?next=/account/") == (302, "/account/")
    assert browser.get("/account/").status_code == 200
    assert [(one.action, one.detail) for one in Entry.objects.all()] == [("log_in_provider", {"strong": True})]


def test_who_is_not_known_is_not_let_in_and_gets_no_account(people: People, provider: LocalProvider) -> None:
    before = Account.objects.count()
    assert there_and_back(people.anybody, provider) == (403, "")
    assert Account.objects.count() == before


def test_an_invitation_ties_the_account_once(people: People, provider: LocalProvider) -> None:
    admin = people.account("clinic_admin")
    secret = accounts.new_account(admin, "ny", roles=[Role.THERAPIST], clinic=people.clinic)
    assert there_and_back(people.anybody, provider, f"?invitation={secret}")[0] == 302
    assert people.account("ny").external_id == f"{provider.issuer} somebody"
    provider.subject = "somebody else"
    assert there_and_back(people.anybody, provider, f"?invitation={secret}") == (403, "")


def test_a_closed_account_is_not_let_in(people: People, provider: LocalProvider) -> None:
    account = tied(people, provider)
    account.is_active = False
    account.save()
    assert there_and_back(people.anybody, provider) == (403, "")


@pytest.mark.parametrize(
    "lie",
    [
        "state",
        "issuer",
        "token issuer",
        "audience",
        "expired",
        "nonce",
        "key",
        "no signature",
        "logged in before",
        "no auth_time",
        "made long ago",
        "holds for ever",
    ],
)
def test_a_wrong_answer_lets_nobody_in(people: People, provider: LocalProvider, lie: str) -> None:
    tied(people, provider)
    provider.lies = lie
    browser = people.anybody
    assert there_and_back(browser, provider) == (403, "")
    assert browser.get("/account/").status_code == 302


def test_an_answer_is_taken_once_and_only_in_the_browser_that_asked(people: People, provider: LocalProvider) -> None:
    tied(people, provider)
    browser = people.anybody
    back = urlsplit(provider.authorise(browser.get("/log-in/provider/")["Location"]))
    assert people.anybody.get(f"{back.path}?{back.query}").status_code == 403
    assert browser.get(f"{back.path}?{back.query}").status_code == 302
    assert browser.get(f"{back.path}?{back.query}").status_code == 403


def test_a_provider_that_is_away_is_told_in_words(people: People, provider: LocalProvider) -> None:
    provider.stop()
    answer = people.anybody.get("/log-in/provider/")
    assert answer.status_code == 502
    assert "svarer ikke" in answer.content.decode()


def test_a_provider_with_new_keys_is_still_understood(people: People, provider: LocalProvider) -> None:
    tied(people, provider)
    assert there_and_back(people.anybody, provider)[0] == 302
    provider.key = jwk.ECKey.generate_key("P-256", {"kid": "two", "use": "sig", "alg": "ES256"})
    # The set that was kept does not hold this key: it is read again before anything is refused.
    assert there_and_back(people.anybody, provider)[0] == 302


def strongly(people: People, provider: LocalProvider) -> Browser:
    tied(people, provider)
    provider.acr = "two-factors"
    browser = people.anybody
    assert there_and_back(browser, provider, "?next=/account/") == (302, "/account/")
    return browser


def test_log_out_here_leads_to_the_log_out_there(people: People, provider: LocalProvider) -> None:
    browser = strongly(people, provider)
    page = browser.post("/log-out/").content.decode()
    [there] = re.findall(r'http-equiv="refresh" content="0; url=([^"]+)"', page)
    asked = parse_qs(urlsplit(html.unescape(there)).query)
    assert there.startswith(f"{provider.issuer}/end?")
    assert (asked["client_id"], asked["post_logout_redirect_uri"]) == ([CLIENT], ["https://localhost/log-in/"])
    assert asked["id_token_hint"][0].count(".") == 2
    assert browser.get("/account/").status_code == 302


@pytest.mark.parametrize("claims", [{}, {"sub": None, "sid": "session-1"}, {"sid": "session-1"}])
def test_who_is_logged_out_at_the_provider_is_logged_out_here(
    people: People, provider: LocalProvider, claims: dict[str, object]
) -> None:
    browser, other = strongly(people, provider), people.clients["clinic_admin"]
    token = provider.log_out_token(**claims)
    assert people.anybody.post("/log-in/provider/ended/", {"logout_token": token}).status_code == 200
    assert (browser.get("/account/").status_code, other.get("/account/").status_code) == (302, 200)
    assert Entry.objects.filter(account="therapist", action="logged_out_by_provider").count() == 1
    again = strongly(people, provider)
    assert people.anybody.post("/log-in/provider/ended/", {"logout_token": token}).status_code == 200
    assert again.get("/account/").status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"events": {}},
        {"events": "http://schemas.openid.net/event/backchannel-logout"},
        {"nonce": "x"},
        {"sub": None},
        {"jti": None},
        {"iss": "https://another.example"},
        {"aud": "another"},
        {"iat": 1},
        {"exp": 1},
        {"sub": ["somebody"]},
    ],
)
def test_a_wrong_log_out_token_ends_nothing(people: People, provider: LocalProvider, claims: dict[str, object]) -> None:
    browser = strongly(people, provider)
    token = provider.log_out_token(**claims)
    assert people.anybody.post("/log-in/provider/ended/", {"logout_token": token}).status_code == 400
    assert browser.get("/account/").status_code == 200


def test_the_session_keeps_no_secret_of_an_invitation(people: People, provider: LocalProvider) -> None:
    del provider
    admin = people.account("clinic_admin")
    secret = accounts.new_account(admin, "ny", roles=[Role.THERAPIST], clinic=people.clinic)
    browser = people.anybody
    browser.get(f"/log-in/provider/?invitation={secret}")
    kept = Session.objects.get(pk=browser.cookies[settings.SESSION_COOKIE_NAME].value).get_decoded()
    assert secret not in json.dumps(kept)


def test_the_address_to_go_on_to_is_quoted(people: People, provider: LocalProvider) -> None:
    tied(people, provider)
    onward = "/account/?a=1&next=//evil.example"
    where = there_and_back(people.anybody, provider, f"?{urlencode({'next': onward})}")[1]
    assert parse_qs(urlsplit(where).query) == {"next": [onward]}
