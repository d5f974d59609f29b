"""The certificate that Entra knows the application by, and the private key beside it. Knows no file and no network."""

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from bulkmail.errors import CertificateError

SMALLEST_KEY = 2048  # bits; Entra takes nothing shorter


@dataclass(frozen=True, slots=True)
class Certificate:
    """A public certificate, and the forms in which Entra names it."""

    x509: x509.Certificate

    @property
    def subject(self) -> str:
        """RFC 4514, such as `CN=bulkmail`."""
        return self.x509.subject.rfc4514_string()

    @property
    def not_before(self) -> datetime:
        return self.x509.not_valid_before_utc

    @property
    def not_after(self) -> datetime:
        return self.x509.not_valid_after_utc

    @property
    def is_rsa(self) -> bool:
        """Entra takes no other keys for applications."""
        return isinstance(self.x509.public_key(), RSAPublicKey)

    @property
    def der(self) -> bytes:
        return self.x509.public_bytes(Encoding.DER)

    @property
    def pem(self) -> str:
        return self.x509.public_bytes(Encoding.PEM).decode()

    @property
    def sha1(self) -> str:
        """The thumbprint as the portal and AADSTS700027 show it: 40 upper-case hexadecimal digits."""
        return self.x509.fingerprint(SHA1()).hex().upper()  # noqa: S303 - a name, not a protection

    @property
    def sha256(self) -> str:
        """64 upper-case hexadecimal digits."""
        return self.x509.fingerprint(SHA256()).hex().upper()

    @property
    def x5t(self) -> str:
        """The SHA-1 thumbprint as a signed assertion names it: base64url without padding."""
        return _base64url(self.x509.fingerprint(SHA1()))  # noqa: S303 - a name, not a protection

    @property
    def x5t_s256(self) -> str:
        """The same of SHA-256, `x5t#S256`."""
        return _base64url(self.x509.fingerprint(SHA256()))

    def days_left(self, now: datetime | None = None) -> int:
        """Whole days until it expires; negative once it has."""
        return (self.not_after - (now or datetime.now(UTC))).days

    def require_valid(self, now: datetime | None = None) -> None:
        """Raises CertificateError outside the certificate's validity. `now` is aware; the wall clock by default."""
        now = now or datetime.now(UTC)
        if now >= self.not_after:
            raise CertificateError(
                f"the certificate {self.sha1} expired on {self.not_after:%Y-%m-%d}",
                hint="Make a new one (bulkmail cert new), register it beside the old one, and name it in the job file.",
            )
        if now < self.not_before:
            raise CertificateError(
                f"the certificate {self.sha1} is not valid before {self.not_before:%Y-%m-%d %H:%M} UTC",
                hint="Check the clock and date of this machine.",
            )


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key and the certificate that belongs to it. `warnings` are for the user to read, a sentence each."""

    certificate: Certificate
    key: RSAPrivateKey = field(repr=False, compare=False)
    warnings: tuple[str, ...] = ()


def pair(key: object, certificates: list[x509.Certificate], warnings: tuple[str, ...] = ()) -> KeyPair:
    """The key with that one of `certificates` that belongs to it.

    Raises CertificateError: no RSA key, too short a key, no certificate, or none that belongs to the key.
    """
    if not isinstance(key, RSAPrivateKey):
        raise CertificateError(
            "the private key is not an RSA key",
            hint="Entra takes RSA keys for applications: bulkmail cert new makes one.",
        )
    if key.key_size < SMALLEST_KEY:
        raise CertificateError(
            f"the private key has {key.key_size} bits; Entra takes no less than {SMALLEST_KEY}",
            hint="Make a new one: bulkmail cert new.",
        )
    if not certificates:
        raise CertificateError(
            "there is a private key and no certificate beside it", hint="Put the certificate into the same file."
        )
    public = key.public_key()
    for certificate in certificates:
        if certificate.public_key() == public:
            return KeyPair(Certificate(certificate), key, warnings)
    raise CertificateError(
        "the private key does not belong to the certificate",
        hint="Put the certificate made from this key into the file.",
    )


def _base64url(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
