"""Tokens of the machine's own identity: a virtual machine, App Service, Azure Arc. There is no key; by MSAL.

learn.microsoft.com/entra/identity/managed-identities-azure-resources. Only this machine and its link-local address are
spoken to, never through a proxy, and redirects are not followed: who asks there proves by being there who it is.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import msal
import requests
from urllib3.exceptions import HTTPError

from bulkmail.config.proxy import is_loopback
from bulkmail.errors import SignInError
from bulkmail.identity.channel import LARGEST, NoAnswer, lifetime
from bulkmail.identity.cloud import Cloud
from bulkmail.identity.entra import Grant
from bulkmail.identity.refusal import Failure
from bulkmail.text import shown

TIMES = (5.0, 30.0)  # seconds: to connect, and between two bytes; where there is no such service, nothing answers
TRANSIENT = frozenset({404, 410, 429})  # beside everything from 500 on; the service says so of itself
TOLD = frozenset({200, 400, 401})  # what MSAL understands; Arc begins with a 401

NO_IDENTITY = "Give this machine an identity in Azure, or sign in with a certificate: app.certificate."


@dataclass(frozen=True, slots=True)
class Said:
    """As much of an answer as MSAL looks at."""

    status_code: int
    text: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Machine:
    """Asks for one token at a time. `client_id` is that of an identity that was assigned by a user; empty for the
    machine's own. Blocks."""

    def __init__(self, cloud: Cloud, client_id: str = "") -> None:
        self._resource = cloud.graph
        self._client_id = client_id

    def ask(self, claims: str = "") -> Grant | Failure:
        """One token. A claims challenge cannot be passed on: these identities get none (Entra, CAE)."""
        del claims
        own = msal.SystemAssignedManagedIdentity()
        identity = msal.UserAssignedManagedIdentity(client_id=self._client_id) if self._client_id else own
        try:
            found = msal.ManagedIdentityClient(identity, http_client=Nearby()).acquire_token_for_client(
                resource=self._resource
            )
        except NoAnswer as ended:
            return ended.failure
        except Exception as error:  # noqa: BLE001 - MSAL raises many kinds, with what it was given in their texts
            return Failure(SignInError(f"this machine gives no token: {type(error).__name__}", hint=NO_IDENTITY))
        return self._granted(found)

    def _granted(self, found: Mapping[str, Any]) -> Grant | Failure:
        token = found.get("access_token", "")
        if token and isinstance(token, str) and token.isascii() and token.isprintable() and " " not in token:
            return Grant(token, lifetime(found.get("expires_in")))
        said = ": ".join(shown(str(found[name])) for name in ("error", "error_description") if found.get(name))
        return Failure(SignInError(f"this machine gives no token: {said or 'no reason given'}", hint=NO_IDENTITY))


class Nearby:
    """MSAL's way to the service on this machine. An answer that MSAL would not understand ends as NoAnswer."""

    def get(self, url: str, *, params: Any = None, headers: Any = None, **_: Any) -> Said:
        if not is_near(url):
            raise NoAnswer(Failure(SignInError(f"{urlsplit(url).hostname} is not this machine", hint=NO_IDENTITY)))
        try:
            with requests.Session() as session:
                session.trust_env = False
                with session.get(
                    url, params=params, headers=headers, timeout=TIMES, allow_redirects=False, stream=True
                ) as answer:
                    content = answer.raw.read(LARGEST, decode_content=False)
        except (requests.RequestException, HTTPError, OSError):
            error = SignInError("no service on this machine gives tokens", hint=NO_IDENTITY)
            raise NoAnswer(Failure(error, transient=True)) from None
        status = answer.status_code
        if status not in TOLD:
            error = SignInError(f"the service of this machine answers with status {status}", hint=NO_IDENTITY)
            raise NoAnswer(Failure(error, transient=status in TRANSIENT or status >= 500))
        return Said(status, _json(content, status), dict(answer.headers))

    def close(self) -> None:
        """Nothing stays open."""


def is_near(url: str) -> bool:
    """Whether an address is on this machine, or on the link to its host, where it is plain http."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        return parts.scheme == "http" and (is_loopback(host) or ip_address(host).is_link_local)
    except ValueError:
        return False


def _json(content: bytes, status: int) -> str:
    """Raises NoAnswer for what is not a JSON object; of a 401 only the headers count."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        if status == 401:
            return "{}"
        raise NoAnswer(Failure(SignInError("the service of this machine does not answer in JSON", hint=NO_IDENTITY)))
    return json.dumps(found)
