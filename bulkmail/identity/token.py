"""A private key that stays in a PKCS#11 token, such as an HSM or a smart card: named by a URI (RFC 7512), used to sign.

It stands where a key of a file would, so whatever signs with one signs with the other. Each signature opens a session
of its own: a token may be taken out, and a process lives for a night.
"""

import re
import threading
from typing import Any, NoReturn
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from bulkmail.errors import CertificateError, ConfigError
from bulkmail.identity.certificate import SMALLEST_KEY, Certificate, KeyPair
from bulkmail.identity.secret import Secret

EXAMPLE = "pkcs11:token=NAME;object=NAME?module-path=/usr/lib/softhsm/libsofthsm2.so"
_PART = re.compile(r"(?:^pkcs11:|[;?&])(token|object|module-path)=([^;?&]+)")
_PIN = re.compile(r"[;?&:]pin-")
_ONE_AT_A_TIME = threading.Lock()  # who is signed in to a token is so for all sessions of the process


def key_in_token(certificate: Certificate, uri: str, pin: Secret | None, *, rs256: bool = False) -> KeyPair:
    """The key of a token with its certificate, after it was tried: by RSA-PSS, or with `rs256` by PKCS#1 v1.5, which is
    all that some modules know. Raises ConfigError and CertificateError. Blocks."""
    public = certificate.x509.public_key()
    if not isinstance(public, RSAPublicKey) or public.key_size < SMALLEST_KEY:
        raise CertificateError(
            f"the certificate has no RSA key of {SMALLEST_KEY} bits or more", hint="Entra takes these."
        )
    key, trial = TokenKey(public, uri, pin), PKCS1v15() if rs256 else PSS(MGF1(SHA256()), PSS.DIGEST_LENGTH)
    try:
        public.verify(key.sign(uri.encode(), trial, SHA256()), uri.encode(), trial, SHA256())
    except InvalidSignature:
        raise CertificateError(f"{key!r} does not belong to the certificate", hint="Name the one that does.") from None
    return KeyPair(certificate, key)


class TokenKey(RSAPrivateKey):
    """The private key of `public`, in the token and under the name that `uri` says."""

    def __init__(self, public: RSAPublicKey, uri: str, pin: Secret | None) -> None:
        named = {name: unquote(value) for name, value in _PART.findall(uri)}
        if _PIN.search(uri):
            raise ConfigError(
                "app.key has a PIN in it, and none is read from there",
                hint="Take it out, and give certificate_password_file, or BULKMAIL_CERTIFICATE_PASSWORD.",
            )
        if not uri.startswith("pkcs11:") or set(named) != {"token", "object", "module-path"}:
            raise ConfigError(
                f"app.key {uri!r} does not name a token, an object and a module", hint=f"Such as {EXAMPLE}"
            )
        self._public, self._pin, self._named = public, pin, named

    def __repr__(self) -> str:
        return f"<TokenKey {self._named['object']!r} in {self._named['token']!r}>"

    @property
    def key_size(self) -> int:
        return self._public.key_size

    def public_key(self) -> RSAPublicKey:
        return self._public

    def sign(self, data: Any, padding: object, algorithm: object) -> bytes:
        """With SHA-256, PSS or PKCS#1 v1.5. Raises CertificateError."""
        try:
            import pkcs11  # noqa: PLC0415 - an extra, which few need
        except ImportError:
            raise ConfigError("app.key needs python-pkcs11", hint="pip install 'bulkmail[pkcs11]'") from None
        if not isinstance(algorithm, SHA256):
            raise TypeError(f"a token is asked for SHA-256 only, not for {algorithm!r}")
        kind, of = pkcs11.Mechanism, pkcs11.MGF
        how: dict[str, Any] = {"mechanism": kind.SHA256_RSA_PKCS}
        if isinstance(padding, PSS):
            how = {
                "mechanism": kind.SHA256_RSA_PKCS_PSS,
                "mechanism_param": (kind.SHA256, of.SHA256, SHA256.digest_size),
            }
        try:
            with _ONE_AT_A_TIME:
                token = pkcs11.lib(self._named["module-path"]).get_token(token_label=self._named["token"])
                with token.open(user_pin=self._pin.reveal() if self._pin else None) as session:
                    key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=self._named["object"])
                    return bytes(key.sign(bytes(data), **how))
        except (pkcs11.PKCS11Error, RuntimeError) as error:  # the latter for a module that cannot be loaded
            raise CertificateError(
                f"{self!r} does not sign: {type(error).__name__}{f' ({error})' if str(error) else ''}",
                hint="pkcs11-tool --module MODULE --list-objects --login shows what is there; the PIN is the password.",
            ) from None

    def decrypt(self, *_: object) -> NoReturn:
        _stays()

    def private_numbers(self) -> NoReturn:
        _stays()

    def private_bytes(self, *_: object) -> NoReturn:
        _stays()

    def __copy__(self) -> "TokenKey":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "TokenKey":
        return self


def _stays() -> NoReturn:
    raise NotImplementedError("the key stays in its token, and only signs")
