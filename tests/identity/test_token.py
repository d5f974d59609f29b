"""A key in a PKCS#11 token signs in and signs runs like one of a file.

The token is SoftHSM's, of the distribution's packages; without it, or without python-pkcs11, the tests are skipped,
unless BULKMAIL_SOFTHSM says that they are required.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bulkmail.errors import CertificateError, ConfigError
from bulkmail.identity.certificate import KeyPair
from bulkmail.identity.cloud import custom
from bulkmail.identity.jws import signer
from bulkmail.identity.secret import Secret
from bulkmail.identity.settings import AppSettings, credential_from
from bulkmail.identity.token import key_in_token
from tests.identity.fakes import CLIENT, TENANT, FakeDirectory, verified

PIN = "pin-4711-7"
MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
MODULE = next((one for one in MODULES if Path(one).exists()), "")
THERE = bool(MODULE and shutil.which("softhsm2-util") and find_spec("pkcs11"))
URI = f"pkcs11:token=bulk%20mail;object=app?module-path={MODULE or MODULES[0]}"


@pytest.fixture(scope="module")
def token(pair: KeyPair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a key in a token; the module reads its configuration once, when it is loaded."""
    if not THERE:
        pytest.fail("softhsm2 or python-pkcs11 is missing") if os.environ.get("BULKMAIL_SOFTHSM") else pytest.skip(
            "none"
        )
    folder = tmp_path_factory.mktemp("token")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\n")
    key = folder / "key.pem"
    key.write_bytes(pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
        for words in (
            ["--init-token", "--free", "--label", "bulk mail", "--so-pin", "12345678", "--pin", PIN],
            ["--import", str(key), "--token", "bulk mail", "--label", "app", "--id", "01", "--pin", PIN],
        ):
            subprocess.run(["softhsm2-util", *words], check=True, capture_output=True)
        key.unlink()
        yield URI


@pytest.fixture
def app(directory: FakeDirectory, ca_file: Path, pair: KeyPair, token: str, tmp_path: Path) -> AppSettings:
    certificate = tmp_path / "app.cer"
    certificate.write_text(pair.certificate.pem)
    cloud = custom(directory.origin, "http://127.0.0.1:1")
    return AppSettings(TENANT, CLIENT, cloud, certificate, Secret(PIN), ca_file=ca_file, key=token)


def test_it_signs_in_and_signs_runs(app: AppSettings, directory: FakeDirectory, pair: KeyPair) -> None:
    credential = credential_from(app)
    assert asyncio.run(credential.token()) == "token-1"
    header, claims = verified(directory.forms[0]["client_assertion"], pair.certificate)
    assert (header["alg"], header["x5t#S256"].rstrip("=")) == ("PS256", pair.certificate.x5t_s256)
    assert claims["sub"] == CLIENT
    assert credential.certificate == pair.certificate
    assert credential.sign is not None
    assert signer(credential.sign(b"run.json"), b"run.json") == pair.certificate


def test_it_signs_as_for_old_set_ups(app: AppSettings, directory: FakeDirectory, pair: KeyPair) -> None:
    assert asyncio.run(credential_from(replace(app, rs256=True)).token()) == "token-1"
    key, public = key_in_token(pair.certificate, URI, Secret(PIN)).key, pair.certificate.x509.public_key()
    assert isinstance(public, RSAPublicKey)
    public.verify(key.sign(b"x", PKCS1v15(), SHA256()), b"x", PKCS1v15(), SHA256())
    assert key.key_size == 2048
    assert key.public_key() == public
    with pytest.raises(TypeError, match="SHA-256 only"):
        key.sign(b"x", PKCS1v15(), SHA512())


def test_a_module_without_pss_signs_as_for_old_set_ups(pair: KeyPair, tmp_path: Path) -> None:
    """In a process of its own, which finds a python-pkcs11 there that knows no other mechanism."""
    (tmp_path / "pkcs11.py").write_text(OLD_MODULE)
    (tmp_path / "key.pem").write_bytes(pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "app.cer").write_text(pair.certificate.pem)
    for rs256, said in ((True, "it signs"), (False, "MechanismInvalid")):
        words = [sys.executable, "-c", TRIES, str(tmp_path), str(int(rs256))]
        assert said in subprocess.run(words, capture_output=True, text=True, check=True).stdout


TRIES = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from bulkmail.errors import CertificateError
from bulkmail.identity.keyfile import load_certificate
from bulkmail.identity.token import key_in_token
folder, rs256 = Path(sys.argv[1]), sys.argv[2] == "1"
try:
    key_in_token(
        load_certificate(folder / "app.cer"), f"pkcs11:token=t;object=o?module-path={folder}", None, rs256=rs256
    )
    print("it signs")
except CertificateError as error:
    print(error)
"""
OLD_MODULE = """
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
Mechanism = Enum("Mechanism", "SHA256 SHA256_RSA_PKCS SHA256_RSA_PKCS_PSS")
MGF = Enum("MGF", "SHA256")
ObjectClass = Enum("ObjectClass", "PRIVATE_KEY")
class PKCS11Error(Exception): ...
class MechanismInvalid(PKCS11Error): ...
class lib:
    def __init__(self, path):
        self.key = load_pem_private_key((Path(path) / "key.pem").read_bytes(), None)
    def get_token(self, token_label):
        return self
    @contextmanager
    def open(self, user_pin):
        yield self
    def get_key(self, object_class, label):
        return self
    def sign(self, data, mechanism, mechanism_param=None):
        if mechanism is not Mechanism.SHA256_RSA_PKCS:
            raise MechanismInvalid
        return self.key.sign(data, PKCS1v15(), SHA256())
"""


def test_the_key_does_not_leave_its_token(pair: KeyPair, token: str) -> None:
    key = key_in_token(pair.certificate, token, Secret(PIN)).key
    for take in (
        key.private_numbers,
        lambda: key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        lambda: key.decrypt(b"", PKCS1v15()),
    ):
        with pytest.raises(NotImplementedError, match="only signs"):
            take()
    assert "app" in repr(key)
    assert PIN not in repr(key)


@pytest.mark.parametrize(
    ("uri", "pin", "said"),
    [
        (URI, "wrong-pin-9", "PinIncorrect"),
        (URI, "", "does not sign"),
        (URI.replace("object=app", "object=other"), PIN, "NoSuchKey"),
        (URI.replace("bulk%20mail", "another"), PIN, "NoSuchToken"),
    ],
)
def test_what_a_token_refuses_is_told_without_the_pin(pair: KeyPair, token: str, uri: str, pin: str, said: str) -> None:
    with pytest.raises(CertificateError, match=said) as refused:
        key_in_token(pair.certificate, uri, Secret(pin) if pin else None)
    assert not pin or pin not in f"{refused.value} {refused.value.hint}"


def test_a_module_that_is_not_there_is_told(pair: KeyPair, token: str) -> None:
    with pytest.raises(CertificateError, match="does not sign"):
        key_in_token(pair.certificate, URI.replace(MODULE, "/nowhere/module.so"), Secret(PIN))


def test_a_key_of_another_certificate_is_refused(other_pair: KeyPair, token: str) -> None:
    with pytest.raises(CertificateError, match="does not belong"):
        key_in_token(other_pair.certificate, token, Secret(PIN))


@pytest.mark.parametrize("uri", ["app.pfx", "pkcs11:token=x;object=y", "pkcs11:object=y?module-path=/m.so"])
def test_what_does_not_name_a_key_is_refused_before_anything_is_loaded(pair: KeyPair, uri: str) -> None:
    with pytest.raises(ConfigError, match="does not name a token, an object and a module"):
        key_in_token(pair.certificate, uri, None)


@pytest.mark.parametrize("uri", [f"{URI}&pin-value={PIN}", f"pkcs11:token=x?pin-value={PIN}", f"{URI}&pin-source=pin"])
def test_a_pin_in_the_name_of_a_key_is_refused_and_not_shown(pair: KeyPair, uri: str) -> None:
    with pytest.raises(ConfigError, match="has a PIN in it") as refused:
        key_in_token(pair.certificate, uri, Secret(PIN))
    assert PIN not in f"{refused.value} {refused.value.hint}"


def test_only_whole_names_count(pair: KeyPair) -> None:
    with pytest.raises(ConfigError, match="does not name a token, an object and a module"):
        key_in_token(pair.certificate, URI.replace("object=", "x-object="), None)
