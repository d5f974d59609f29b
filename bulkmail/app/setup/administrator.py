"""The directory as an administrator works in it: applications, their keys, and the roles that are granted to them.

Each call is one request or a look at what is there; none is repeated where that could make a thing twice. If the answer
to one is lost, the same command looks first.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias, TypeVar

from bulkmail.app.compose import wire_settings
from bulkmail.config import App, Job
from bulkmail.core.odata import literal
from bulkmail.daemon import in_daemon
from bulkmail.errors import GraphError, SignInError
from bulkmail.graph import Graph
from bulkmail.identity.certificate import Certificate
from bulkmail.identity.issue import key_credentials
from bulkmail.identity.person import Code, Person
from bulkmail.identity.refusal import Failure
from bulkmail.model import Event
from bulkmail.transport import StackSettings, stack
from bulkmail.transport.wire import wire

T = TypeVar("T")
Object: TypeAlias = Mapping[str, Any]
Sleep: TypeAlias = Callable[[float], Awaitable[None]]

GRAPH_APP = "00000003-0000-0000-c000-000000000000"
"""The application id of Microsoft Graph, the same in every tenant and cloud."""

ASSIGNMENTS = "/servicePrincipals/{}/appRoleAssignments"

MADE_BY = "Made by bulkmail setup."
SHOWN = {"$select": "id,appId,displayName,createdDateTime,notes,keyCredentials,requiredResourceAccess"}
WAITS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0)
"""Seconds between the attempts to name what was just made, which the directory takes some time to know everywhere."""

NOT_YET = frozenset({404})
"""How the directory refuses what it does not know yet. A request that was refused has changed nothing."""

NO_APPLICATION_YET = frozenset({400, 404})
"""The same where a new application is named in the body of a request."""

SCOPES = ("Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All")
"""What the administrator is asked for: to register the application, and to consent to its roles."""


class Delegated:
    """A `TokenSource` of one token, which a person signed in for."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __repr__(self) -> str:
        return "<Delegated>"

    async def token(self, *, refused: str = "", claims: str = "") -> str:  # noqa: ARG002 - the contract's
        if refused:
            raise SignInError(
                "the sign-in of the administrator has ended", hint="Begin again: what is done stays done."
            )
        return self._token


