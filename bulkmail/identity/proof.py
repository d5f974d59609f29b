"""How the application proves to the directory who it is: by certificate, by secret, or by another issuer's assertion.

Each kind presents itself in the form that MSAL takes. Files are read again when they change, so that a renewed
certificate or assertion is used without a restart.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from bulkmail.errors import CertificateError, SignInError
from bulkmail.identity.certificate import Certificate, KeyPair
from bulkmail.identity.jws import signed
from bulkmail.identity.keyfile import load_certificate, load_key_pair
from bulkmail.identity.secret import Secret, read_secret
from bulkmail.identity.token import key_in_token


class Proof(Protocol):
    """`present()` gives MSAL's `client_credential`; it may block, and raises SignInError or ConfigError."""

    @property
    def certificate(self) -> Certificate | None: ...

    @property
    def warnings(self) -> tuple[str, ...]: ...

    def present(self) -> Any: ...


class ByCertificate:
    """Signs with the key pair of a file, read at once: raises CertificateError before anything is sent. With `key`, the
    URI of a PKCS#11 token, the file has the certificate alone, and `password` is the PIN.

    MSAL signs PS256 and names the certificate by its SHA-256 (`x5t#S256`), since no thumbprint is given with it. With
    `rs256` there is one, and it signs RS256 and names the certificate by its SHA-1 (`x5t`).
    """

    def __init__(self, path: Path, password: Secret | None = None, *, rs256: bool = False, key: str = "") -> None:
        self._rs256 = rs256
        self._key = key
        self._path = path
        self._password = password
        self._stamp = _stamp(path)
        self._pair = self._load()
        self.certificate.require_valid()

    @property
    def certificate(self) -> Certificate:
        return self._pair.certificate

    @property
    def warnings(self) -> tuple[str, ...]:
        return self._pair.warnings

    def present(self) -> dict[str, Any]:
        self._refresh()
        self.certificate.require_valid()
        old = {"thumbprint": self.certificate.sha1} if self._rs256 else {}
        return {"private_key": self._pair.key, "public_certificate": self.certificate.pem, **old}

    def sign(self, content: bytes) -> str:
        """A detached signature of `content`, with the key as it is now."""
        self._refresh()
        return signed(self._pair, content)

    def _refresh(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        with suppress(CertificateError):  # in the middle of being replaced: the old one still counts
            self._pair = self._load()
            self._stamp = stamp

    def _load(self) -> KeyPair:
        if self._key:
            return key_in_token(load_certificate(self._path), self._key, self._password, rs256=self._rs256)
        return load_key_pair(self._path, self._password)


class BySecret:
    """A client secret: good for a trial, less so for a night's run, since anyone who reads it can sign in with it."""

    certificate = None
    warnings = ()

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    def present(self) -> str:
        return self._secret.reveal()


class ByAssertion:
    """A JWT that another issuer writes to a file and renews there, as workload identity federation does."""

    certificate = None
    warnings = ()

    def __init__(self, path: Path) -> None:
        self._path = path
        read_secret(path)

    def present(self) -> dict[str, Any]:
        assertion = read_secret(self._path)
        if not assertion.reveal().isascii():
            raise SignInError(f"{self._path} holds no assertion", hint="It is a JWT: three parts of base64url.")
        return {"client_assertion": assertion.reveal}


def _stamp(path: Path) -> tuple[int, ...]:
    """Differs once the file is another or has been written to; empty where there is none."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns
