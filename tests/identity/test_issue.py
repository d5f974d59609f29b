"""New key pairs, and how Entra names them."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from cryptography import x509

from bulkmail.errors import CertificateError, UsageError
from bulkmail.identity.certificate import KeyPair
from bulkmail.identity.issue import key_credentials, new_key_pair, to_pfx
from bulkmail.identity.secret import Secret
from tests.identity.fakes import unbase64

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def dated() -> KeyPair:
    return new_key_pair("CN=bulkmail,O=Contoso", days=30, key_size=2048, now=NOW)


def test_what_is_in_a_new_certificate(dated: KeyPair) -> None:
    made = dated.certificate.x509
    assert dated.certificate.subject == "CN=bulkmail,O=Contoso"
    assert made.issuer == made.subject
    assert dated.key.key_size == 2048
    constraints = made.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (constraints.critical, constraints.value.ca) == (True, False)
    usage = made.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert not usage.key_cert_sign
    identifier = made.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert identifier == x509.SubjectKeyIdentifier.from_public_key(dated.key.public_key())
    made.verify_directly_issued_by(made)


def test_the_default_is_3072_bits_and_a_year() -> None:
    made = new_key_pair("CN=x", now=NOW)
    assert made.key.key_size == 3072
    assert made.certificate.days_left(NOW) == 365


def test_validity(dated: KeyPair) -> None:
    certificate = dated.certificate
    assert certificate.not_after == NOW + timedelta(days=30)
    certificate.require_valid(NOW)
    certificate.require_valid(NOW - timedelta(minutes=4))
    assert certificate.days_left(NOW) == 30
    assert certificate.days_left(NOW + timedelta(days=29, hours=1)) == 0
    assert certificate.days_left(NOW + timedelta(days=30, seconds=1)) == -1
    with pytest.raises(CertificateError, match="expired on 2026-03-31"):
        certificate.require_valid(NOW + timedelta(days=30))
    with pytest.raises(CertificateError, match="not valid before"):
        certificate.require_valid(NOW - timedelta(minutes=6))


@pytest.mark.parametrize("subject", ["", "no name", "CN", "=x", "CN=a,,", "XX=1"])
def test_no_subject(subject: str) -> None:
    with pytest.raises(UsageError, match="not a subject"):
        new_key_pair(subject, key_size=2048)


@pytest.mark.parametrize("size", [0, 1024, 2047, 8193])
def test_no_size(size: int) -> None:
    with pytest.raises(UsageError, match=f"{size} bits"):
        new_key_pair("CN=x", key_size=size)


@pytest.mark.parametrize("days", [0, -1, 36_501])
def test_no_validity(days: int) -> None:
    with pytest.raises(UsageError, match=f"{days} days"):
        new_key_pair("CN=x", days=days, key_size=2048)


def test_the_names_are_all_of_one_digest(pair: KeyPair) -> None:
    certificate = pair.certificate
    sha1 = hashlib.sha1(certificate.der, usedforsecurity=False).digest()
    sha256 = hashlib.sha256(certificate.der).digest()
    assert bytes.fromhex(certificate.sha1) == sha1 == unbase64(certificate.x5t)
    assert bytes.fromhex(certificate.sha256) == sha256 == unbase64(certificate.x5t_s256)
    assert (len(certificate.sha1), len(certificate.x5t), len(certificate.x5t_s256)) == (40, 27, 43)
    assert certificate.sha1.isupper() or certificate.sha1.isdecimal()


def test_a_pfx_without_password(pair: KeyPair) -> None:
    with pytest.raises(CertificateError, match="needs a password"):
        to_pfx(pair, "app", Secret(""))


@pytest.mark.parametrize("content", ["key", "value"])
def test_key_credentials_have_five_members(pair: KeyPair, content: str) -> None:
    (entry,) = key_credentials([pair.certificate], content=content)
    assert set(entry) == {"customKeyIdentifier", "keyId", "type", "usage", content}
    assert (entry["type"], entry["usage"]) == ("AsymmetricX509Cert", "Verify")
    assert base64.b64decode(entry[content]) == pair.certificate.der
    assert base64.b64decode(entry["customKeyIdentifier"]).hex().upper() == pair.certificate.sha1
    assert str(UUID(entry["keyId"])) == entry["keyId"]


def test_key_credentials_of_two(pair: KeyPair, other_pair: KeyPair) -> None:
    both = key_credentials([pair.certificate, other_pair.certificate])
    assert both == key_credentials([pair.certificate]) + key_credentials([other_pair.certificate])
    assert both[0]["keyId"] != both[1]["keyId"]
