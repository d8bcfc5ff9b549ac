"""Sign-in by the organisation's OpenID Connect provider: code flow with PKCE. Says who it is; keeps nothing else.

What the provider tells of itself, its addresses and keys, is kept for some minutes; where a key does not fit, it is asked
anew. Pages and cookies are those of `portal.pages.sign_in`.
"""

import datetime as dt
import hmac
import ipaddress
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, NoReturn
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped]
from authlib.integrations.requests_client import OAuth2Session  # type: ignore[import-untyped]
from itsdangerous import BadData
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from portal.access.sessions import LENGTH, Sessions, signer
from portal.identity import Identity
from portal.settings import OpenIdSettings, Settings
from schemas.errors import BotilbudError
from schemas.municipality_cvr import municipality_by_cvr

CALLBACK = "/oidc/svar"
PATIENCE = dt.timedelta(minutes=10)
# With a public key, so that whoever knows it can sign nothing; never `none`, never a shared secret.
_ALGORITHMS = ["RS256", "ES256"]
_TIMEOUT_SECONDS = (5, 10)
_CLOCKS_DIFFER_SECONDS = 60
_KEPT = dt.timedelta(minutes=5)
# Of the 40 threads that answer requests: the others stay free when the provider hangs.
_ASKING_AT_ONCE = 8
_SUBJECT_CHARACTERS = 255
_UNREACHABLE = "Din organisations login svarer ikke lige nu. Prøv igen senere."
_BUSY = "Din organisations login er optaget lige nu. Prøv igen om et øjeblik."
_INVALID = "Svaret fra din organisations login kunne ikke godkendes. Prøv at logge ind igen."
_OUTDATED = "Tiden til at logge ind er gået. Prøv at logge ind igen."
_NO_ACCESS = "Din organisation har ikke adgang. Kun kommuner og KL kan logge ind."


class OpenIdError(BotilbudError):
    """A sign-in that came to nothing; the message is for the person, and holds nothing of what the provider sent.

    Attributes:
        status_code: of the page that tells it.
    """

    def __init__(self, status_code: int, message: str) -> None:
        super().__init__(message)
        self.status_code = status_code


class SignIn(NamedTuple):
    """A sign-in under way: what the answer must agree with, and from when on it may not come any more."""

    state: str
    nonce: str
    verifier: str
    expires_at: dt.datetime


class _Kept(NamedTuple):
    document: dict[str, Any]
    until: dt.datetime


# By address, of this process. There are two addresses for each provider: its metadata and its keys.
_kept: dict[str, _Kept] = {}
_asking = threading.BoundedSemaphore(_ASKING_AT_ONCE)


