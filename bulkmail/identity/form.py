"""What a file of keys or certificates is, told by its content alone. Reads no file and opens nothing that is locked."""

import codecs
import re
from base64 import b64decode
from enum import Enum

_INSIDE = (
    rb"(?:[^-]++|-(?!----))++"  # up to the next five dashes, in one pass: a hostile file costs no more than its size
)
KEY = re.compile(rb"-----BEGIN ((?:[A-Z]{1,12} ){0,3}PRIVATE KEY)-----" + _INSIDE + rb"-----END \1-----")
CERTIFICATE = re.compile(rb"-----BEGIN ((?:TRUSTED |X509 )?CERTIFICATE)-----" + _INSIDE + rb"-----END \1-----")

_BASE64 = re.compile(rb"[0-9A-Za-z+/\s]++={0,2}\s*+")
_DER = b"\x30"  # every structure here is a SEQUENCE
_PKCS7 = bytes.fromhex("06092a864886f70d0107")  # the types below 1.2.840.113549.1.7; .02 is SignedData


class Form(Enum):
    """The forms that can be told apart."""

    PFX = "PFX"
    PEM_KEY = "PEM with a private key"
    PEM_CERTIFICATE = "PEM with certificates only"
    DER_CERTIFICATE = "DER certificate"
    DER_KEY = "DER private key"
    PKCS7 = "PKCS#7"
    REQUEST = "certificate request"
    UNKNOWN = "something else"


def unwrapped(content: bytes) -> bytes:
    """`content` without what transport has put around it: UTF-16 or a byte-order mark of text, or base64 of DER."""
    text = _as_utf8(content)
    if not _BASE64.fullmatch(text):
        return text
    try:
        decoded = b64decode(b"".join(text.split()) + b"==")
    except ValueError:
        return text
    return decoded if decoded.startswith(_DER) else text


def form_of(content: bytes) -> Form:
    """The form of unwrapped `content`."""
    if KEY.search(content):
        return Form.PEM_KEY
    if CERTIFICATE.search(content):
        return Form.PEM_CERTIFICATE
    if b"-----BEGIN PKCS7-----" in content:
        return Form.PKCS7
    if b"CERTIFICATE REQUEST-----" in content:
        return Form.REQUEST
    return _der_form(content) if content.startswith(_DER) else Form.UNKNOWN


def _der_form(content: bytes) -> Form:
    """Told by the first members: a PFX opens with its version, 3, and a PKCS#7 type (RFC 7292, section 4), PKCS#7 with
    such a type, a private key with version 0 or 1 (PKCS#1, PKCS#8, SEC 1), all else is taken for a certificate."""
    body = _inside(content)
    if body.startswith(b"\x02\x01\x03") and _PKCS7 in content[:48]:
        return Form.PFX
    if body.startswith(_PKCS7):
        return Form.PKCS7
    if body.startswith((b"\x02\x01\x00", b"\x02\x01\x01")):
        return Form.DER_KEY
    if body.startswith(_DER) and b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d" in body[:24]:  # PBES2: a locked PKCS#8
        return Form.DER_KEY
    return Form.DER_CERTIFICATE


def _inside(content: bytes) -> bytes:
    """What stands in the outermost SEQUENCE; its length is given in 1 byte, in as many as the first one says, or not at
    all (BER)."""
    first = content[1] if len(content) > 1 else 0
    return content[2 + (first & 0x7F if first & 0x80 else 0) :]


def _as_utf8(content: bytes) -> bytes:
    """Text of another encoding in UTF-8; what is not text stays as it is."""
    if content.startswith(codecs.BOM_UTF8):
        return content[len(codecs.BOM_UTF8) :]
    encoding = ""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif content[1:2] == b"\0" and content[:1] != _DER:  # an ASCII character in UTF-16 without a mark
        encoding = "utf-16-le"
    try:
        return content.decode(encoding).encode() if encoding else content
    except UnicodeDecodeError:
        return content
