"""Where a set-up is made: what is wished, what was found of it so far, and the ways to the directory."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from bulkmail.app.setup.administrator import GRAPH_APP, Administrator, Object, Sleep
from bulkmail.app.setup.wish import Wish
from bulkmail.errors import ConfigError, SignInError
from bulkmail.identity.certificate import Certificate


class Look(NamedTuple):
    """What a step found: whether there is nothing to do, and what is there or what exactly would be done. `requests`
    are those that would be sent, a line each."""

    done: bool
    text: str
    requests: tuple[str, ...] = ()


def there(text: str) -> Look:
    """There is nothing to do."""
    return Look(done=True, text=text)


def to_do(text: str, *requests: str) -> Look:
    return Look(done=False, text=text, requests=requests)


@dataclass(slots=True)
class Site:
    """`application`, `principal` and `resource` (Graph's own service principal) are None until they were found."""

    wish: Wish
    administrator: Administrator | None = None
    certificate: Certificate | None = None
    application: Object | None = None
    principal: Object | None = None
    resource: Object | None = None
    sleep: Sleep = asyncio.sleep
    client_id: str = field(init=False)

    def __post_init__(self) -> None:
        self.client_id = self.wish.app.client_id

    @property
    def directory(self) -> Administrator:
        """Raises SignInError before the sign-in."""
        if self.administrator is None:
            raise SignInError("no one is signed in", hint="Sign in as an administrator of the tenant first.")
        return self.administrator

    def found(self, application: Object) -> None:
        self.application, self.client_id = application, str(application["appId"])

    async def role_ids(self) -> dict[str, str]:
        """The wished roles of Graph to their ids. Raises ConfigError for one that this cloud's Graph does not offer."""
        if self.resource is None:
            self.resource = await self.directory.principal(GRAPH_APP)
        offered = {one["value"]: one["id"] for one in (self.resource or {}).get("appRoles", ())}
        missing = [role for role in self.wish.roles if role not in offered]
        if missing:
            raise ConfigError(f"Graph of this tenant offers no {', '.join(missing)}", hint="Check app.cloud.")
        return {role: offered[role] for role in self.wish.roles}


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `look` says what there is to do, and changes nothing; `make` does it, and says what was done. A step of
    which `local` is true needs no administrator."""

    name: str
    what: str
    look: Callable[[Site], Awaitable[Look]]
    make: Callable[[Site], Awaitable[str]]
    local: bool = False
