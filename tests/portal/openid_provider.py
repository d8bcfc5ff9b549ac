"""A small OpenID Connect provider on loopback: discovery, keys, sign-in without asking, and a token endpoint that checks.

What belongs here: what a provider does by the standard. A test alters the ID token of the next sign-in by `claims` (None
removes one) or signs it by itself (`sign`); whoever is sent to the sign-in address is `person`.
"""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

CLIENT_ID, CLIENT_SECRET = "botilbud", "a secret of & with + and %"
_RSA = RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"})
PUBLIC_PEM = _RSA.as_pem(private=False)
_EC = ECKey.generate_key("P-256", {"kid": "ec-1", "use": "sig"})


class Provider:
    """One provider; `now` is its clock in seconds since 1970."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.person: dict[str, object] = {"sub": "person-1"}
        self.claims: dict[str, object] = {}
        self.algorithm = "RS256"
        self.sign: Callable[[dict[str, object]], str] = self._sign
        self.discovery: dict[str, object] = {}
        self.keys = KeySet([_RSA, _EC])
        self.codes: dict[str, dict[str, str]] = {}
        self.tokens_given = 0
        self.asked: list[str] = []
        self.before_answering: Callable[[], object] = lambda: None
        self.issuer = ""

    def metadata(self) -> dict[str, object]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "code_challenge_methods_supported": ["S256"],
        } | self.discovery

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent back to."""
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert query["code_challenge_method"] == "S256"
        assert query["scope"] == "openid"
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, object]]:
        """The answer of the token endpoint."""
        given = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":")
        if [unquote(part) for part in given] != [CLIENT_ID, CLIENT_SECRET] and given != [CLIENT_ID, CLIENT_SECRET]:
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or form.get("grant_type") != "authorization_code":
            return 400, {"error": "invalid_grant"}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        is_same = challenge.decode().rstrip("=") == asked["code_challenge"]
        if not is_same or form.get("redirect_uri") != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        self.tokens_given += 1
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self.sign(self._claims(asked["nonce"]))}

    def _claims(self, nonce: str) -> dict[str, object]:
        now = int(self._now())
        standard = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": nonce}
        return {name: value for name, value in (standard | self.person | self.claims).items() if value is not None}

    def _sign(self, claims: dict[str, object]) -> str:
        key = _RSA if self.algorithm == "RS256" else _EC
        return jwt.encode({"alg": self.algorithm, "kid": key.kid}, claims, key, [self.algorithm])


@contextmanager
def running(now: Callable[[], float]) -> Iterator[Provider]:
    """A provider that listens on loopback."""
    provider = Provider(now)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            provider.asked.append(parts.path)
            provider.before_answering()
            if parts.path == "/.well-known/openid-configuration":
                self._answer(200, provider.metadata())
            elif parts.path == "/keys":
                self._answer(200, provider.keys.as_dict(private=False))
            elif parts.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", provider.authorize(_single(parts.query)))
                self.end_headers()
            else:
                self._answer(404, {})

        def do_POST(self) -> None:
            form = _single(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self._answer(*provider.token(form, self.headers.get("Authorization", "")))

        def _answer(self, status: int, document: object) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _single(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
