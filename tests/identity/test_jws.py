"""Detached signatures: good over what was signed, by whom, and nothing else; checked with another library, too."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import Damaged
from bulkmail.identity.certificate import Certificate, KeyPair
from bulkmail.identity.issue import new_key_pair
from bulkmail.identity.jws import signed, signer

PAIR = new_key_pair("CN=signs", key_size=2048)


def part(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@given(st.binary(max_size=2000))
def test_what_was_signed_is_verified_and_names_its_certificate(content: bytes) -> None:
    assert signer(signed(PAIR, content), content).sha256 == PAIR.certificate.sha256


def test_it_is_what_the_standard_says() -> None:
    """Verified by hand after RFC 7515: the input is header and content in base64url with a dot between."""
    text, content = signed(PAIR, b'{"a": 1}'), b'{"a": 1}'
    head, empty, signature = text.split(".")
    header = json.loads(part(head))
    assert (empty, header["alg"]) == ("", "PS256")
    assert base64.b64decode(header["x5c"][0]) == PAIR.certificate.der
    given = f"{head}.{base64.urlsafe_b64encode(content).rstrip(b'=').decode()}".encode()
    scheme = padding.PSS(padding.MGF1(SHA256()), 32)
    PAIR.key.public_key().verify(part(signature), given, scheme, SHA256())


@given(st.binary(min_size=1, max_size=200), st.data())
def test_no_other_content_passes(content: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(content) - 1))
    other = bytearray(content)
    other[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Damaged, match="not of this content"):
        signer(signed(PAIR, content), bytes(other))


def test_a_header_that_was_changed_does_not_pass(other_pair: KeyPair) -> None:
    text = signed(PAIR, b"content")
    head, _, signature = text.partition("..")
    header = json.loads(part(head))

    def with_header(**changed: object) -> str:
        told = json.dumps({name: value for name, value in (header | changed).items() if value is not None})
        return f"{base64.urlsafe_b64encode(told.encode()).rstrip(b'=').decode()}..{signature}"

    theirs = base64.b64encode(other_pair.certificate.der).decode()
    for forged in (
        with_header(alg="none"), with_header(alg="HS256"), with_header(x5c=None), with_header(x5c=[]),
        with_header(x5c=["AAAA"]), with_header(crit=["b64"]), with_header(x5c=[theirs]),
        with_header(x5c=[theirs], **{"x5t#S256": other_pair.certificate.x5t_s256}), with_header(typ="JWT"),
    ):  # fmt: skip
        with pytest.raises(Damaged):
            signer(forged, b"content")


@given(st.text(max_size=300))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(Damaged):
        signer(text, b"content")


def test_a_key_of_a_size_that_no_application_has_is_refused() -> None:
    """A huge one would take long to verify."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # as any other that is out of bounds
    now = datetime.now(UTC)
    name = x509.Name.from_rfc4514_string("CN=small")
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    small = KeyPair(Certificate(builder.sign(key, SHA256())), key)
    with pytest.raises(Damaged, match="not one that bulkmail makes"):
        signer(signed(small, b"content"), b"content")
