"""Where to sign in and where Graph lives, for each Microsoft cloud. A table; opens no connection.

A token of one cloud is not valid in another, so the two addresses and the scope go together. The addresses are those of
learn.microsoft.com/graph/deployments. GCC (not "High") is part of the global cloud.

`hosts` are those of pre-signed addresses. In the global cloud: learn.microsoft.com/graph/outlook-large-attachments,
graph/import-exchange-mailbox-item and graph/api/reportroot-getmailboxusagedetail; `reportsncu` is a regional host of
reports that answers name and no page does. In the national clouds: Exchange Online's own
(learn.microsoft.com/microsoft-365/enterprise/microsoft-365-endpoints); no host of reports is documented there.
"""

from dataclasses import dataclass, replace
from urllib.parse import SplitResult, urlsplit

from bulkmail.config.proxy import is_loopback
from bulkmail.errors import ConfigError
from bulkmail.text import likeliest

HTTPS = 443


@dataclass(frozen=True, slots=True)
class Cloud:
    """`login` and `graph` are origins without a closing slash; `scope` is what an app-only token is asked for."""

    name: str
    login: str
    graph: str
    scope: str
    hosts: frozenset[str] = frozenset()
    any_port: bool = False  # pre-signed addresses may name another port than that of https

    def lists(self, scheme: str, host: str, port: int) -> bool:
        """Whether a pre-signed address may be there."""
        return scheme == urlsplit(self.graph).scheme and host in self.hosts and (self.any_port or port == HTTPS)


def _cloud(name: str, login: str, graph: str, *hosts: str) -> Cloud:
    return Cloud(name, login, graph, f"{graph}/.default", frozenset(hosts))


CLOUDS = {
    cloud.name: cloud
    for cloud in (
        _cloud(
            "global", "https://login.microsoftonline.com", "https://graph.microsoft.com",
            "outlook.office.com", "outlook.office365.com", "reports.office.com", "reportsncu.office.com",
        ),
        _cloud("usgov", "https://login.microsoftonline.us", "https://graph.microsoft.us", "outlook.office365.us"),
        _cloud(
            "usgov-dod", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us",
            "outlook-dod.office365.us",
        ),
        _cloud(
            "china", "https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn",
            "partner.outlook.cn",
        ),
    )
}  # fmt: skip


def cloud_named(name: str) -> Cloud:
    """The cloud called `name`. Raises ConfigError that offers the nearest name."""
    found = CLOUDS.get(name)
    if found is None:
        near = likeliest(name.lower(), CLOUDS)
        offer = f"Did you mean {near!r}? " if near else ""
        names = ", ".join(CLOUDS)
        raise ConfigError(
            f"there is no cloud {name!r}", hint=f"{offer}There are {names}, and custom with login and graph."
        )
    return found


def custom(login: str, graph: str) -> Cloud:
    """A cloud at other addresses: a simulator, a gateway, a cloud newer than the table. Raises ConfigError.

    Signing in is always over TLS; Graph may be plain http on a loopback address only, since a token travels with it.
    Pre-signed addresses are on the host of Graph, on any port.
    """
    cloud = _cloud("custom", _origin("login", login, plain=False), _origin("graph", graph, plain=True))
    return replace(cloud, hosts=frozenset({urlsplit(cloud.graph).hostname or ""}), any_port=True)


def _origin(key: str, address: str, *, plain: bool) -> str:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConfigError(f"{key} is not a web address: {address!r}") from None
    if not host or not _is_bare(parts):
        raise ConfigError(
            f"{key} is not the web address of a host alone: {address!r}", hint="Such as https://example.com:8443."
        )
    if parts.scheme != "https" and not (plain and parts.scheme == "http" and is_loopback(host)):
        raise ConfigError(
            f"{key} has to be https: {address!r}",
            hint="Plain http is for graph on a loopback address only." if plain else "Also on a loopback address.",
        )
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port else "")


def _is_bare(parts: SplitResult) -> bool:
    """Nothing but a scheme, a host and a port: no user, path, query or fragment that would get lost."""
    return parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