class Administrator:
    """What an administrator sees and does. Raises GraphError for what the directory refuses."""

    def __init__(self, graph: Graph, sleep: Sleep = asyncio.sleep) -> None:
        self._graph = graph
        self._sleep = sleep

    async def application(self, *, client_id: str = "", name: str = "") -> list[Object]:
        """Those with this client id or, if it is empty, this display name."""
        wanted = f"appId eq {literal(client_id)}" if client_id else f"displayName eq {literal(name)}"
        found = [row async for row in self._graph.items("/applications", params={"$filter": wanted, **SHOWN})]
        return [one for one in found if isinstance(one, dict)]

    async def register(self, name: str, certificate: Certificate) -> Object:
        """Makes an application of this tenant alone, with a certificate and without any permission."""
        made: Object = await self._graph.post("/applications", application_body(name, certificate))
        return made

    async def keys(self, application: Object) -> list[dict[str, Any]]:
        """Its certificates, each with its content."""
        only = {"$select": "keyCredentials"}
        shown = await self._patiently(lambda: self._graph.get("/applications/{}", str(application["id"]), params=only))
        return list(shown["keyCredentials"])

    async def set_keys(self, application: Object, keys: Iterable[Mapping[str, Any]]) -> None:
        """Replaces the list of its certificates."""
        body = {"keyCredentials": [dict(one) for one in keys]}
        await self._update(application, body)

    async def require_access(self, application: Object, roles: Iterable[str]) -> None:
        """Lists roles of Graph as those that the application asks for, which the portal shows; grants nothing."""
        await self._update(application, access_body(application, roles))

    async def principal(self, client_id: str) -> Object | None:
        """The application's own object in this tenant, with the roles that it offers."""
        params = {
            "$filter": f"appId eq {literal(client_id)}",
            "$select": "id,appId,displayName,accountEnabled,appRoles",
        }
        found = [row async for row in self._graph.items("/servicePrincipals", params=params)]
        return found[0] if found else None

    async def make_principal(self, client_id: str) -> Object:
        """Makes the application's own object in this tenant."""
        body = {"appId": client_id}
        made: Object = await self._patiently(lambda: self._graph.post("/servicePrincipals", body), NO_APPLICATION_YET)
        return made

    async def granted(self, principal: Object) -> list[Object]:
        """Roles that were granted to it, of all resources."""

        async def listed() -> list[Object]:
            return [row async for row in self._graph.items(ASSIGNMENTS, str(principal["id"]))]

        return await self._patiently(listed)

    async def grant(self, principal: Object, resource: Object, role: str) -> None:
        """Grants one role, by its id: the consent of the administrator."""
        body = {"principalId": principal["id"], "resourceId": resource["id"], "appRoleId": role}
        await self._patiently(lambda: self._graph.post(ASSIGNMENTS, body, str(principal["id"])))

    async def _update(self, application: Object, body: Mapping[str, Any]) -> None:
        await self._patiently(lambda: self._graph.patch("/applications/{}", dict(body), str(application["id"])))

    async def _patiently(self, call: Callable[[], Awaitable[T]], early: frozenset[int] = NOT_YET) -> T:
        """Calls again while what was just made is not known yet."""
        for wait in WAITS:
            try:
                return await call()
            except GraphError as error:
                if error.status not in early:
                    raise
            await self._sleep(wait)
        return await call()


async def token_of(person: Person, tell: Callable[[Code], None], sleep: Sleep = asyncio.sleep) -> str:
    """The token of an administrator who signs in with the code that `tell` is given. Raises SignInError."""
    code = await in_daemon(person.begin)
    if isinstance(code, Failure):
        raise code.error
    tell(code)
    while (answer := await in_daemon(person.poll, code)) is None:
        await sleep(code.interval)
    if isinstance(answer, Failure):
        raise answer.error
    return answer.token


@asynccontextmanager
async def administering(app: App, token: str, sleep: Sleep = asyncio.sleep) -> AsyncIterator[Administrator]:
    """The directory of a cloud, reached as a run reaches it."""
    settings = wire_settings(Job(app=app))
    async with (
        wire(settings) as terminal,
        stack(terminal, Delegated(token), StackSettings(in_flight=1), _ignore) as built,
    ):
        yield Administrator(Graph(built.transport, settings.base), sleep)


def application_body(name: str, certificate: Certificate) -> dict[str, Any]:
    keys = key_credentials([certificate])
    return {"displayName": name, "signInAudience": "AzureADMyOrg", "keyCredentials": keys, "notes": MADE_BY}


def access_body(application: Object, roles: Iterable[str]) -> dict[str, Any]:
    """What the application asks for already, and these ids of Graph's roles besides."""
    there = [dict(one) for one in application.get("requiredResourceAccess", ())]
    of_graph = [one for one in there if one.get("resourceAppId") == GRAPH_APP]
    listed = [access for one in of_graph for access in one.get("resourceAccess", ())]
    known = {access.get("id") for access in listed}
    listed += [{"id": role, "type": "Role"} for role in roles if role not in known]
    others = [one for one in there if one not in of_graph]
    return {"requiredResourceAccess": [*others, {"resourceAppId": GRAPH_APP, "resourceAccess": listed}]}


def is_of(key: Mapping[str, Any], certificate: Certificate) -> bool:
    """Whether an entry of an application's keys is this certificate."""
    return key.get("key") == base64.b64encode(certificate.der).decode()


def _ignore(_event: Event) -> None:
    """Waits of a set-up are not told."""
