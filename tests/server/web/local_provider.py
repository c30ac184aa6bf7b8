"""An identity provider of its own for tests: OpenID Connect with pushed requests, PKCE and private_key_jwt.

It checks what a strict provider checks, so that a wrong request fails here and not first at HelseID. `lies` makes its
answers wrong in one named way.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwk, jwt

CLIENT = "interval-coach"
SECRET = "a secret of a test"  # noqa: S105 - as it says


class LocalProvider(ThreadingHTTPServer):
    """Listens on a free port of the loopback until it is stopped."""

    def __init__(self, client_key: jwk.Key | None = None, *, pushes: bool = True) -> None:
        """`client_key`: the public key by which the client proves itself; None: by its secret."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.issuer = f"http://127.0.0.1:{self.server_address[1]}"
        self.key = jwk.ECKey.generate_key("P-256", {"kid": "one", "use": "sig", "alg": "ES256"})
        self.client_key = client_key
        self.pushes = pushes
        self.subject, self.acr, self.lies = "somebody", "one-factor", ""
        self.session = "session-1"
        self.pushed: dict[str, dict[str, str]] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.used: set[str] = set()
        self.refused: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """End it."""
        self.shutdown()
        self.server_close()

    def authorise(self, address: str) -> str:
        """What the provider does with the browser that is sent there: the address that it sends it back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        if self.pushes:
            assert set(asked) == {"client_id", "request_uri"}, "nothing of the request goes through the browser"
            asked = self.pushed.pop(asked["request_uri"])
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        assert (asked["prompt"], asked["max_age"]) == ("login", "0")
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        issuer = "https://another.example" if self.lies == "issuer" else self.issuer
        state = "another" if self.lies == "state" else asked["state"]
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': state, 'iss': issuer})}"

    def log_out_token(self, **changed: object) -> str:
        """What the provider sends where somebody is logged out there; with these claims changed, None: without."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_urlsafe(8),
            "sub": self.subject,
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }
        claims = {name: value for name, value in {**claims, **changed}.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, claims, self.key)

    def id_token(self, asked: dict[str, str]) -> str:
        """Who logged in, signed."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": "https://another.example" if self.lies == "token issuer" else self.issuer,
            "sub": self.subject,
            "aud": "another client" if self.lies == "audience" else CLIENT,
            "exp": now - 3600 if self.lies == "expired" else now + 300,
            "iat": now,
            "nonce": "another" if self.lies == "nonce" else asked["nonce"],
            "acr": self.acr,
            "sid": self.session,
            "auth_time": now - 3600 if self.lies == "logged in before" else now,
        }
        if self.lies == "no auth_time":
            del claims["auth_time"]
        if self.lies == "made long ago":
            claims["iat"] = now - 3600
        if self.lies == "holds for ever":
            claims["exp"] = 1e308
        if self.lies == "no signature":
            return (
                ".".join(
                    base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
                    for part in ({"alg": "none"}, claims)
                )
                + "."
            )
        key = jwk.ECKey.generate_key("P-256", {"kid": "one"}) if self.lies == "key" else self.key
        return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)


class _Handler(BaseHTTPRequestHandler):
    server: LocalProvider

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        provider = self.server
        if self.path == "/.well-known/openid-configuration":
            told = {
                "issuer": provider.issuer,
                "authorization_endpoint": f"{provider.issuer}/authorize",
                "token_endpoint": f"{provider.issuer}/token",
                "jwks_uri": f"{provider.issuer}/keys",
                "authorization_response_iss_parameter_supported": True,
                "something_else": [1, 2],
                "end_session_endpoint": f"{provider.issuer}/end",
            }
            if provider.pushes:
                told["pushed_authorization_request_endpoint"] = f"{provider.issuer}/push"
            self._answer(200, told)
        elif self.path == "/keys":
            self._answer(200, {"keys": [provider.key.as_dict(private=False)]})
        else:
            self._answer(404, {})

    def do_POST(self) -> None:
        provider = self.server
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        if not self._is_the_client(asked):
            self._answer(401, {"error": "invalid_client"})
        elif self.path == "/push":
            name = f"urn:ietf:params:oauth:request_uri:{secrets.token_urlsafe(12)}"
            provider.pushed[name] = asked
            self._answer(201, {"request_uri": name, "expires_in": 60})
        elif self.path == "/token":
            begun = provider.codes.pop(asked.get("code", ""), None)
            mark = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
            challenge = base64.urlsafe_b64encode(mark).rstrip(b"=").decode()
            if (
                begun is None
                or challenge != begun["code_challenge"]
                or asked.get("redirect_uri") != begun["redirect_uri"]
            ):
                self._answer(400, {"error": "invalid_grant"})
                return
            told = {"access_token": "x", "token_type": "Bearer", "id_token": provider.id_token(begun)}
            self._answer(200, told)

    def _is_the_client(self, asked: dict[str, str]) -> bool:
        provider = self.server
        if provider.client_key is None:
            expected = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET.replace(' ', '%20')}".encode()).decode()
            plain = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
            return self.headers.get("Authorization") in (expected, plain)
        try:
            read = jwt.decode(asked["client_assertion"], provider.client_key, algorithms=["ES256"])
        except (KeyError, ValueError) as error:
            provider.refused.append(repr(error))
            return False
        claims = read.claims
        fresh = claims.get("jti") not in provider.used
        provider.used.add(str(claims.get("jti")))
        return bool(
            fresh
            and claims["iss"] == claims["sub"] == CLIENT
            and claims["aud"] in (provider.issuer, [provider.issuer])
            and claims["exp"] > time.time()
        )

    def _answer(self, status: int, told: dict[str, Any]) -> None:
        content = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
