"""Every form that a key pair comes in, and everything that can be wrong with one."""

import base64
import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
    pkcs12,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulkmail.errors import CertificateError
from bulkmail.identity.certificate import KeyPair
from bulkmail.identity.form import Form, form_of
from bulkmail.identity.issue import new_key_pair, to_pem, to_pfx
from bulkmail.identity.keyfile import is_pfx, load_certificate, load_key_pair
from bulkmail.identity.secret import Secret
from tests.identity.conftest import PASSWORD

SECRET = Secret(PASSWORD)


def written(folder: Path, content: bytes | str) -> Path:
    path = folder / "file"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(0o600)
    return path


def pem_key(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def test_a_pfx(pfx: Path, pair: KeyPair) -> None:
    loaded = load_key_pair(pfx, SECRET)
    assert loaded == pair
    assert loaded.key.private_numbers() == pair.key.private_numbers()
    assert loaded.warnings == ()
    assert load_certificate(pfx, SECRET) == pair.certificate
    assert is_pfx(pfx)


def test_an_old_pfx(pair: KeyPair, tmp_path: Path) -> None:
    path = written(tmp_path, to_pfx(pair, "app", SECRET, old=True))
    assert load_key_pair(path, SECRET).certificate == pair.certificate


@pytest.mark.parametrize("password", [None, SECRET])
def test_a_pem(pair: KeyPair, tmp_path: Path, password: Secret | None) -> None:
    path = written(tmp_path, to_pem(pair, password))
    assert load_key_pair(path, password).key.private_numbers() == pair.key.private_numbers()
    assert load_certificate(path) == pair.certificate
    assert not is_pfx(path)


def test_an_open_pem_does_not_mind_a_password(pair: KeyPair, tmp_path: Path) -> None:
    assert load_key_pair(written(tmp_path, to_pem(pair, None)), SECRET).certificate == pair.certificate


@pytest.mark.parametrize("form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
@pytest.mark.parametrize("encrypted", [False, True])
def test_keys_as_openssl_writes_them(pair: KeyPair, tmp_path: Path, form: PrivateFormat, encrypted: bool) -> None:
    lock = BestAvailableEncryption(PASSWORD.encode()) if encrypted else NoEncryption()
    key = pair.key.private_bytes(Encoding.PEM, form, lock).decode()
    path = written(tmp_path, f"Bag Attributes\r\n  localKeyID: 01\r\n{key}\r\n{pair.certificate.pem}")
    assert load_key_pair(path, SECRET if encrypted else None).certificate == pair.certificate


def test_the_certificate_of_the_key_is_found_in_a_chain(pair: KeyPair, other_pair: KeyPair, tmp_path: Path) -> None:
    chain = other_pair.certificate.pem + pem_key(pair.key) + pair.certificate.pem
    path = written(tmp_path, chain)
    assert load_key_pair(path).certificate == pair.certificate
    assert load_certificate(path) == pair.certificate


def test_the_certificate_of_the_key_is_found_in_a_pfx_with_others(
    pair: KeyPair, other_pair: KeyPair, tmp_path: Path
) -> None:
    lock = BestAvailableEncryption(PASSWORD.encode())
    more = [other_pair.certificate.x509]
    content = pkcs12.serialize_key_and_certificates(b"app", pair.key, pair.certificate.x509, more, lock)
    assert load_key_pair(written(tmp_path, content), SECRET).certificate == pair.certificate


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_a_public_certificate(pair: KeyPair, tmp_path: Path, encoding: Encoding) -> None:
    path = written(tmp_path, pair.certificate.x509.public_bytes(encoding))
    path.chmod(0o644)
    assert load_certificate(path) == pair.certificate
    with pytest.raises(CertificateError):
        load_key_pair(path)


@pytest.mark.parametrize("locked", ["pfx", "pem"])
@pytest.mark.parametrize(("password", "said"), [(None, "none was given"), ("wrong-horse", "does not open")])
def test_locked(pair: KeyPair, tmp_path: Path, locked: str, password: str | None, said: str) -> None:
    content = to_pfx(pair, "app", SECRET) if locked == "pfx" else to_pem(pair, SECRET)
    with pytest.raises(CertificateError, match=said) as caught:
        load_key_pair(written(tmp_path, content), Secret(password) if password else None)
    assert "assword" in caught.value.hint
    assert caught.value.__context__ is None
    assert "wrong-horse" not in str(caught.value) + caught.value.hint


def test_not_a_pair(pair: KeyPair, other_pair: KeyPair, tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="does not belong"):
        load_key_pair(written(tmp_path, pem_key(pair.key) + other_pair.certificate.pem))


def test_a_key_without_certificate(pair: KeyPair, tmp_path: Path) -> None:
    path = written(tmp_path, pem_key(pair.key))
    with pytest.raises(CertificateError, match="no certificate"):
        load_key_pair(path)
    with pytest.raises(CertificateError):
        load_certificate(path)


def test_a_certificate_without_key(pair: KeyPair, tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="no private key"):
        load_key_pair(written(tmp_path, pair.certificate.pem))
    lock = BestAvailableEncryption(PASSWORD.encode())
    only = pkcs12.serialize_key_and_certificates(b"app", None, pair.certificate.x509, None, lock)
    with pytest.raises(CertificateError, match="no private key"):
        load_key_pair(written(tmp_path, only), SECRET)


def signed_by(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    name = x509.Name.from_rfc4514_string("CN=odd")
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1)
    )
    return pem_key(key) + builder.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()


def test_an_elliptic_key(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="not an RSA key"):
        load_key_pair(written(tmp_path, signed_by(ec.generate_private_key(ec.SECP256R1()))))


def test_a_short_key(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="1024 bits"):
        load_key_pair(written(tmp_path, signed_by(rsa.generate_private_key(public_exponent=65537, key_size=1024))))


def test_missing_empty_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="No such file"):
        load_key_pair(tmp_path / "missing.pfx")
    with pytest.raises(CertificateError, match="cannot read"):
        load_key_pair(tmp_path)
    with pytest.raises(CertificateError, match="neither a PFX nor a PEM"):
        load_key_pair(written(tmp_path, b""))


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
@pytest.mark.parametrize(("mode", "warned"), [(0o600, 0), (0o400, 0), (0o640, 1), (0o604, 1), (0o644, 1)])
def test_a_file_that_others_may_read_is_warned_about(pem: Path, mode: int, warned: int) -> None:
    pem.chmod(mode)
    warnings = load_key_pair(pem).warnings
    assert len(warnings) == warned
    assert all("chmod 600" in warning for warning in warnings)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(content=st.binary(max_size=300) | st.binary(max_size=60).map(lambda tail: b"\x30\x82\x02\x01\x03" + tail))
