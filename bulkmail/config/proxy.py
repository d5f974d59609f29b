"""Which proxy leads to an address: one rule for tokens, Graph and pre-signed addresses.

`HTTPS_PROXY`, or `HTTP_PROXY` for a plain address, else `ALL_PROXY`, in lower case first, as curl does. A value without
a scheme is an HTTP proxy. `NO_PROXY` lists what is reached directly: `*`, a host with all hosts below it (a leading dot
changes nothing), an address, a network such as `10.0.0.0/8`, each with a port or without. This machine is always
reached directly. Where the environment names no proxy, the settings of the system count (Windows, macOS).
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from bulkmail.errors import ConfigError

Rule: TypeAlias = "Callable[[str], Proxy | None]"
"""What gives the proxy for an address, as `proxy_for` does."""

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """`address` may hold a user and a password; `shown` does not, and neither does the representation."""

    address: str = field(repr=False)
    shown: str


def proxy_for(url: str, environment: Mapping[str, str] = os.environ) -> Proxy | None:
    """The proxy for an address, or None where it is reached directly. Raises ConfigError for one that is of no use."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    if is_loopback(host):
        return None
    name, value = _named(parts.scheme, environment)
    if name:
        return None if _is_excepted(host, port, _first(("no_proxy",), environment)[1]) else _checked(name, value)
    value = "" if environment is not os.environ else getproxies().get(parts.scheme, "")
    return _checked("the proxy of the system", value) if value and not proxy_bypass(host) else None


def is_loopback(host: str) -> bool:
    """True for `localhost` and the addresses that never leave this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _named(scheme: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """The variable that decides, and its value; two empty texts where none is set."""
    return _first((f"{scheme}_proxy", "all_proxy"), environment)


def _first(names: tuple[str, ...], environment: Mapping[str, str]) -> tuple[str, str]:
    for name in names:
        for spelled in (name, name.upper()):
            if value := environment.get(spelled, "").strip():
                return spelled, value
    return "", ""


def _checked(name: str, value: str) -> Proxy:
    parts = _split(value if "://" in value else f"http://{value}")
    if parts is None:
        raise ConfigError(f"{name} is not the address of a proxy", hint="Write it as http://proxy.contoso.com:8080.")
    if parts.scheme not in _PORTS:
        raise ConfigError(
            f"{name} names a {parts.scheme} proxy; bulkmail goes through HTTP proxies only",
            hint=f"Name an HTTP proxy in {name}, or put what is reached directly into NO_PROXY.",
        )
    origin = parts.netloc.rpartition("@")[2]
    return Proxy(f"{parts.scheme}://{parts.netloc}", f"{parts.scheme}://{origin}")


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        return parts if parts.hostname and parts.port != 0 and "@" not in parts.path + parts.query else None
    except ValueError:  # a port that is not a number, a bracket that never closes
        return None


def _is_excepted(host: str, port: int, listed: str) -> bool:
    return any(_matches(host, port, entry) for entry in listed.replace(",", " ").split())


def _matches(host: str, port: int, entry: str) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        return _is_within(host, entry)
    name, _, wanted = entry.rpartition(":") if _has_port(entry) else (entry, "", "")
    if wanted and int(wanted) != port:
        return False
    name = name.strip("[]").removeprefix("*").lstrip(".").casefold()
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _has_port(entry: str) -> bool:
    """`host:443` and `[::1]:443` have one; `::1` has not."""
    name, _, port = entry.rpartition(":")
    return port.isdecimal() and (":" not in name or name.endswith("]"))


def _is_within(host: str, network: str) -> bool:
    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False
