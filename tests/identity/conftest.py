"""Keys are slow to make, so two serve all tests of this room; proxies and bundles of the environment are taken away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkmail.identity.certificate import KeyPair
from bulkmail.identity.issue import new_key_pair, to_pem, to_pfx
from bulkmail.identity.proof import ByCertificate
from bulkmail.identity.secret import Secret
from tests.identity.fakes import FakeDirectory, make_authority, serving

PASSWORD = "sesam-öffne-dich-Xq7"
VARIABLES = (
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
    "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "MSAL_FORCE_REGION", "NETRC",
)  # fmt: skip


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def pair() -> KeyPair:
    return new_key_pair("CN=bulkmail tests", key_size=2048)


@pytest.fixture(scope="session")
def other_pair() -> KeyPair:
    return new_key_pair("CN=somebody else", key_size=2048)


@pytest.fixture(scope="session")
def pfx_content(pair: KeyPair) -> bytes:
    return to_pfx(pair, "app", Secret(PASSWORD))


@pytest.fixture
def pfx(pfx_content: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "app.pfx"
    path.write_bytes(pfx_content)
    path.chmod(0o600)
    return path


@pytest.fixture(scope="session")
def by_certificate(pair: KeyPair, tmp_path_factory: pytest.TempPathFactory) -> ByCertificate:
    path = tmp_path_factory.mktemp("proof") / "app.pem"
    path.write_bytes(to_pem(pair, None))
    return ByCertificate(path)


@pytest.fixture
def pem(pair: KeyPair, tmp_path: Path) -> Path:
    """Not encrypted: opening a PFX is slow on purpose."""
    path = tmp_path / "app.pem"
    path.write_bytes(to_pem(pair, None))
    path.chmod(0o600)
    return path


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The file of the authority to trust, and that of the server."""
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def ca_file(authority: tuple[Path, Path]) -> Path:
    return authority[0]


@pytest.fixture
def directory(authority: tuple[Path, Path]) -> Iterator[FakeDirectory]:
    with serving(authority[1]) as served:
        yield served