def test_garbage_is_refused_in_our_own_words(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path, content)
    for load in (load_key_pair, load_certificate):
        with pytest.raises(CertificateError):
            load(path, SECRET)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=15)
@given(data=st.data())
def test_a_damaged_pem_gives_its_pair_or_is_refused(pair: KeyPair, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(to_pem(pair, None))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(CertificateError):
        loaded = load_key_pair(written(tmp_path, bytes(content)))
        assert loaded.certificate.x509.public_key() == loaded.key.public_key()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the witness is another implementation")
@pytest.mark.parametrize(("old", "cipher"), [(False, "AES-256-CBC"), (True, "3-KeyTripleDES")])
def test_openssl_opens_the_pfx(pair: KeyPair, tmp_path: Path, old: bool, cipher: str) -> None:
    path = written(tmp_path, to_pfx(pair, "app", SECRET, old=old))
    command = ["openssl", "pkcs12", "-in", str(path), "-info", "-nodes", "-passin", "stdin"]
    opened = subprocess.run(command, input=PASSWORD.encode() + b"\n", capture_output=True, timeout=300, check=True)
    assert cipher in opened.stderr.decode()
    assert load_key_pair(written(tmp_path, opened.stdout)).key.private_numbers() == pair.key.private_numbers()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the witness is another implementation")
def test_a_pfx_made_by_openssl_opens(pem: Path, pair: KeyPair, tmp_path: Path) -> None:
    path = tmp_path / "made.pfx"
    command = ["openssl", "pkcs12", "-export", "-in", str(pem), "-out", str(path), "-passout", "stdin"]
    subprocess.run(command, input=PASSWORD.encode() + b"\n", capture_output=True, timeout=300, check=True)
    assert load_key_pair(path, SECRET).certificate == pair.certificate


def test_a_pair_shows_no_key() -> None:
    pair = new_key_pair("CN=x", key_size=2048)
    assert "key" not in repr(pair)


def base64_of(content: bytes) -> bytes:
    return base64.encodebytes(content)


@pytest.mark.parametrize("wrap", [base64.b64encode, base64.encodebytes, lambda one: base64.b64encode(one).rstrip(b"=")])
def test_a_pfx_in_base64_as_key_vaults_hand_it_out(
    pair: KeyPair, tmp_path: Path, wrap: Callable[[bytes], bytes]
) -> None:
    path = written(tmp_path, wrap(to_pfx(pair, "app", SECRET)))
    assert load_key_pair(path, SECRET) == pair
    assert is_pfx(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_a_pem_as_windows_writes_it(pair: KeyPair, tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, to_pem(pair, None).decode().encode(encoding))
    assert load_key_pair(path) == pair
    assert load_certificate(path) == pair.certificate


def test_a_certificate_in_base64_without_its_frame(pair: KeyPair, tmp_path: Path) -> None:
    assert load_certificate(written(tmp_path, base64_of(pair.certificate.der))) == pair.certificate


def test_a_pfx_in_ber_is_read_without_a_warning(pair: KeyPair, tmp_path: Path) -> None:
    """Its outermost length is left open, as Windows and Java write it; warnings are errors in these tests."""
    content = to_pfx(pair, "app", SECRET)
    body = content[2 + (content[1] & 0x7F) :]
    path = written(tmp_path, b"\x30\x80" + body + b"\0\0")
    assert is_pfx(path)
    assert load_key_pair(path, SECRET) == pair


def test_a_password_for_a_pfx_that_has_none_is_told(pair: KeyPair, tmp_path: Path) -> None:
    content = pkcs12.serialize_key_and_certificates(b"app", pair.key, pair.certificate.x509, None, NoEncryption())
    loaded = load_key_pair(written(tmp_path, content), SECRET)
    assert loaded.certificate == pair.certificate
    assert loaded.warnings == (f"{tmp_path / 'file'} has no password; the one that was given is not used",)
    assert load_key_pair(tmp_path / "file").warnings == ()


def the_forms(pair: KeyPair) -> dict[str, tuple[bytes, str, str]]:
    """What is no key pair: its content, what it is called, and the command or the place that mends it."""
    lock = BestAvailableEncryption(PASSWORD.encode())
    name = x509.Name.from_rfc4514_string("CN=app")
    request = x509.CertificateSigningRequestBuilder(name).sign(pair.key, SHA256())
    bundle = [pair.certificate.x509]
    key = pair.key
    return {
        "cer": (pair.certificate.der, "public certificate", "openssl pkcs12 -export"),
        "pem": (pair.certificate.pem.encode(), "public certificate", "openssl pkcs12 -export"),
        "p7b": (pkcs7.serialize_certificates(bundle, Encoding.DER), "PKCS#7", "openssl pkcs7 -print_certs"),
        "p7b in pem": (pkcs7.serialize_certificates(bundle, Encoding.PEM), "PKCS#7", "openssl pkcs7 -print_certs"),
        "key in pem": (pem_key(key).encode(), "no certificate", "cat app.cer >> app.pem"),
        "pkcs8": (
            key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), "private key in DER", "openssl pkey",
        ),
        "pkcs1": (
            key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
            "private key in DER", "openssl pkey",
        ),
        "locked pkcs8": (
            key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, lock), "private key in DER", "openssl pkey",
        ),
        "request": (request.public_bytes(Encoding.PEM), "certificate request", "Wait for the certificate"),
        "half a pfx": (to_pfx(pair, "app", SECRET)[:900], "does not open", "Check the password"),
        "a word document": (b"PK\x03\x04 and so on", "neither a PFX nor a PEM", "export it again"),
    }  # fmt: skip


FORMS = ["cer", "pem", "p7b", "p7b in pem", "key in pem", "pkcs8", "pkcs1", "locked pkcs8", "request", "half a pfx",
         "a word document"]  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_what_is_no_key_pair_is_called_what_it_is(pair: KeyPair, tmp_path: Path, name: str) -> None:
    content, said, hint = the_forms(pair)[name]
    with pytest.raises(CertificateError, match=said) as caught:
        load_key_pair(written(tmp_path, content), SECRET)
    assert hint in caught.value.hint
    assert "cert new" not in caught.value.hint, "a good key is not made anew"


def test_all_forms_are_tried(pair: KeyPair) -> None:
    assert list(the_forms(pair)) == FORMS


@pytest.mark.parametrize("mark", [b"-----BEGIN CERTIFICATE-----", b"-----BEGIN PRIVATE KEY-----x", b"A -----BEGIN "])
def test_a_hostile_file_takes_no_longer_than_its_size(mark: bytes) -> None:
    """A megabyte of openings is read through once; a pattern that went back would outlast the time-out."""
    assert form_of(mark * (1_000_000 // len(mark))) is Form.UNKNOWN
