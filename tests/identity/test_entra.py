"""One attempt at a time, with MSAL, over real TLS: what is sent, what is believed, and what an attempt may not do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256

from bulkmail.config.proxy import Proxy
from bulkmail.errors import ConfigError
from bulkmail.identity.certificate import KeyPair
from bulkmail.identity.channel import LONGEST, UNSTATED
from bulkmail.identity.cloud import CLOUDS, custom
from bulkmail.identity.entra import Directory, Grant, tls_context
from bulkmail.identity.issue import to_pem
from bulkmail.identity.proof import ByAssertion, ByCertificate, BySecret, Proof
from bulkmail.identity.refusal import Failure
from bulkmail.identity.secret import Secret
from tests.identity.conftest import PASSWORD
from tests.identity.fakes import (
    CLIENT,
    TENANT,
    FakeDirectory,
    Said,
    denied,
    granted,
    proxying,
    serving,
    unbase64,
    verified,
)

GRAPH = "https://127.0.0.1:1"
Asking = Callable[..., Directory]


@pytest.fixture
def asking(directory: FakeDirectory, ca_file: Path, by_certificate: ByCertificate) -> Asking:
    def make(
        proof: Proof | None = None, ca: str = str(ca_file), login: str = directory.origin, proxy: str = ""
    ) -> Directory:
        cloud, through = custom(login, GRAPH), Proxy(proxy, "a proxy") if proxy else None
        return Directory(cloud, TENANT, CLIENT, proof or by_certificate, tls_context(ca), lambda _url: through)

    return make


def failed(answer: Grant | Failure) -> Failure:
    assert isinstance(answer, Failure)
    return answer


def test_the_assertion_is_signed_by_the_certificate(
    directory: FakeDirectory, asking: Asking, pair: KeyPair, pfx: Path
) -> None:
    assert asking(ByCertificate(pfx, Secret(PASSWORD))).ask() == Grant("token-1", 3599)
    form = directory.forms[0]
    header, claims = verified(form["client_assertion"], pair.certificate)
    assert header["alg"] == "PS256"
    assert unbase64(header["x5t#S256"].rstrip("=")) == pair.certificate.x509.fingerprint(SHA256())
    assert claims["iss"] == claims["sub"] == CLIENT
    assert claims["aud"] == f"{directory.origin}/{TENANT}/oauth2/v2.0/token"
    assert form["scope"] == f"{GRAPH}/.default"
    assert json.loads(form["claims"]) == {"access_token": {"xms_cc": {"values": ["CP1"]}}}


def test_old_set_ups_get_the_assertion_as_it_was_before(
    directory: FakeDirectory, asking: Asking, pair: KeyPair, pfx: Path
) -> None:
    asking(ByCertificate(pfx, Secret(PASSWORD), rs256=True)).ask()
    header = json.loads(unbase64(directory.forms[0]["client_assertion"].split(".")[0]))
    assert header["alg"] == "RS256"
    assert unbase64(header["x5t"].rstrip("=")).hex().upper() == pair.certificate.sha1
    assert "x5t#S256" not in header


def test_a_claims_challenge_is_merged(directory: FakeDirectory, asking: Asking) -> None:
    asking().ask('{"access_token":{"nbf":{"essential":true,"value":"1701724804"}}}')
    wanted = json.loads(directory.forms[0]["claims"])["access_token"]
    assert wanted == {"nbf": {"essential": True, "value": "1701724804"}, "xms_cc": {"values": ["CP1"]}}


def test_every_attempt_leaves_the_process(directory: FakeDirectory, asking: Asking) -> None:
    """MSAL would repeat each of these from its memory."""
    said = [denied(400, "invalid_request", 90002), denied(429, "x", 90055, Retry_After="60"), Said(503, "down")]
    directory.answers.extend(said)
    asked = asking()
    answers = [asked.ask() for _ in range(5)]
    assert [isinstance(answer, Grant) for answer in answers] == [False, False, False, True, True]
    assert [answer.token for answer in answers if isinstance(answer, Grant)] == ["token-4", "token-5"]
    assert len(directory.forms) == 5


def test_a_refusal_is_told_with_its_code_and_what_to_do(
    directory: FakeDirectory, asking: Asking, pair: KeyPair
) -> None:
    directory.answers.append(denied(401, "invalid_client", 700027, "The certificate is not registered. [Reason - no]"))
    failure = failed(asking().ask())
    assert failure.error.code == "AADSTS700027"
    assert str(failure.error).endswith("AADSTS700027: The certificate is not registered.")
    assert pair.certificate.sha1 in failure.error.hint
    assert not failure.transient


def test_a_throttled_tenant_is_transient_and_says_how_long(directory: FakeDirectory, asking: Asking) -> None:
    directory.answers.append(denied(429, "temporarily_unavailable", 90055, Retry_After="2.5"))
    failure = failed(asking().ask())
    assert (failure.transient, failure.after) == (True, 2.5)


def test_discovery_tells_of_an_unknown_tenant(directory: FakeDirectory, asking: Asking) -> None:
    directory.unknown = denied(400, "invalid_tenant", 90002, f"Tenant '{TENANT}' not found. Check.")
    failure = failed(asking().ask())
    assert failure.error.code == "AADSTS90002"
    assert TENANT in failure.error.hint


@pytest.mark.parametrize(
    ("claimed", "seconds"),
    [
        (3599, 3599), ("3599", 3599), (3, 3), (10**12, LONGEST), (1e308, LONGEST), (0, UNSTATED), (-5, UNSTATED),
        (None, UNSTATED), ("soon", UNSTATED), ([], UNSTATED), (float("nan"), UNSTATED), (float("inf"), LONGEST),
    ],
)  # fmt: skip
def test_any_life_is_survived(directory: FakeDirectory, asking: Asking, claimed: Any, seconds: int) -> None:
    directory.answers.append(granted("odd", claimed))
    assert asking().ask() == Grant("odd", seconds)


@pytest.mark.parametrize(
    "said",
    [
        Said(200, "<html>Sign in to the guest network</html>"),
        Said(200, "[]"),
        Said(200, {"token_type": "Bearer"}),
        Said(200, {"access_token": 7}),
        Said(200, {"access_token": "two\r\nlines"}),
        Said(200, {"access_token": ""}),
        Said(302, "", {"Location": "/elsewhere"}),
        Said(307, "", {"Location": "/elsewhere"}),
        Said(400, "not json"),
        Said(400, {"error_description": 5, "error_codes": "x"}),
        Said(401, [[[]]]),
    ],
)  # fmt: skip
def test_anything_but_a_token_is_a_failure(directory: FakeDirectory, asking: Asking, said: Said) -> None:
    directory.answers.append(said)
    assert isinstance(asking().ask(), Failure)
    assert len(directory.forms) == 1


@pytest.mark.parametrize("said", [Said(200, "<html>Sign in to the guest network</html>"), Said(200, "[]")])
def test_something_in_between_is_told_apart_from_a_refusal(
    directory: FakeDirectory, asking: Asking, said: Said
) -> None:
    directory.answers.append(said)
    failure = failed(asking().ask())
    assert "not as a directory does" in str(failure.error)
    assert failure.transient


@pytest.mark.parametrize(
    "endpoint", ["https://127.0.0.2:{port}/", "http://127.0.0.1:{port}/", "https://127.0.0.1:{other}/"]
)
def test_the_proof_goes_to_no_other_host(
    directory: FakeDirectory, asking: Asking, authority: tuple[Path, Path], endpoint: str
) -> None:
    with serving(authority[1]) as foreign:
        ports = {"port": directory.origin.rpartition(":")[2], "other": foreign.origin.rpartition(":")[2]}
        directory.discovery = {"token_endpoint": endpoint.format(**ports) + f"{TENANT}/token"}
        failure = failed(asking().ask())
        assert (directory.forms, foreign.forms) == ([], [])
    told = str(failure.error) + failure.error.hint
    assert "another host" in told or endpoint.startswith("http:")


@pytest.mark.parametrize("endpoint", ["https://[", "", 7])
def test_an_odd_discovery_document(directory: FakeDirectory, asking: Asking, endpoint: Any) -> None:
    directory.discovery = {"token_endpoint": endpoint}
    assert isinstance(asking().ask(), Failure)
    assert directory.forms == []


def test_a_client_secret(directory: FakeDirectory, asking: Asking) -> None:
    assert isinstance(asking(BySecret(Secret("s3cr3t&="))).ask(), Grant)
    assert directory.forms[0]["client_secret"] == "s3cr3t&="


def test_an_assertion_file_is_read_each_time(directory: FakeDirectory, asking: Asking, tmp_path: Path) -> None:
    file = tmp_path / "assertion"
    file.write_text("one.two.three\n")
    asked = asking(ByAssertion(file))
    asked.ask()
    file.write_text("four.five.six\n")
    asked.ask()
    file.unlink()
    assert "cannot read" in str(failed(asked.ask()).error)
    assert [form["client_assertion"] for form in directory.forms] == ["one.two.three", "four.five.six"]


def test_a_renewed_certificate_is_used_and_half_a_file_is_not(
    directory: FakeDirectory, asking: Asking, pem: Path, other_pair: KeyPair
) -> None:
    asked = asking(ByCertificate(pem))
    pem.write_bytes(pem.read_bytes()[:100])
    assert isinstance(asked.ask(), Grant)
    pem.write_bytes(to_pem(other_pair, None))
    asked.ask()
    verified(directory.forms[1]["client_assertion"], other_pair.certificate)


def test_the_ca_file_wins_over_bundles_of_the_environment(
    directory: FakeDirectory, asking: Asking, tmp_path: Path, pair: KeyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = tmp_path / "foreign.pem"
    foreign.write_text(pair.certificate.pem)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(foreign))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(foreign))
    assert isinstance(asking().ask(), Grant)


def test_a_bundle_of_the_environment_adds_no_trust(
    directory: FakeDirectory, asking: Asking, ca_file: Path, tmp_path: Path, pair: KeyPair,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    foreign = tmp_path / "foreign.pem"
    foreign.write_text(pair.certificate.pem)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca_file))
    failure = failed(asking(ca=str(foreign)).ask())
    assert "not trusted" in str(failure.error)
    assert "ca_file" in failure.error.hint
    assert not failure.transient
    assert directory.forms == []


def test_an_unusable_ca_file(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    for path in (empty, tmp_path / "missing.pem"):
        with pytest.raises(ConfigError, match="ca_file"):
            tls_context(str(path))


def test_the_proxy_of_the_rule_is_used(directory: FakeDirectory, asking: Asking) -> None:
    with proxying("ann:pass%word") as (address, asked):
        assert isinstance(asking(proxy=f"http://ann:pass%25word@{address}").ask(), Grant)
        assert asked
        assert set(asked) == {directory.origin.partition("://")[2]}
        before = len(asked)
        assert isinstance(asking().ask(), Grant)
        assert len(asked) == before


def test_this_machine_is_reached_without_the_proxy_of_the_environment(
    directory: FakeDirectory, ca_file: Path, by_certificate: ByCertificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    own = Directory(custom(directory.origin, GRAPH), TENANT, CLIENT, by_certificate, tls_context(str(ca_file)))
    assert isinstance(own.ask(), Grant)


def test_a_proxy_that_cannot_be_used_is_told(
    ca_file: Path, by_certificate: ByCertificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1")
    own = Directory(CLOUDS["global"], TENANT, CLIENT, by_certificate, tls_context(str(ca_file)))
    failure = failed(own.ask())
    assert "HTTPS_PROXY names a socks5 proxy" in str(failure.error)
    assert not failure.transient


def test_a_proxy_that_asks_who_is_there(asking: Asking) -> None:
    with proxying("ann:secret") as (address, _):
        failure = failed(asking(proxy=f"http://ann:wrong-pass@{address}").ask())
    assert "407" in str(failure.error)
    assert "wrong-pass" not in str(failure.error) + failure.error.hint
    assert not failure.transient


def test_no_connection_names_the_host(asking: Asking) -> None:
    failure = failed(asking(login="https://127.0.0.1:1").ask())
    assert "127.0.0.1:1" in str(failure.error)
    assert failure.transient


def test_neither_region_nor_netrc_of_the_environment_counts(
    directory: FakeDirectory, asking: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password canary\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("MSAL_FORCE_REGION", "westus2")
    assert isinstance(asking().ask(), Grant)
    assert all("Authorization" not in headers for headers in directory.headers)


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_each_cloud_has_a_scope_of_its_own_graph(cloud: Any) -> None:
    assert cloud.scope == f"{cloud.graph}/.default"
    assert custom(cloud.login, cloud.graph).scope == cloud.scope
