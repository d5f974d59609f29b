"""Makes key pairs, and puts them into the forms that others read: PFX, PEM, keyCredentials. Touches no file."""

import base64
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_OID, uuid5

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from bulkmail.errors import CertificateError, UsageError
from bulkmail.identity.certificate import SMALLEST_KEY, Certificate, KeyPair
from bulkmail.identity.secret import Secret

LARGEST_KEY = 8192  # bits; beyond, a signature takes longer than the request that it is for
LONGEST = 36_500  # days
BACKDATED = timedelta(minutes=5)  # so that a clock which is a little behind does not call it not yet valid
_BETWEEN = re.compile(r"((?<!\\)[,+])\s+(?=[A-Za-z0-9.]+\s*=)")  # what stands between two parts of a subject
ROUNDS = 100_000  # PBKDF2 rounds of the PFX; Windows opens it, and a guess costs the guesser


def new_key_pair(subject: str, *, days: int = 365, key_size: int = 3072, now: datetime | None = None) -> KeyPair:
    """An RSA key with a certificate signed by itself. `subject` is RFC 4514, such as `CN=bulkmail,O=Contoso`.

    Blanks behind a comma are skipped, as Windows writes them. Raises UsageError for a subject, size or validity that
    cannot be.
    """
    if not SMALLEST_KEY <= key_size <= LARGEST_KEY:
        raise UsageError(f"a key of {key_size} bits: it has to be {SMALLEST_KEY} to {LARGEST_KEY}")
    if not 1 <= days <= LONGEST:
        raise UsageError(f"a validity of {days} days: it has to be 1 to {LONGEST}")
    name = _name(subject)
    key = rsa.generate_private_key(public_exponent=65537, key_size=key_size)
    start = (now or datetime.now(UTC)).replace(microsecond=0)
    return KeyPair(Certificate(_signed(key, name, start - BACKDATED, start + timedelta(days=days))), key)


def to_pfx(pair: KeyPair, name: str, password: Secret, *, old: bool = False) -> bytes:
    """PKCS#12 under `password`: AES-256 and SHA-256, which Windows opens since 10 1709 and Server 2019.

    `old` takes the triple DES and SHA-1 that earlier ones need. Raises CertificateError where the library lacks it.
    """
    if not password:
        raise CertificateError("a PFX needs a password")
    secret = password.encoded()
    try:
        lock = _pfx_lock(secret, old=old)
        return pkcs12.serialize_key_and_certificates(name.encode(), pair.key, pair.certificate.x509, None, lock)
    except Exception:  # noqa: BLE001 - whatever it was, its text and arguments may hold the password
        failed = CertificateError("this machine's cryptography library cannot write such a PFX")
    raise failed


def to_pem(pair: KeyPair, password: Secret | None) -> bytes:
    """The key (PKCS#8, encrypted where there is a password), then the certificate."""
    lock = BestAvailableEncryption(password.encoded()) if password else NoEncryption()
    key = pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
    return key + pair.certificate.pem.encode()


def key_credentials(certificates: Iterable[Certificate], *, content: str = "key") -> list[dict[str, str]]:
    """The `keyCredentials` of an application, one entry of five members a certificate, in the order given.

    `content` names the member with the certificate itself: `key` in Microsoft Graph and in the manifest of today,
    `value` in the manifest before. An entry's id follows from its certificate, so that asking again gives the same.
    """
    return [
        {
            "customKeyIdentifier": _base64(certificate.x509.fingerprint(SHA1())),  # noqa: S303 - a name
            "keyId": str(uuid5(NAMESPACE_OID, certificate.sha256)),
            "type": "AsymmetricX509Cert",
            "usage": "Verify",
            content: _base64(certificate.der),
        }
        for certificate in certificates
    ]


def _name(subject: str) -> x509.Name:
    try:
        name = x509.Name.from_rfc4514_string(_BETWEEN.sub(r"\1", subject.strip()))
    except ValueError:
        name = x509.Name([])
    if not list(name):
        raise UsageError(f"this is not a subject: {subject!r}", hint="Such as CN=bulkmail, or CN=bulkmail,O=Contoso.")
    return name


def _signed(key: RSAPrivateKey, name: x509.Name, start: datetime, end: datetime) -> x509.Certificate:
    public = key.public_key()
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder(name, name, public, x509.random_serial_number(), start, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    return builder.sign(key, SHA256())


def _pfx_lock(password: bytes, *, old: bool) -> KeySerializationEncryption:
    builder = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(ROUNDS)
    if old:
        return builder.key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC).hmac_hash(SHA1()).build(password)  # noqa: S303
    return builder.key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC).hmac_hash(SHA256()).build(password)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
