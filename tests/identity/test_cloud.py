"""The table of clouds, and what is refused as a custom one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.config.proxy import is_loopback
from bulkmail.errors import ConfigError
from bulkmail.identity.cloud import CLOUDS, cloud_named, custom


@pytest.mark.parametrize(
    ("name", "login", "graph"),
    [
        ("global", "https://login.microsoftonline.com", "https://graph.microsoft.com"),
        ("usgov", "https://login.microsoftonline.us", "https://graph.microsoft.us"),
        ("usgov-dod", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
        ("china", "https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn"),
    ],
)
def test_each_cloud(name: str, login: str, graph: str) -> None:
    found = cloud_named(name)
    assert (found.login, found.graph, found.scope) == (login, graph, f"{graph}/.default")


def test_there_are_no_others() -> None:
    assert list(CLOUDS) == ["global", "usgov", "usgov-dod", "china"]


@pytest.mark.parametrize(("wrong", "near"), [("usgv", "usgov"), ("Global", "global"), ("usgov_dod", "usgov-dod")])
def test_an_unknown_name_is_refused_with_the_nearest(wrong: str, near: str) -> None:
    with pytest.raises(ConfigError) as caught:
        cloud_named(wrong)
    assert f"Did you mean {near!r}?" in caught.value.hint


def test_an_unknown_name_like_none_lists_them() -> None:
    with pytest.raises(ConfigError) as caught:
        cloud_named("zzzzzz")
    assert "Did you mean" not in caught.value.hint
    assert "usgov-dod" in caught.value.hint


@pytest.mark.parametrize(
    "graph", ["http://127.0.0.1:8080/", "http://localhost:8080", "http://[::1]:8080", "http://127.9.9.9"]
)
def test_plain_http_to_this_machine(graph: str) -> None:
    made = custom("https://127.0.0.1:8443/", graph)
    assert made.login == "https://127.0.0.1:8443"
    assert made.graph == graph.rstrip("/")
    assert made.scope == f"{made.graph}/.default"


@pytest.mark.parametrize(
    "graph",
    [
        "http://graph.microsoft.com", "http://127.0.0.1.example.com", "http://localhost.example.com", "http://10.0.0.1",
        "http://0.0.0.0", "ftp://127.0.0.1", "127.0.0.1:8080", "", "https://", "https://user@host", "https://host/path",
        "https://host?x=1", "https://host#x", "https://host:port", "https://[::1", "http://127.0.0.1@evil.example",
    ],
)  # fmt: skip
def test_other_addresses_of_graph_are_refused(graph: str) -> None:
    with pytest.raises(ConfigError, match="graph"):
        custom("https://login.example.com", graph)


@pytest.mark.parametrize(
    "login", ["http://127.0.0.1:8443", "http://login.example.com", "https://login.example.com/tenant"]
)
def test_signing_in_is_always_over_tls(login: str) -> None:
    with pytest.raises(ConfigError, match="login"):
        custom(login, "https://graph.example.com")


@given(st.text(max_size=40))
def test_only_plain_origins_get_through(text: str) -> None:
    try:
        made = custom("https://login.example.com", text)
    except ConfigError:
        return
    scheme, _, host = made.graph.partition("://")
    assert scheme == "https" or is_loopback(host.rpartition(":")[0].strip("[]") or host)


@pytest.mark.parametrize(
    ("cloud", "scheme", "host", "port", "listed"),
    [
        ("global", "https", "outlook.office.com", 443, True),
        ("global", "https", "outlook.office365.com", 443, True),
        ("global", "https", "reports.office.com", 443, True),
        ("global", "https", "reportsncu.office.com", 443, True),
        ("usgov", "https", "outlook.office365.us", 443, True),
        ("usgov-dod", "https", "outlook-dod.office365.us", 443, True),
        ("china", "https", "partner.outlook.cn", 443, True),
        ("global", "http", "outlook.office.com", 443, False),
        ("global", "https", "outlook.office.com", 8443, False),
        ("global", "https", "evil.outlook.office.com", 443, False),
        ("global", "https", "outlook.office.com.evil.example", 443, False),
        ("global", "https", "graph.microsoft.com", 443, False),
        ("global", "https", "outlook.office365.us", 443, False),
        ("usgov", "https", "outlook.office.com", 443, False),
    ],
)
def test_pre_signed_addresses_are_on_hosts_of_their_cloud(
    cloud: str, scheme: str, host: str, port: int, *, listed: bool
) -> None:
    assert cloud_named(cloud).lists(scheme, host, port) is listed


def test_those_of_a_custom_cloud_are_on_the_host_of_graph() -> None:
    rehearsal = custom("https://127.0.0.1:8443", "https://127.0.0.1:8444")
    assert rehearsal.lists("https", "127.0.0.1", 8445)
    assert not rehearsal.lists("http", "127.0.0.1", 8445)
    assert not rehearsal.lists("https", "outlook.office.com", 443)
    assert custom("https://[::1]:1", "http://[::1]:2").lists("http", "::1", 3)
