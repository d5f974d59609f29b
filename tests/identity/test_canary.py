"""Nothing secret is seen anywhere: not in a log at its most talkative, not in an error, not in a public file.

Each way to sign in is taken through success and every kind of failure, with secrets that are looked for afterwards as
they are and in the usual encodings.
"""

import asyncio
import base64
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bulkmail.config.proxy import Proxy
from bulkmail.errors import CertificateError, SignInError
from bulkmail.identity.certificate import KeyPair
from bulkmail.identity.cloud import custom
from bulkmail.identity.issue import key_credentials, to_pem
from bulkmail.identity.keyfile import load_key_pair
from bulkmail.identity.refusal import Failure
from bulkmail.identity.secret import Secret
from bulkmail.identity.settings import AppSettings, credential_from
from tests.identity.conftest import PASSWORD
from tests.identity.fakes import CLIENT, TENANT, FakeDirectory, Said, denied, granted, jwt, proxying

SECRET = "c4n4ry~S3cr3t.with&odd=signs+and/more"
ASSERTION = jwt({"sub": "canary of an assertion", "padding": "x" * 60})
TOKEN = jwt({"sub": "canary of a token", "padding": "y" * 60})
FAILURES = (
    denied(401, "invalid_client", 7000215, f"Echo {ASSERTION} {TOKEN}."),
    denied(400, "invalid_request", 90002),
    Said(200, f'{{"access_token": "{TOKEN}"'),
    Said(200, {"access_token": f"{TOKEN}\n"}),
    Said(200, f"<html>{TOKEN}</html>"),
    Said(403, f"<html>{TOKEN}</html>"),
    Said(307, TOKEN, {"Location": "https://127.0.0.2/"}),
)


def private_numbers(pair: KeyPair) -> Iterator[str]:
    """Pieces of the key as text and as its bytes: a dump in any form would hold one of them."""
    pem = pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode().splitlines()
    yield from pem[len(pem) // 2 : -2]
    numbers = pair.key.private_numbers()
    for number in (numbers.d, numbers.p, numbers.q):
        yield str(number)
        yield f"{number:x}"


def traces(secret: str) -> Iterator[str]:
    """A text as it is, and in the encodings that it may travel in."""
    raw = secret.encode()
    yield from (secret, quote(secret), quote_plus(secret), raw.hex(), repr(raw)[2:-1])
    for encoded in (base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
        yield encoded.decode().rstrip("=")


def all_traces(pair: KeyPair) -> set[str]:
    found = {trace for secret in (PASSWORD, SECRET, ASSERTION, TOKEN) for trace in traces(secret)}
    signature_parts = {part for jwt_ in (ASSERTION, TOKEN) for part in jwt_.split(".")[1:2]}
    return found | signature_parts | set(private_numbers(pair))


def story(error: BaseException | None) -> str:
    """Everything that a crash report would hold of an error and of those that it is chained to."""
    if error is None:
        return ""
    own = "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))
    return own + story(error.__cause__) + story(error.__context__)


def attempt(settings: AppSettings, proxy: str = "") -> str:
    """What one attempt would tell: the story of its error, or nothing where there was a token."""
    through = Proxy(proxy, "a proxy") if proxy else None
    answer = credential_from(settings, lambda _url: through)._ask("")
    return story(answer.error) if isinstance(answer, Failure) else ""


@pytest.fixture
def ways(directory: FakeDirectory, ca_file: Path, pair: KeyPair, tmp_path: Path) -> list[AppSettings]:
    cloud = custom(directory.origin, "http://127.0.0.1:1")
    assertion = tmp_path / "assertion"
    assertion.write_text(ASSERTION)
    locked = tmp_path / "app.pem"
    locked.write_bytes(to_pem(pair, Secret(PASSWORD)))
    return [
        AppSettings(TENANT, CLIENT, cloud, locked, Secret(PASSWORD), ca_file=ca_file),
        AppSettings(TENANT, CLIENT, cloud, client_secret=Secret(SECRET), ca_file=ca_file),
        AppSettings(TENANT, CLIENT, cloud, assertion_file=assertion, ca_file=ca_file),
    ]


WAYS = pytest.mark.parametrize("way", range(3), ids=["certificate", "secret", "assertion"])


@WAYS
@pytest.mark.parametrize("said", [granted(TOKEN), *FAILURES], ids=range(1 + len(FAILURES)))
def test_no_secret_is_seen_in_an_attempt(
    ways: list[AppSettings], directory: FakeDirectory, pair: KeyPair, caplog: pytest.LogCaptureFixture,
    way: int, said: Said,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    directory.answers.append(said)
    told = attempt(ways[way])
    sent = directory.forms[0].get("client_assertion", SECRET)
    hidden = {*all_traces(pair), sent, sent.rpartition(".")[2]}
    assert not [trace for trace in hidden if trace in told + caplog.text + repr(ways[way])]
    assert bool(told) == (said in FAILURES)
    assert caplog.records


@WAYS
def test_no_secret_is_seen_when_a_run_ends_by_it(
    ways: list[AppSettings], directory: FakeDirectory, pair: KeyPair, caplog: pytest.LogCaptureFixture, way: int
) -> None:
    caplog.set_level(logging.DEBUG)
    directory.answers.append(FAILURES[0])
    with pytest.raises(SignInError) as caught:
        asyncio.run(credential_from(ways[way]).token(), debug=True)
    assert "AADSTS7000215" in story(caught.value)
    assert not [trace for trace in all_traces(pair) if trace in story(caught.value) + caplog.text]


@WAYS
def test_no_secret_is_seen_when_a_proxy_refuses(
    ways: list[AppSettings], pair: KeyPair, caplog: pytest.LogCaptureFixture, way: int
) -> None:
    caplog.set_level(logging.DEBUG)
    with proxying("ann:right") as (address, _):
        told = attempt(ways[way], f"http://ann:pr0xy-c4n4ry@{address}")
    assert "407" in told
    assert not [trace for trace in {*all_traces(pair), *traces("pr0xy-c4n4ry")} if trace in told + caplog.text]


def test_no_password_is_seen_when_it_is_wrong(pfx: Path, pair: KeyPair, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(CertificateError) as caught:
        load_key_pair(pfx, Secret(SECRET))
    assert not [trace for trace in all_traces(pair) if trace in story(caught.value) + caplog.text]


def test_nothing_private_is_in_what_is_published(pair: KeyPair) -> None:
    published = pair.certificate.pem + str(key_credentials([pair.certificate])) + pair.certificate.der.hex()
    assert "PRIVATE" not in published
    assert not [trace for trace in private_numbers(pair) if trace in published]


def test_the_search_finds_what_is_there(pair: KeyPair) -> None:
    """A search that finds nothing ever would be no test."""
    leaked = pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert [trace for trace in all_traces(pair) if trace in leaked]
    assert all(any(trace in quote(text) for trace in all_traces(pair)) for text in (SECRET, ASSERTION, TOKEN))
