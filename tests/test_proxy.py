"""One rule for proxies: every form of the variables, and what is reached directly."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.config.proxy import proxy_for
from bulkmail.errors import ConfigError

GRAPH = "https://graph.microsoft.com/v1.0"


@pytest.mark.parametrize(
    ("environment", "url", "address"),
    [
        ({}, GRAPH, ""),
        ({"HTTPS_PROXY": "http://proxy.contoso.com:8080"}, GRAPH, "http://proxy.contoso.com:8080"),
        ({"HTTPS_PROXY": "proxy.contoso.com:8080"}, GRAPH, "http://proxy.contoso.com:8080"),
        ({"https_proxy": "proxy:1", "HTTPS_PROXY": "other:2"}, GRAPH, "http://proxy:1"),
        ({"ALL_PROXY": "proxy:1"}, GRAPH, "http://proxy:1"),
        ({"ALL_PROXY": "proxy:1", "HTTPS_PROXY": "other:2"}, GRAPH, "http://other:2"),
        ({"HTTP_PROXY": "proxy:1"}, GRAPH, ""),
        ({"HTTP_PROXY": "proxy:1"}, "http://gateway.contoso.com/v1.0", "http://proxy:1"),
        ({"HTTPS_PROXY": "http://ada:pass%40word@proxy:8080"}, GRAPH, "http://ada:pass%40word@proxy:8080"),
        ({"HTTPS_PROXY": "https://proxy:8443/"}, GRAPH, "https://proxy:8443"),
        ({"HTTPS_PROXY": "[fd00::1]:8080"}, GRAPH, "http://[fd00::1]:8080"),
        ({"HTTPS_PROXY": "  "}, GRAPH, ""),
    ],
)
def test_the_variable_that_decides(environment: Mapping[str, str], url: str, address: str) -> None:
    found = proxy_for(url, environment)
    assert (found.address if found else "") == address


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:8443", "https://localhost:8443", "http://[::1]:80", "https://127.9.9.9"]
)
def test_this_machine_is_reached_directly(url: str) -> None:
    assert proxy_for(url, {"HTTPS_PROXY": "proxy:1", "ALL_PROXY": "proxy:1", "HTTP_PROXY": "socks5://x"}) is None


@pytest.mark.parametrize(
    ("listed", "url", "direct"),
    [
        ("*", GRAPH, True),
        ("graph.microsoft.com", GRAPH, True),
        (".microsoft.com", GRAPH, True),
        ("microsoft.com", GRAPH, True),
        ("*.microsoft.com", GRAPH, True),
        ("MICROSOFT.com", GRAPH, True),
        ("crosoft.com", GRAPH, False),
        ("graph.microsoft.com:443", GRAPH, True),
        ("graph.microsoft.com:8443", GRAPH, False),
        ("one.contoso.com, two.contoso.com,.microsoft.com", GRAPH, True),
        ("one.contoso.com two.contoso.com", GRAPH, False),
        ("10.0.0.0/8", "https://10.1.2.3/v1.0", True),
        ("10.0.0.0/8", "https://11.1.2.3/v1.0", False),
        ("10.1.2.3", "https://10.1.2.3/v1.0", True),
        ("fd00::/8", "https://[fd00::5]/v1.0", True),
        ("[fd00::5]:443", "https://[fd00::5]/v1.0", True),
        ("fd00::5", "https://[fd00::5]/v1.0", True),
        ("10.0.0.0/99", "https://10.1.2.3/v1.0", False),
        (".", GRAPH, False),
        ("", GRAPH, False),
    ],
)
def test_what_no_proxy_excepts(listed: str, url: str, direct: bool) -> None:
    assert (proxy_for(url, {"ALL_PROXY": "proxy:1", "NO_PROXY": listed}) is None) is direct


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("socks5://proxy:1080", "HTTPS_PROXY names a socks5 proxy"),
        ("ftp://proxy", "HTTPS_PROXY names a ftp proxy"),
        ("http://proxy:many", "HTTPS_PROXY is not the address of a proxy"),
        ("http://", "HTTPS_PROXY is not the address of a proxy"),
        ("http://ada:12/34@proxy:8080", "HTTPS_PROXY is not the address of a proxy"),  # %2F was meant
        ("http://[::1", "HTTPS_PROXY is not the address of a proxy"),
    ],
)
def test_what_cannot_be_used_names_its_variable(value: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        proxy_for(GRAPH, {"HTTPS_PROXY": value})


@given(st.text("abc:@./%[]", max_size=30))
def test_a_password_is_never_shown(value: str) -> None:
    told = ""
    try:
        found = proxy_for(GRAPH, {"HTTPS_PROXY": f"http://ada:c4n4ry@{value}"})
        told = f"{found!r} {found and found.shown}"
    except ConfigError as error:
        told = f"{error} {error.hint}"
    assert "c4n4ry" not in told
