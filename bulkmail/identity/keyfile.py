"""Reads key pairs and certificates from files in every form that administrators have them in, told apart by content.

`form` undoes the wrapping (base64 as key vaults hand it out, UTF-16 as Windows PowerShell writes it) and says what is
inside. What cannot be used is named for what it is, with the command that mends it. Writes nothing. No error of the
library underneath is chained, and none of its texts repeated: what was wrong is said in our own words.
"""

import os
import stat
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

from bulkmail.errors import CertificateError, CertificateLocked
from bulkmail.identity.certificate import Certificate, KeyPair, pair
from bulkmail.identity.form import CERTIFICATE, KEY, Form, form_of, unwrapped
from bulkmail.identity.secret import Secret

LARGEST = 1024 * 1024  # bytes; a key with a long chain has some ten thousand
_PASSWORD_HINT = "Give certificate_password_file in the job file, or BULKMAIL_CERTIFICATE_PASSWORD."  # noqa: S105

T = TypeVar("T")


def load_key_pair(path: Path, password: Secret | None = None) -> KeyPair:
    """The key pair in a PFX or PEM file. Raises CertificateError, which says what is wrong and what to do."""
    content, notes = _read(path)
    match form_of(content):
        case Form.PFX:
            key, certificates, more = _open_pfx(path, content, password)
            notes += more
        case Form.PEM_KEY:
            key, certificates = _pem_key(path, content, password), _pem_certificates(path, content)
        case other:
            raise _not_a_pair(path, other)
    if key is None:
        raise _not_a_pair(path, Form.PEM_CERTIFICATE)
    if not certificates:
        raise _not_a_pair(path, Form.PEM_KEY)
    return pair(key, certificates, notes)


def load_certificate(path: Path, password: Secret | None = None) -> Certificate:
    """The certificate in a PFX, PEM, or DER file; of several, the one that belongs to the key, else the first.

    The password is needed for a PFX only. Raises CertificateError.
    """
    content, _ = _read(path)
    kind = form_of(content)
    if kind is Form.PFX:
        return load_key_pair(path, password).certificate
    if kind is Form.DER_CERTIFICATE:
        return Certificate(_parsed(path, x509.load_der_x509_certificate, content))
    certificates = _pem_certificates(path, content)
    if not certificates:
        raise _unreadable(path) if kind is Form.UNKNOWN else _not_a_certificate(path, kind)
    if kind is Form.PEM_KEY and len(certificates) > 1:
        return load_key_pair(path, password).certificate
    return Certificate(certificates[0])


def is_pfx(path: Path) -> bool:
    """Whether the file is a PFX, which shows nothing without its password. Raises CertificateError."""
    return form_of(_read(path)[0]) is Form.PFX


def _read(path: Path) -> tuple[bytes, tuple[str, ...]]:
    """The content, and a warning where others may read it; asked of the open file, so that it cannot be swapped."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = unwrapped(file.read(LARGEST))
    except OSError as error:
        raise CertificateError(f"cannot read {path}: {error.strerror}") from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO) and form_of(content) in _PRIVATE:
        return content, (f"{path} holds a private key and others may open it: chmod 600 {path}",)
    return content, ()


def _open_pfx(
    path: Path, content: bytes, password: Secret | None
) -> tuple[object, list[x509.Certificate], tuple[str, ...]]:
    """Key, certificates and notes. A password that the file does not need is told, and does no harm."""
    given = [password.encoded()] if password else []
    for attempt in (*given, None, b""):
        opened = _attempt(partial(_loaded, content, attempt))
        if opened is not None:
            unused = password is not None and attempt not in given
            notes = (f"{path} has no password; the one that was given is not used",) if unused else ()
            own = [opened.cert.certificate] if opened.cert else []
            return opened.key, own + [other.certificate for other in opened.additional_certs], notes
    raise _locked(path, password)


def _loaded(content: bytes, password: bytes | None) -> pkcs12.PKCS12KeyAndCertificates:
    """Without the library's warning about a PFX in BER, which Windows and Java write: it is read all the same."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PKCS#12 bundle could not be parsed as DER")
        return pkcs12.load_pkcs12(content, password)


def _pem_key(path: Path, content: bytes, password: Secret | None) -> object:
    match = KEY.search(content)
    if match is None:
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
    return [_parsed(path, x509.load_pem_x509_certificate, match[0]) for match in CERTIFICATE.finditer(content)]


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
        return CertificateLocked(f"{path} is locked by a password, and none was given", hint=_PASSWORD_HINT)
    return CertificateError(
        f"the password does not open {path}",
        hint="Check the password. A file locked with an outdated cipher opens after exporting it again with AES-256.",
    )


_PRIVATE = frozenset({Form.PFX, Form.PEM_KEY, Form.DER_KEY})

_JOIN = "openssl pkcs12 -export -inkey KEY.pem -in CERTIFICATE.cer -out app.pfx"

_WITHOUT_A_PAIR = {  # form -> what the file is, and how to get from it to a key pair
    Form.PEM_CERTIFICATE: (
        "is a public certificate; there is no private key in it",
        f"Name the PFX or PEM that holds the key. Where the key is in a file of its own: {_JOIN}",
    ),
    Form.DER_CERTIFICATE: (
        "is a public certificate; there is no private key in it",
        f"Name the PFX or PEM that holds the key. Where the key is in a file of its own: {_JOIN}",
    ),
    Form.PEM_KEY: (
        "holds a private key and no certificate",
        "Append its certificate in PEM to the same file: cat app.cer >> app.pem",
    ),
    Form.DER_KEY: (
        "is a private key in DER, without its certificate",
        "Make a PEM of both: (openssl pkey -inform DER -in KEY.der; cat CERTIFICATE.cer) > app.pem",
    ),
    Form.PKCS7: (
        "is a PKCS#7 file (.p7b): certificates only, never a private key",
        "Name the PFX that was exported with the key. The certificates in it: openssl pkcs7 -print_certs -in FILE",
    ),
    Form.REQUEST: (
        "is a certificate request, not a certificate",
        "Wait for the certificate that the authority makes of it, and name that with its key.",
    ),
}


def _not_a_pair(path: Path, kind: Form) -> CertificateError:
    if kind not in _WITHOUT_A_PAIR:
        return _unreadable(path)
    said, hint = _WITHOUT_A_PAIR[kind]
    return CertificateError(f"{path} {said}", hint=hint)


def _not_a_certificate(path: Path, kind: Form) -> CertificateError:
    said, hint = _WITHOUT_A_PAIR[kind]
    return CertificateError(f"{path} {said}", hint=hint)


def _unreadable(path: Path) -> CertificateError:
    return CertificateError(
        f"{path} is neither a PFX nor a PEM that can be read",
        hint="It may have been cut or changed on its way: compare its size with the original, or export it again.",
    )
