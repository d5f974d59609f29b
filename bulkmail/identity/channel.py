"""MSAL's way to the directory: one exchange at a time over TLS. Knows nothing of tokens or of what is asked.

- Only the login origin is spoken to, and redirects are not followed: what is posted there proves who we are.
- The certificate authorities are those of the TLS context given, and no others. REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE
  would override what is set on a session, so the environment is not trusted; .netrc is not read for the same reason.
- The proxy is the one that `config.proxy` names, as for everything else that is sent.
- An attempt takes TOTAL seconds at most, however slowly it is answered, and an answer has at most LARGEST bytes. It is
  asked for uncompressed, and refused if it comes otherwise, so that no small answer can unpack to a large one.
- What was posted as a proof never comes back in the text of a refusal.
- Anything but a JSON object with status 200 ends here as NoAnswer; but a 400 with an error that MSAL is `told` of, such
  as that a person has not signed in yet, goes on. So MSAL keeps no refusal in its memory (it would
  repeat a 400 for a minute and a 429 for up to an hour without asking), and logs no body.
"""

import json
import logging
import ssl
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from bulkmail.config.proxy import Rule, proxy_for
from bulkmail.errors import ConfigError, SignInError
from bulkmail.identity.deadline import Deadline, WatchedAdapter
from bulkmail.identity.refusal import Failure, Names, refused

TIMES = (10.0, 30.0)  # seconds: to connect, and between two bytes of an answer
TOTAL = 60.0  # seconds for an attempt, which has two exchanges; the directory answers each within one
LARGEST = 1 << 20  # bytes of an answer; a token or a discovery document has a few thousand
UNSTATED = 300  # seconds to trust a token of unknown life; should it live shorter, a 401 renews it
LONGEST = 24 * 3600  # seconds; the longest that a policy allows (learn.microsoft.com, configurable token lifetimes)

LONGEST_INTERVAL = 60  # seconds between two questions whether a person has signed in

_PROOFS = ("client_secret", "client_assertion", "device_code")
_TEXTS = (
    "access_token", "token_type", "authorization_endpoint", "token_endpoint", "issuer", "device_authorization_endpoint",
    "device_code", "user_code", "verification_uri",
)  # fmt: skip


logging.getLogger("urllib3").setLevel(logging.CRITICAL)  # it logs headers that it cannot read, as they came


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

    def __init__(
        self, names: Names, login: str, tls: ssl.SSLContext, proxy: Rule = proxy_for, *, total: float = TOTAL,
        told: Collection[str] = (),
    ) -> None:  # fmt: skip
        self._told = told
        self._deadline = Deadline(total)
        self._proxy = proxy
        self._names = names
        self._login = _origin(login)
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Accept-Encoding"] = "identity"
        self._session.mount("https://", _Verified(tls, self._deadline))

    def get(self, url: str, **kwargs: Any) -> Answer:
        return self._exchange("GET", url, **kwargs)

    def post(self, url: str, **kwargs: Any) -> Answer:
        return self._exchange("POST", url, **kwargs)

    def close(self) -> None:
        self._session.close()
        self._deadline.close()

    def _exchange(self, method: str, url: str, *, headers: Any = None, params: Any = None, data: Any = None) -> Answer:
        if _origin(url) != self._login:
            raise NoAnswer(_elsewhere(self._names.host))
        answer = self._sent(method, url, headers=headers, params=params, data=data)
        if isinstance(answer, Failure):
            raise NoAnswer(answer)
        status, named, content = answer
        body = _object(_without(_proofs(data), content))
        if status == 400 and body is not None and body.get("error") in self._told:
            return Answer(json.dumps({"error": body["error"]}), status)
        if status != 200:
            raise NoAnswer(refused(status, named, body, self._names))
        if body is None:
            raise NoAnswer(_unusable(self._names.host))
        return Answer(json.dumps(_known(body)))

    def _sent(self, method: str, url: str, **what: Any) -> tuple[int, dict[str, str], bytes] | Failure:
        """Status, headers by lower-case name, and body. A value instead of an error: those of requests carry what was
        posted."""
        try:
            proxy = self._proxy(url)
            proxies = dict.fromkeys(("https", "http"), proxy.address) if proxy else {}
            with self._session.request(
                method, url, timeout=TIMES, allow_redirects=False, proxies=proxies, stream=True, **what
            ) as response:
                content = _read(response)
        except ConfigError as error:
            return Failure(SignInError(str(error), hint=error.hint))
        except (requests.RequestException, HTTPError, OSError) as error:
            return _unreached(requests.Timeout() if self._deadline.passed else error, self._names.host)
        if self._deadline.passed:  # what came until then may look whole
            return _unreached(requests.Timeout(), self._names.host)
        if content is None:
            return _unusable(self._names.host)
        return response.status_code, {name.lower(): value for name, value in response.headers.items()}, content


def _read(response: requests.Response) -> bytes | None:
    """The body as it came; None for one that is too large or compressed."""
    if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        return None
    content = bytearray()
    for block in response.raw.stream(LARGEST // 16, decode_content=False):
        content += block
        if len(content) > LARGEST:
            return None
    return bytes(content)


def _proofs(data: Any) -> list[bytes]:
    """What was posted that must not be seen."""
    posted = data if isinstance(data, dict) else {}
    found = (posted.get(name) for name in _PROOFS)
    return [proof.encode() if isinstance(proof, str) else proof for proof in found if proof]


def _without(proofs: Iterable[bytes], content: bytes) -> bytes:
    for proof in proofs:
        content = content.replace(proof, b"...")
    return content


class _Verified(WatchedAdapter):
    """Verifies by one TLS context; requests would add a bundle of its own to it."""

    def __init__(self, tls: ssl.SSLContext, deadline: Deadline) -> None:
        self._tls = tls
        super().__init__(deadline)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._tls, **kwargs)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=self._tls, **kwargs)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002 - the context has it all
        conn.cert_reqs = "CERT_REQUIRED"


def lifetime(value: Any) -> int:
    """Seconds that `expires_in` grants, at most a day; UNSTATED where it is not a positive number."""
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return UNSTATED
    return int(min(seconds, LONGEST)) if seconds >= 1 else UNSTATED


def _known(body: dict[str, Any]) -> dict[str, Any]:
    """The members that are used, in the types that MSAL expects."""
    known = {name: body[name] for name in _TEXTS if isinstance(body.get(name), str)}
    interval = {"interval": min(max(1, lifetime(body["interval"])), LONGEST_INTERVAL)} if "interval" in body else {}
    return {**known, **interval, "expires_in": lifetime(body.get("expires_in"))}


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
