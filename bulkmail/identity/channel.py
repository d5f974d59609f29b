"""MSAL's way to the directory: one exchange at a time over TLS. Knows nothing of tokens or of what is asked.

- Only the login origin is spoken to, and redirects are not followed: what is posted there proves who we are.
- The certificate authorities are those of the TLS context given, and no others. REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE
  would override what is set on a session, so the environment is not trusted; .netrc is not read for the same reason.
- The proxy is the one that `config.proxy` names, as for everything else that is sent.
- Anything but a JSON object with status 200 ends here as NoAnswer. So MSAL keeps no refusal in its memory (it would
  repeat a 400 for a minute and a 429 for up to an hour without asking), and logs no body.
"""

import json
import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from bulkmail.config.proxy import Rule, proxy_for
from bulkmail.errors import ConfigError, SignInError
from bulkmail.identity.refusal import Failure, Names, refused

TIMES = (10.0, 30.0)  # seconds: to connect, and between two bytes of an answer
UNSTATED = 300  # seconds to trust a token of unknown life; should it live shorter, a 401 renews it
LONGEST = 24 * 3600  # seconds; the longest that a policy allows (learn.microsoft.com, configurable token lifetimes)

_TEXTS = ("access_token", "token_type", "authorization_endpoint", "token_endpoint", "issuer")


class NoAnswer(Exception):
    """Carries the Failure through MSAL, to where the attempt began."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure.error))
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Answer:
    """As much of a response as MSAL looks at."""

    text: str = field(repr=False)
    status_code: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Channel:
    """The three calls that MSAL makes on its HTTP library. Use it for one attempt and close it."""

    def __init__(self, names: Names, login: str, tls: ssl.SSLContext, proxy: Rule = proxy_for) -> None:
        self._proxy = proxy
        self._names = names
        self._login = _origin(login)
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("https://", _Verified(tls))

    def get(self, url: str, **kwargs: Any) -> Answer:
        return self._exchange("GET", url, **kwargs)

    def post(self, url: str, **kwargs: Any) -> Answer:
        return self._exchange("POST", url, **kwargs)

    def close(self) -> None:
        self._session.close()

    def _exchange(self, method: str, url: str, *, headers: Any = None, params: Any = None, data: Any = None) -> Answer:
        if _origin(url) != self._login:
            raise NoAnswer(_elsewhere(self._names.host))
        response = self._sent(method, url, headers=headers, params=params, data=data)
        if isinstance(response, Failure):
            raise NoAnswer(response)
        body = _object(response.content)
        if response.status_code != 200:
            named = {name.lower(): value for name, value in response.headers.items()}
            raise NoAnswer(refused(response.status_code, named, body, self._names))
        if body is None:
            raise NoAnswer(_unusable(self._names.host))
        return Answer(json.dumps(_known(body)))

    def _sent(self, method: str, url: str, **what: Any) -> requests.Response | Failure:
        """A value instead of an error: those of requests carry what was posted."""
        try:
            proxy = self._proxy(url)
            proxies = dict.fromkeys(("https", "http"), proxy.address) if proxy else {}
            return self._session.request(method, url, timeout=TIMES, allow_redirects=False, proxies=proxies, **what)
        except ConfigError as error:
            return Failure(SignInError(str(error), hint=error.hint))
        except (requests.RequestException, OSError) as error:
            return _unreached(error, self._names.host)


class _Verified(HTTPAdapter):
    """Verifies by one TLS context; requests would add a bundle of its own to it."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._tls, **kwargs)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=self._tls, **kwargs)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002 - the context has it all
        conn.cert_reqs = "CERT_REQUIRED"


def lifetime(value: Any) -> int:
    """Seconds that `expires_in` grants, at most a day; UNSTATED where it is no positive number."""
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return UNSTATED
    return int(min(seconds, LONGEST)) if seconds >= 1 else UNSTATED


def _known(body: dict[str, Any]) -> dict[str, Any]:
    """The members that are used, in the types that MSAL expects."""
    known = {name: body[name] for name in _TEXTS if isinstance(body.get(name), str)}
    return {**known, "expires_in": lifetime(body.get("expires_in"))}


def _origin(url: str) -> tuple[str, str | None, int]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", None, 0
    return parts.scheme, parts.hostname, port or 443


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


@dataclass(frozen=True, slots=True)
class _Cause:
    """An error of `kind` whose text holds `mark`: what to say, what to do, and whether trying again may help."""

    kind: type[Exception]
    mark: str
    text: str
    hint: str
    transient: bool = True


_CAUSES = (
    _Cause(
        requests.exceptions.ProxyError, "failed: 407", "the proxy wants to know who asks (407)",
        "Put its user and password into HTTPS_PROXY, or let it pass this machine.", transient=False,
    ),
    _Cause(requests.exceptions.ProxyError, "", "the proxy does not connect to {host}", "Check HTTPS_PROXY."),
    _Cause(
        requests.exceptions.SSLError, "CERTIFICATE_VERIFY_FAILED", "the TLS certificate of {host} is not trusted",
        "If a proxy or an authority of your own signs for it, name that certificate as ca_file.", transient=False,
    ),
    _Cause(
        requests.exceptions.SSLError, "", "there is no TLS connection to {host}",
        "Check ca_file, and what stands in between.",
    ),
    _Cause(requests.Timeout, "", "{host} does not answer in time", "Check the network, and HTTPS_PROXY."),
    _Cause(
        Exception, "NameResolutionError", "there is no address for {host}",
        "Check the network, its name service, and cloud or login.",
    ),
    _Cause(Exception, "", "there is no connection to {host}", "Check the network and its firewall, and HTTPS_PROXY."),
)  # fmt: skip
"""The first that fits; the last fits everything. The library's own texts are long and name addresses of the network."""


def _unreached(error: Exception, host: str) -> Failure:
    text = str(error)
    cause = next(cause for cause in _CAUSES if isinstance(error, cause.kind) and cause.mark in text)
    return Failure(SignInError(cause.text.format(host=host), hint=cause.hint), cause.transient)


def _elsewhere(host: str) -> Failure:
    hint = "The tenant may live in another cloud: check cloud in the job file."
    return Failure(SignInError(f"{host} sends the sign-in to another host; it was not followed", hint=hint))


def _unusable(host: str) -> Failure:
    hint = "Check login, and what stands in between."
    return Failure(SignInError(f"{host} answers, but not as a directory does", hint=hint), transient=True)