class Provider:
    """The provider of a portal."""

    def __init__(self, openid: OpenIdSettings, settings: Settings, sessions: Sessions) -> None:
        self._openid = openid
        self._redirect_uri = f"{settings.url}{CALLBACK}"
        self._sessions = sessions
        self._cookies = signer(sessions.sign_in_key)

    def begin(self, now: dt.datetime) -> tuple[str, str]:
        """The address at the provider to send the browser to, and the cookie to give it.

        Raises:
            OpenIdError: the provider cannot be reached or is set up wrongly.
        """
        sign_in = SignIn(
            secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), now + PATIENCE
        )
        with self._client() as client:
            address, _ = client.create_authorization_url(
                _address(self._metadata(client, now), "authorization_endpoint"),
                state=sign_in.state,
                nonce=sign_in.nonce,
                code_verifier=sign_in.verifier,
            )
        cookie = self._cookies.dumps([*sign_in[:3], sign_in.expires_at.isoformat()])
        return str(address), cookie if isinstance(cookie, str) else cookie.decode()

    def started(self, cookie: str, state: str, now: dt.datetime) -> SignIn:
        """The sign-in that an answer belongs to. It may be asked for once.

        Raises:
            OpenIdError: this browser began none, or another one, or too long ago, or has had its answer.
        """
        try:
            began_with, nonce, verifier, expires_at = self._cookies.loads(cookie)
        except BadData:
            raise OpenIdError(403, _OUTDATED) from None
        sign_in = SignIn(began_with, nonce, verifier, dt.datetime.fromisoformat(expires_at))
        is_ours = hmac.compare_digest(sign_in.state.encode(), state.encode()) and now < sign_in.expires_at
        if not is_ours or not self._sessions.spend(cookie, sign_in.expires_at, now):
            raise OpenIdError(403, _OUTDATED)
        return sign_in

    def finish(self, sign_in: SignIn, code: str, now: dt.datetime) -> Identity:
        """Who the provider says it is.

        Args:
            sign_in: as `started` gave it.
            code: what the provider sent with the browser.
            now: UTC.

        Raises:
            OpenIdError: the provider cannot be reached, does not know the code, or says what cannot be trusted; or the
                person belongs to neither a municipality nor KL.
        """
        with self._client() as client:
            metadata = self._metadata(client, now)
            id_token = self._id_token(client, _address(metadata, "token_endpoint"), sign_in, code)
            claims = self._signed(client, _address(metadata, "jwks_uri"), id_token, now)
        return self._identity(self._checked(claims, sign_in.nonce, now), now)

    def _client(self) -> OAuth2Session:
        client = OAuth2Session(
            self._openid.client_id,
            self._openid.client_secret,
            scope="openid",
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
        )
        # Else it would take credentials and proxies from the environment and the home folder of whoever runs the portal.
        client.trust_env = False
        return client

    def _metadata(self, client: OAuth2Session, now: dt.datetime) -> dict[str, Any]:
        """What the provider tells of itself."""
        issuer = self._openid.issuer
        address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        metadata = _document(client, address, now)
        if metadata.get("issuer") != issuer:
            _kept.pop(address, None)  # once it is mended, nobody waits for minutes
            _refuse(502, _UNREACHABLE)
        return metadata

    def _id_token(self, client: OAuth2Session, address: str, sign_in: SignIn, code: str) -> str:
        """What the provider gives for a code."""
        try:
            with _turn():
                token = client.fetch_token(
                    address,
                    grant_type="authorization_code",
                    code=code,
                    redirect_uri=self._redirect_uri,
                    code_verifier=sign_in.verifier,
                    timeout=_TIMEOUT_SECONDS,
                    allow_redirects=False,
                )
        except requests.RequestException:
            _refuse(502, _UNREACHABLE)
        except (AuthlibBaseError, ValueError):
            _refuse(403, _INVALID)
        id_token = token.get("id_token")
        if not isinstance(id_token, str):
            _refuse(403, _INVALID)
        return id_token

    @staticmethod
    def _signed(client: OAuth2Session, address: str, id_token: str, now: dt.datetime) -> dict[str, Any]:
        """What an ID token says, if one of the provider's keys signed it."""
        # With kept keys first: where the provider has changed them since, none of these fits.
        for is_fresh in (False, True):
            keys: Any = _document(client, address, now, is_fresh=is_fresh)
            try:
                return jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=_ALGORITHMS).claims
            # Keys and tokens are the provider's: what is wrong with them shows in many ways; none lets anybody in.
            except (JoseError, ValueError, TypeError, KeyError):
                continue
        raise OpenIdError(403, _INVALID)

    def _checked(self, claims: dict[str, Any], nonce: str, now: dt.datetime) -> dict[str, Any]:
        """The claims, if they are for us, for this sign-in and for now."""
        expected = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=_CLOCKS_DIFFER_SECONDS,
            iss={"essential": True, "value": self._openid.issuer},
            aud={"essential": True, "value": self._openid.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            expected.validate(claims)
        except (JoseError, ValueError, TypeError, KeyError):
            _refuse(403, _INVALID)
        # One that is meant for several must have been given to us; and what one was asked for is a text, not a list.
        is_several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        azp = claims.get("azp", None if is_several else self._openid.client_id)
        if azp != self._openid.client_id or not isinstance(claims["nonce"], str):
            _refuse(403, _INVALID)
        return claims

    def _identity(self, claims: dict[str, Any], now: dt.datetime) -> Identity:
        subject = claims["sub"]
        if not isinstance(subject, str) or not subject.isprintable() or len(subject) > _SUBJECT_CHARACTERS:
            _refuse(403, _INVALID)
        code = municipality_by_cvr().get(_cvr(claims.get(self._openid.cvr_claim)))
        roles = claims.get(self._openid.role_claim)
        is_kl = self._openid.kl_role in (roles if isinstance(roles, list) else [roles])
        # A municipality's own administrators may give its people roles; none of them makes it KL.
        if code is None and not is_kl:
            _refuse(403, _NO_ACCESS)
        return Identity(f"oidc:{subject}", "kl" if code is None else "municipality", code, now + LENGTH)


def _document(client: OAuth2Session, address: str, now: dt.datetime, *, is_fresh: bool = False) -> dict[str, Any]:
    """What lies at an address of the provider; unless it must be fresh, as it was some minutes ago at most."""
    kept = _kept.get(address)
    if kept is None or is_fresh or not kept.until - _KEPT <= now < kept.until:
        kept = _kept[address] = _Kept(_fetched(client, address), now + _KEPT)
    return kept.document


def _fetched(client: OAuth2Session, address: str) -> dict[str, Any]:
    if not _is_safe(address):
        _refuse(502, _UNREACHABLE)
    try:
        with _turn():
            response = client.get(address, withhold_token=True, timeout=_TIMEOUT_SECONDS, allow_redirects=False)
        response.raise_for_status()
        document = response.json()
    except requests.RequestException:
        _refuse(502, _UNREACHABLE)
    if not isinstance(document, dict):
        _refuse(502, _UNREACHABLE)
    return document


@contextmanager
def _turn() -> Iterator[None]:
    """One of the few who may wait for the provider at the same time; nobody waits for a turn."""
    if not _asking.acquire(blocking=False):
        _refuse(503, _BUSY)
    try:
        yield
    finally:
        _asking.release()


def _address(metadata: dict[str, Any], name: str) -> str:
    address = metadata.get(name)
    if not isinstance(address, str) or not _is_safe(address):
        _refuse(502, _UNREACHABLE)
    return address


def _cvr(claim: object) -> str:
    """A CVR number, which some providers send as a number; empty where it is none."""
    text = str(claim).strip()
    return text if re.fullmatch("[0-9]{8}", text) else ""


def _is_safe(address: str) -> bool:
    """Whether nobody on the way can read or change what is sent there: encrypted, or not leaving this machine."""
    parts = urlsplit(address)
    if parts.scheme == "https":
        return True
    try:
        return parts.scheme == "http" and ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _refuse(status_code: int, message: str) -> NoReturn:
    # Without the cause: its text may hold what the provider sent.
    raise OpenIdError(status_code, message) from None
