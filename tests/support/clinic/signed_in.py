# ruff: noqa: PLC0415 - models can be imported only once a clinic's folder is known
"""An account that has given both factors, for whoever measures or watches pages from outside."""

from typing import Any


def session_of(name: str, role: str, clinic: Any = None, first_name: str = "") -> str:  # noqa: ANN401 - a model, imported later
    """Make an account with this role (`clinic` None: everywhere) and give the key of its session, for the cookie."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from server.accounts.models import Account, Membership
    from server.web.gate import STRONG, begin

    account = Account(username=name, first_name=first_name)
    account.set_unusable_password()
    account.save()
    Membership.objects.create(account=account, role=role, clinic=clinic)
    session = SessionStore()
    session[SESSION_KEY] = str(account.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = account.get_session_auth_hash()
    session[STRONG] = True
    begin(session)
    session.save()
    return str(session.session_key)
