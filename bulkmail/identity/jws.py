"""A detached signature over a file: JWS in compact form without its content (RFC 7515, appendix F), PS256, with the
certificate in it (`x5c`) and named (`x5t#S256`).

Who signed is told by the certificate, which anyone can make: compare it with the one that you trust.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from bulkmail.errors import Damaged
from bulkmail.identity.certificate import SMALLEST_KEY, Certificate, KeyPair
from bulkmail.identity.issue import LARGEST_KEY

ALGORITHM = "PS256"
LARGEST = 64 * 1024  # characters of a signature; one with a key of 8192 bits has a tenth of that


def signed(pair: KeyPair, content: bytes) -> str:
    """The signature of `content`: two parts in base64url, with two dots between them."""
    chain = [base64.b64encode(pair.certificate.der).decode()]
    header = {"alg": ALGORITHM, "typ": "JOSE", "x5t#S256": pair.certificate.x5t_s256, "x5c": chain}
    head = _encoded(json.dumps(header, separators=(",", ":")).encode())
    return f"{head}..{_encoded(pair.key.sign(_input(head, content), _scheme(), SHA256()))}"


def signer(text: str, content: bytes) -> Certificate:
    """The certificate of the key that signed `content`. Raises Damaged for what is not a signature, or not of it."""
    head, dots, signature = text.strip().partition("..")
    certificate = _certificate(head) if dots and len(text) <= LARGEST else None
    key = certificate.x509.public_key() if certificate else None
    if certificate is None or not isinstance(key, RSAPublicKey) or not SMALLEST_KEY <= key.key_size <= LARGEST_KEY:
        raise Damaged("the signature is not one that bulkmail makes", hint="Put the file back from a backup.")
    try:
        key.verify(_decoded(signature), _input(head, content), _scheme(), SHA256())
    except (InvalidSignature, ValueError):
        raise Damaged(
            "the signature is not of this content", hint="It was changed since, or the signature is that of another."
        ) from None
    return certificate


def _certificate(head: str) -> Certificate | None:
    """That of the header; None for a header that is not one of ours."""
    try:
        found = json.loads(_decoded(head))
        if not isinstance(found, Mapping) or found.get("alg") != ALGORITHM or "crit" in found:
            return None
        chain: Any = found["x5c"]
        certificate = Certificate(x509.load_der_x509_certificate(base64.b64decode(chain[0], validate=True)))
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return None
    return certificate if certificate.x5t_s256 == found.get("x5t#S256") else None


def _input(head: str, content: bytes) -> bytes:
    return f"{head}.{_encoded(content)}".encode()


def _scheme() -> padding.PSS:
    return padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH)


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    """Raises ValueError."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
