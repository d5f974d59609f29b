"""Judges client assertions: signed JWTs that prove an app holds its private key. Is told the time."""

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from typing import Any

import orjson
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

SKEW = 300.0  # seconds by which clocks may differ, as Entra allows
LONGEST = 86_400.0  # seconds that an assertion may claim to live


class Rejected(Exception):
    """Why no token is given; `code` is the AADSTS number."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(slots=True)
class App:
    """A registered application. `literals` are assertions of another issuer that are taken as they are."""

    client_id: str
    roles: frozenset[str]
    certificates: dict[str, x509.Certificate] = field(default_factory=dict)
    secret: str | None = None
    literals: frozenset[str] = frozenset()
    enabled: bool = True
    scoped_roles: frozenset[str] = frozenset()
    scope: str = ""
    used: dict[str, tuple[bytes, float]] = field(default_factory=dict)  # assertion id: signature, until when it is good

    def trust(self, certificate_pem: bytes) -> None:
        """Takes one more certificate, or several; raises ValueError for what is not a certificate."""
        for certificate in x509.load_pem_x509_certificates(certificate_pem):
            self.certificates |= dict.fromkeys(thumbprints(certificate), certificate)


def thumbprints(certificate: x509.Certificate) -> tuple[str, str]:
    """How assertions name a certificate: `x5t#S256` and the older `x5t`, both base64url without padding."""
    der = certificate.public_bytes(Encoding.DER)
    digests = hashlib.sha256(der), hashlib.sha1(der, usedforsecurity=False)
    first, second = (base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode() for digest in digests)
    return first, second


def verify(assertion: str, app: App, audiences: frozenset[str], now: float) -> None:
    """Raises Rejected unless the assertion is valid at `now` (seconds since 1970) for this app and audience."""
    if assertion in app.literals:
        return
    header, claims, signed, signature = _parse(assertion)
    _check_signature(header, app, signed, signature, now)
    _check_claims(claims, app, audiences)
    _check_times(claims, now)
    _check_replay(claims, app, signature, now)


def _parse(assertion: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    parts = assertion.split(".")
    try:
        header, claims, signature = (_decode(part) for part in parts)
        found = orjson.loads(header), orjson.loads(claims)
    except (ValueError, binascii.Error):
        raise Rejected(50027, "JWT token is invalid or malformed.") from None
    if not all(isinstance(part, dict) for part in found):
        raise Rejected(50027, "JWT token is invalid or malformed.")
    return *found, ".".join(parts[:2]).encode(), signature


def _decode(text: str) -> bytes:
    return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)


def _check_signature(header: dict[str, Any], app: App, signed: bytes, signature: bytes, now: float) -> None:
    name = str(header.get("x5t#S256") or header.get("x5t") or "").rstrip("=")
    certificate = app.certificates.get(name)
    if certificate is None:
        raise _unknown_key(name, app, "The key was not found.")
    if now > certificate.not_valid_after_utc.timestamp():
        raise _unknown_key(name, app, "The key used is expired.")
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise _unknown_key(name, app, "The key is not an RSA key.")
    sha256 = hashes.SHA256()
    schemes = {"PS256": padding.PSS(padding.MGF1(sha256), padding.PSS.DIGEST_LENGTH), "RS256": padding.PKCS1v15()}
    scheme = schemes.get(str(header.get("alg")))
    if scheme is None:
        raise Rejected(
            5002738, f"Invalid JWT token. '{header.get('alg')!s:.20}' is not a supported signature algorithm."
        )
    try:
        key.verify(signature, signed, scheme, sha256)
    except InvalidSignature:
        raise Rejected(50013, "Assertion failed signature validation. [Reason - The key did not match.]") from None


def _unknown_key(name: str, app: App, reason: str) -> Rejected:
    try:
        thumbprint = _decode(name).hex().upper()
    except binascii.Error:
        thumbprint = ""
    text = (
        "The certificate with identifier used to sign the client assertion is not registered on application. "
        f"[Reason - {reason}, Thumbprint of key used by client: '{thumbprint}', app Id '{app.client_id}'.]"
    )
    return Rejected(700027, text)


def _check_claims(claims: dict[str, Any], app: App, audiences: frozenset[str]) -> None:
    if str(claims.get("aud", "")).rstrip("/") not in audiences:
        raise Rejected(50012, "Authentication failed: the audience of the client assertion is not this token endpoint.")
    if not claims.get("iss") == claims.get("sub") == app.client_id:
        raise Rejected(700021, "Client assertion application identifier does not match 'client_id' parameter.")


def _check_times(claims: dict[str, Any], now: float) -> None:
    moments = [claims.get(name) for name in ("nbf", "iat", "exp")]
    numbers = [m if isinstance(m, int | float) and not isinstance(m, bool) else None for m in moments]
    if any(m is not None and n is None for m, n in zip(moments, numbers, strict=True)) or numbers[2] is None:
        raise Rejected(50027, "JWT token is invalid or malformed: a time is missing or no number.")
    begin = max((n for n in numbers[:2] if n is not None), default=now)
    end = numbers[2]
    if now < begin - SKEW or now > end + SKEW or end - now > LONGEST:
        raise Rejected(700024, "Client assertion is not within its valid time range. Check the clock of this machine.")


def _check_replay(claims: dict[str, Any], app: App, signature: bytes, now: float) -> None:
    """An assertion may be sent again while it is valid, as MSAL does; another one under its id is a replay."""
    name = claims.get("jti")
    if not isinstance(name, str) or not name:
        raise Rejected(50027, "JWT token is invalid or malformed: it has no jti.")
    for old in [key for key, (_, until) in app.used.items() if until < now]:
        del app.used[old]
    seen, _ = app.used.setdefault(name, (signature, float(claims["exp"]) + SKEW))
    if seen != signature:
        raise Rejected(50013, "Assertion failed validation. [Reason - The jti was used by another assertion.]")
