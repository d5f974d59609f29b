"""Reads key pairs and certificates from files, PFX, PEM or DER, told apart by content. Writes nothing.

No error of the library underneath is chained, and none of its texts repeated: what was wrong is said in our own words.
"""

import os
import re
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

from bulkmail.errors import CertificateError
from bulkmail.identity.certificate import Certificate, KeyPair, pair
from bulkmail.identity.secret import Secret

LARGEST = 1024 * 1024  # bytes; a key with a long chain has some ten thousand
PKCS7 = bytes.fromhex("2a864886f70d0107")  # the OIDs below 1.2.840.113549.1.7, one of which opens every PFX
_KEY = re.compile(rb"-----BEGIN ((?:\w+ )?PRIVATE KEY)-----.+?-----END \1-----", re.DOTALL)
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_PASSWORD_HINT = "Give certificate_password_file in the job file, or BULKMAIL_CERTIFICATE_PASSWORD."  # noqa: S105

T = TypeVar("T")


def load_key_pair(path: Path, password: Secret | None = None) -> KeyPair:
    """The key pair in a PFX or PEM file. Raises CertificateError, which says what is wrong and what to do."""
    content, warnings = _read(path)
    if _is_pfx(content):
        key, certificates = _open_pfx(path, content, password)
    else:
        key, certificates = _pem_key(path, content, password), _pem_certificates(path, content)
    if key is None:
        raise CertificateError(f"there is no private key in {path}", hint="Name the PFX, or the PEM that has the key.")
    return pair(key, certificates, warnings)


def load_certificate(path: Path, password: Secret | None = None) -> Certificate:
    """The certificate in a PFX, PEM, or DER file; of several, the one that belongs to the key, else the first.

    The password is needed for a PFX only. Raises CertificateError.
    """
    content, _ = _read(path)
    if _is_pfx(content):
        return load_key_pair(path, password).certificate
    if content.startswith(b"\x30"):
        return Certificate(_parsed(path, x509.load_der_x509_certificate, content))
    certificates = _pem_certificates(path, content)
    if not certificates:
        raise _unreadable(path)
    if _KEY.search(content) and len(certificates) > 1:
        return load_key_pair(path, password).certificate
    return Certificate(certificates[0])


def is_pfx(path: Path) -> bool:
    """Whether the file is a PFX, which shows nothing without its password. Raises CertificateError."""
    return _is_pfx(_read(path)[0])


def _read(path: Path) -> tuple[bytes, tuple[str, ...]]:
    """The content, and a warning where others may read it; asked of the open file, so that it cannot be swapped."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(LARGEST)
    except OSError as error:
        raise CertificateError(f"cannot read {path}: {error.strerror}") from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO) and (_is_pfx(content) or _KEY.search(content)):
        return content, (f"{path} holds a private key and others may open it: chmod 600 {path}",)
    return content, ()


def _is_pfx(content: bytes) -> bool:
    """A PFX opens with its version, 3, and then content of a PKCS#7 type (RFC 7292, section 4)."""
    return content.startswith(b"\x30") and b"\x02\x01\x03" in content[:12] and PKCS7 in content[:48]


def _open_pfx(path: Path, content: bytes, password: Secret | None) -> tuple[object, list[x509.Certificate]]:
    for given in [password.encoded()] if password else [None, b""]:
        opened = _attempt(partial(pkcs12.load_pkcs12, content, given))
        if opened is not None:
            own = [opened.cert.certificate] if opened.cert else []
            return opened.key, own + [other.certificate for other in opened.additional_certs]
    raise _locked(path, password)


def _pem_key(path: Path, content: bytes, password: Secret | None) -> object:
    match = _KEY.search(content)
    if match is None:
        if not _CERTIFICATE.search(content):
            raise _unreadable(path)
        return None
    block = match[0]
    encrypted = b"ENCRYPTED" in block
    if encrypted and not password:
        raise _locked(path, None)
    given = password.encoded() if encrypted and password else None
    key = _attempt(lambda: load_pem_private_key(block, given))
    if key is None:
        raise _locked(path, password) if encrypted else _unreadable(path)
    return key


def _pem_certificates(path: Path, content: bytes) -> list[x509.Certificate]:
    return [_parsed(path, x509.load_pem_x509_certificate, block) for block in _CERTIFICATE.findall(content)]


def _parsed(path: Path, load: Callable[[bytes], T], content: bytes) -> T:
    loaded = _attempt(lambda: load(content))
    if loaded is None:
        raise _unreadable(path)
    return loaded


def _attempt(load: Callable[[], T]) -> T | None:
    """None where the library refuses. Its error ends here, so that ours, raised later, is not chained to it."""
    try:
        return load()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _locked(path: Path, password: Secret | None) -> CertificateError:
    if password is None:
        return CertificateError(f"{path} is locked by a password, and none was given", hint=_PASSWORD_HINT)
    return CertificateError(
        f"the password does not open {path}",
        hint="Check the password. A file locked with an outdated cipher opens after exporting it again with AES-256.",
    )


def _unreadable(path: Path) -> CertificateError:
    return CertificateError(
        f"{path} is neither a PFX nor a PEM that can be read", hint="bulkmail cert new makes a key pair in both forms."
    )
