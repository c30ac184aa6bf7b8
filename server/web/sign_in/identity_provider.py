"""Log-in through the organisation's own identity provider (OpenID Connect), as strictly as HelseID's FAPI profile asks.

Authorization code with PKCE, state and nonce, pushed authorization request where the provider offers one, the client
proved by a signed assertion (private_key_jwt) or a secret. Accounts are matched by issuer and subject; who is not
known is let in by an invitation alone, never by themselves.
"""

import math
import secrets
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwk, jwt
from joserfc.errors import JoseError
from msgspec import Struct

from server.clinic_folder.settings import folder_from_environment, read_clinic
from server.errors import ServerError

SIGNED_WITH = ("RS256", "PS256", "ES256", "PS384", "ES384", "PS512", "ES512", "EdDSA", "Ed25519")
"""Signatures that are taken; none with a shared secret, and never «none»."""

PATIENCE_S = 10
KEPT_S = 3600.0
LEEWAY_S = 60
OLDEST_TOKEN_S, LONGEST_TOKEN_S = 600, 86_400
"""A token comes straight from the provider: it has just been made, and holds a day at most."""

LONGEST_EXTERNAL_ID = 200
LOG_OUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class ProviderError(ServerError):
    """A log-in at the provider that did not come about. `code` is for the log; the page says it in words."""

    def __init__(self, code: str) -> None:
        """Keep the code."""
        super().__init__(code)
        self.code = code


class Metadata(Struct, frozen=True):
    """What the provider says of itself (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    pushed_authorization_request_endpoint: str = ""
    require_pushed_authorization_requests: bool = False
    authorization_response_iss_parameter_supported: bool = False
    end_session_endpoint: str = ""


class Begun(Struct, frozen=True):
    """What is kept in the session while somebody is at the provider."""

    state: str
    nonce: str
    verifier: str
    back: str
    onward: str
    invitation: str = ""
    begun_s: float = 0.0


@dataclass(frozen=True)
class ProviderUser:
    """Who came back: `external_id` as accounts keep it. `strong`: the provider says that two factors were given."""

    external_id: str
    strong: bool
    subject: str = ""
    session: str = ""
    id_token: str = ""


@dataclass(frozen=True)
class Settings:
    """The clinic's settings for its provider."""

    issuer: str
    client_id: str
    scopes: str
    name: str
    strong_acr: tuple[str, ...]
    log_in_again: bool
    key: Path | None
    secret: Path | None


def settings() -> Settings | None:
    """Return the provider that the clinic's settings name; None where they name none."""
    folder = folder_from_environment()
    if folder is None:
        return None
    told = read_clinic(folder).settings
    if not told.oidc_issuer:
        return None
    return Settings(
        issuer=told.oidc_issuer.rstrip("/"),
        client_id=told.oidc_client_id,
        scopes=told.oidc_scopes,
        name=told.oidc_name or told.oidc_issuer,
        strong_acr=told.oidc_strong_acr,
        log_in_again=told.oidc_log_in_again,
        key=folder / told.oidc_key_file if told.oidc_key_file else None,
        secret=folder / told.oidc_secret_file if told.oidc_secret_file else None,
    )


