"""The sign-in of an administrator on another device, by a code: for setting things up, never for a run. By MSAL.

learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code. Each exchange has a channel of its own, since a
person takes minutes. No refresh token is asked for: what was given ends after an hour or so.
"""

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msal

from bulkmail.config.proxy import Rule, proxy_for
from bulkmail.errors import SignInError
from bulkmail.identity.channel import Answer, Channel, NoAnswer
from bulkmail.identity.cloud import Cloud
from bulkmail.identity.entra import Grant
from bulkmail.identity.refusal import Failure, Names
from bulkmail.text import shown

T = TypeVar("T")

GRAPH_TOOLS = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
"""Microsoft Graph Command Line Tools, a public client that every tenant knows
(learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in)."""

PENDING = frozenset({"authorization_pending", "slow_down"})
DECIDED = {
    "authorization_declined": "the sign-in was declined",
    "expired_token": "the code is out of date: no one signed in with it in time",
    "bad_verification_code": "the directory does not know the code",
}


@dataclass(frozen=True, slots=True)
class Code:
    """What the person has to enter, and where. `interval` is the seconds between two questions."""

    user_code: str
    where: str
    interval: int
    flow: dict[str, Any] = field(repr=False)


class Person:
    """One administrator of a tenant, who is asked for `scopes`. Blocks. `client_id` is that of a public client."""

    def __init__(
        self, cloud: Cloud, tenant: str, scopes: Sequence[str], tls: ssl.SSLContext, proxy: Rule = proxy_for, *,
        client_id: str = GRAPH_TOOLS,
    ) -> None:  # fmt: skip
        self._names = Names(cloud.login.partition("://")[2], tenant, client_id)
        self._authority = f"{cloud.login}/{tenant}"
        self._scopes = [f"{cloud.graph}/{scope}" for scope in scopes]
        self._channels = _Channels(lambda: Channel(self._names, cloud.login, tls, proxy, told=PENDING | DECIDED.keys()))
        self._application: msal.PublicClientApplication | None = None

    def begin(self) -> Code | Failure:
        """Asks for a code."""
        return self._attempt(self._begin)

    def poll(self, code: Code) -> Grant | Failure | None:
        """The token, once the person has signed in; None until then."""
        return self._attempt(lambda: self._poll(code))

    def _begin(self) -> Code:
        self._application = msal.PublicClientApplication(
            self._names.client_id, authority=self._authority, http_client=self._channels, instance_discovery=False,
            exclude_scopes=["offline_access"],
        )  # fmt: skip
        flow = self._application.initiate_device_flow(self._scopes)
        return Code(shown(str(flow["user_code"])), shown(str(flow["verification_uri"])), flow["interval"], flow)

    def _poll(self, code: Code) -> Grant | Failure | None:
        assert self._application is not None  # noqa: S101 - a code comes from `begin` alone
        found = self._application.acquire_token_by_device_flow(code.flow, exit_condition=lambda _flow: True)
        error = found.get("error", "")
        if error in PENDING:
            return None
        token = found.get("access_token", "")
        if not token:
            text = DECIDED.get(error, "the directory gives no token")
            return Failure(SignInError(text, hint="Begin again, and sign in as an administrator of the tenant."))
        return Grant(token, found["expires_in"])

    def _attempt(self, ask: Callable[[], T]) -> T | Failure:
        try:
            return ask()
        except NoAnswer as ended:
            return ended.failure
        except Exception as error:  # noqa: BLE001 - MSAL raises many kinds, with what it was given in their texts
            return Failure(SignInError(f"signing in failed inside MSAL: {type(error).__name__}"))


class _Channels:
    """MSAL's way to the directory, with a channel for each exchange."""

    def __init__(self, opened: Callable[[], Channel]) -> None:
        self._opened = opened

    def get(self, url: str, **kwargs: Any) -> Answer:
        return self._exchanged(lambda channel: channel.get(url, **kwargs))

    def post(self, url: str, **kwargs: Any) -> Answer:
        return self._exchanged(lambda channel: channel.post(url, **kwargs))

    def close(self) -> None:
        """Nothing stays open."""

    def _exchanged(self, ask: Callable[[Channel], Answer]) -> Answer:
        channel = self._opened()
        try:
            return ask(channel)
        finally:
            channel.close()