class Provider:
    """One provider, whose metadata and keys are read when they are needed, and kept for an hour."""

    def __init__(self, told: Settings) -> None:
        """Nothing is asked yet."""
        self.settings = told
        self._metadata: Metadata | None = None
        self._keys: jwk.KeySet | None = None
        self._read_s = 0.0

    def begin(self, back: str, onward: str, invitation: str = "") -> tuple[str, Begun]:
        """Where to send the browser, and what to keep until it comes back to `back`. Raises ProviderError."""
        metadata = self._discover()
        begun = Begun(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(64),
            back=back,
            onward=onward,
            invitation=invitation,
            begun_s=time.time(),
        )
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": back,
            "scope": self.settings.scopes,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": create_s256_code_challenge(begun.verifier),
            "code_challenge_method": "S256",
        }
        if self.settings.log_in_again:
            # On a shared computer the provider may still know the person before.
            asked |= {"prompt": "login", "max_age": "0"}
        if self.settings.strong_acr:
            asked["acr_values"] = " ".join(self.settings.strong_acr)
        if metadata.pushed_authorization_request_endpoint:
            asked = {
                "client_id": self.settings.client_id,
                "request_uri": self._push(metadata.pushed_authorization_request_endpoint, asked),
            }
        separator = "&" if "?" in metadata.authorization_endpoint else "?"
        return f"{metadata.authorization_endpoint}{separator}{urlencode(asked)}", begun

    def finish(self, begun: Begun, answer: dict[str, str]) -> ProviderUser:
        """Who it is that came back with this answer. Raises ProviderError."""
        metadata = self._discover()
        if not secrets.compare_digest(answer.get("state", "").encode(), begun.state.encode()):
            raise ProviderError("wrong_state")
        # RFC 9207: an answer from another provider is not taken for this one's.
        issuer = answer.get("iss")
        if (issuer is None and metadata.authorization_response_iss_parameter_supported) or (
            issuer is not None and issuer != metadata.issuer
        ):
            raise ProviderError("wrong_issuer")
        if "error" in answer or not answer.get("code"):
            raise ProviderError("refused_by_provider")
        try:
            with self._session() as session:
                token = session.fetch_token(
                    metadata.token_endpoint,
                    grant_type="authorization_code",
                    code=answer["code"],
                    redirect_uri=begun.back,
                    code_verifier=begun.verifier,
                    timeout=PATIENCE_S,
                    allow_redirects=False,
                )
        except (AuthlibBaseError, requests.RequestException, ValueError) as error:
            raise ProviderError("no_token") from error
        return self._read(metadata, str(token.get("id_token") or ""), begun)

    def end_address(self, id_token: str, back: str) -> str:
        """Return where the browser is sent to end its session at the provider too; empty where that is not offered."""
        try:
            endpoint = self._discover().end_session_endpoint
        except ProviderError:
            return ""
        if not endpoint.startswith(("https://", "http://127.0.0.1:")):
            return ""
        told = {"id_token_hint": id_token, "client_id": self.settings.client_id, "post_logout_redirect_uri": back}
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(told)}"

    def read_log_out(self, log_out_token: str) -> tuple[str, str, str]:
        """Return subject, session and id of a log-out that the provider tells of. Raises ProviderError.

        OpenID Connect Back-Channel Logout 1.0, section 2.6.
        """
        claims = self._verified(self._discover(), log_out_token, needs_subject=False)
        events = claims.get("events")
        if not isinstance(events, dict) or not isinstance(events.get(LOG_OUT_EVENT), dict) or "nonce" in claims:
            raise ProviderError("no_log_out_token")
        subject, session, mark = (claims.get(name, "") for name in ("sub", "sid", "jti"))
        if not all(isinstance(one, str) for one in (subject, session, mark)) or not mark or not (subject or session):
            raise ProviderError("no_log_out_token")
        return subject, session, mark

    def _read(self, metadata: Metadata, id_token: str, begun: Begun) -> ProviderUser:
        claims, nonce = self._verified(metadata, id_token), begun.nonce
        audience = claims.get("aud")
        several = isinstance(audience, list) and len(audience) > 1
        if (several or "azp" in claims) and claims.get("azp") != self.settings.client_id:
            raise ProviderError("wrong_party")
        if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise ProviderError("wrong_nonce")
        subject = claims.get("sub")
        external_id = f"{metadata.issuer} {subject}"
        if not isinstance(subject, str) or not subject or len(external_id) > LONGEST_EXTERNAL_ID:
            raise ProviderError("no_subject")
        if self.settings.log_in_again:
            # Without this, a provider that passes `prompt` over lets in whoever was there before.
            logged_in_s = claims.get("auth_time")
            if not isinstance(logged_in_s, int | float) or logged_in_s < begun.begun_s - LEEWAY_S:
                raise ProviderError("not_logged_in_again")
        strong = claims.get("acr") in self.settings.strong_acr
        return ProviderUser(external_id, strong, subject, str(claims.get("sid") or ""), id_token)

    def _verified(self, metadata: Metadata, id_token: str, *, needs_subject: bool = True) -> dict[str, Any]:
        rules = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": metadata.issuer},
            aud={"essential": True, "value": self.settings.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": needs_subject},
        )
        for fresh in (False, True):
            try:
                read = jwt.decode(id_token, self._key_set(metadata, fresh=fresh), algorithms=list(SIGNED_WITH))
                rules.validate(read.claims)
                _require_recent(read.claims)
            except (JoseError, ValueError, OverflowError) as error:
                # The provider may have changed its keys since they were read.
                if fresh:
                    raise ProviderError("bad_id_token") from error
            else:
                return read.claims
        raise ProviderError("bad_id_token")

    def _push(self, endpoint: str, asked: dict[str, str]) -> str:
        try:
            with self._session() as session:
                auth = session.client_auth(session.token_endpoint_auth_method)
                answer = session.request(
                    "POST",
                    endpoint,
                    data=asked,
                    auth=auth,
                    withhold_token=True,
                    timeout=PATIENCE_S,
                    allow_redirects=False,
                )
                answer.raise_for_status()
                return str(answer.json()["request_uri"])
        except (AuthlibBaseError, requests.RequestException, ValueError, KeyError) as error:
            raise ProviderError("not_pushed") from error

    def _session(self) -> OAuth2Session:
        told = self.settings
        if told.key is not None:
            key = jwk.import_key(msgspec.json.decode(told.key.read_bytes(), type=dict[str, Any]))
            session = OAuth2Session(told.client_id, key, token_endpoint_auth_method="private_key_jwt")  # noqa: S106 - a method's name
            # The audience is the issuer, as FAPI 2.0 wants it.
            session.register_client_auth_method(
                PrivateKeyJWT(
                    self._discover().issuer,
                    headers={"kid": key.kid} if key.kid else None,
                    alg=_algorithm(key),
                )
            )
            return session
        secret = told.secret.read_text().strip() if told.secret is not None else ""
        return OAuth2Session(told.client_id, secret, token_endpoint_auth_method="client_secret_basic")  # noqa: S106 - a method's name

    def _discover(self) -> Metadata:
        if self._metadata is not None and time.monotonic() - self._read_s < KEPT_S:
            return self._metadata
        address = f"{self.settings.issuer}/.well-known/openid-configuration"
        try:
            answer = requests.get(address, timeout=PATIENCE_S, allow_redirects=False)
            answer.raise_for_status()
            metadata = msgspec.json.decode(answer.content, type=Metadata)
        except (requests.RequestException, msgspec.MsgspecError) as error:
            raise ProviderError("provider_away") from error
        if metadata.issuer.rstrip("/") != self.settings.issuer:
            raise ProviderError("wrong_issuer")
        self._metadata, self._keys, self._read_s = metadata, None, time.monotonic()
        return metadata

    def _key_set(self, metadata: Metadata, *, fresh: bool) -> jwk.KeySet:
        if self._keys is None or fresh:
            try:
                answer = requests.get(metadata.jwks_uri, timeout=PATIENCE_S, allow_redirects=False)
                answer.raise_for_status()
                self._keys = jwk.KeySet.import_key_set(answer.json())
            except (requests.RequestException, JoseError, ValueError, KeyError) as error:
                raise ProviderError("provider_away") from error
        return self._keys


def _require_recent(claims: dict[str, Any]) -> None:
    """Raise ValueError where a token was made long ago, or holds for ever."""
    now_s, made_s, until_s = time.time(), claims["iat"], claims["exp"]
    if not all(isinstance(one, int | float) and math.isfinite(one) for one in (made_s, until_s)):
        raise ValueError("The token's times are none.")
    if not now_s - OLDEST_TOKEN_S <= made_s <= now_s + LEEWAY_S or until_s > made_s + LONGEST_TOKEN_S:
        raise ValueError("The token is old, or holds too long.")


def _algorithm(key: jwk.Key) -> str:
    """With what this key signs: its own word, else what its kind is commonly used with."""
    told = key.as_dict(private=False).get("alg")
    if isinstance(told, str):
        return told
    curve = key.as_dict(private=False).get("crv")
    return {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}.get(str(curve), "PS256")


@cache
def _provider(told: Settings) -> Provider:
    return Provider(told)


def provider() -> Provider | None:
    """Return the clinic's provider; None where it has none."""
    told = settings()
    return _provider(told) if told else None


def provider_name() -> str:
    """Return what the button says; empty where no provider is set."""
    told = settings()
    return told.name if told else ""
