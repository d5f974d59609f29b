"""Calls from a worker to its coordinator, over Dask's connections, which are TLS with keys of this run alone.

What is called answers with a value or with one of our errors, by its class, text and hint. Arguments are pickled: who
can call has the key of a session, and that is looked at before anything is unpickled.
"""

import copyreg
import pickle
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

from distributed.core import Server, rpc
from distributed.security import Security

from bulkmail import errors
from bulkmail.cluster.messages import Gone
from bulkmail.errors import BulkmailError


def _read_only(members: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(members)


copyreg.pickle(MappingProxyType, lambda one: (_read_only, (dict(one),)))  # what stands for nothing in our nouns
Handler = Callable[..., Awaitable[Any]]
Packed: TypeAlias = tuple[str, str, str]
"""One of our errors: its class, text and hint."""
_OURS: Mapping[str, type[BulkmailError]] = {
    name: one for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, BulkmailError)
} | {Gone.__name__: Gone}


def packed(error: BulkmailError) -> Packed:
    return type(error).__name__, str(error), error.hint


def unpacked(name: str, text: str, hint: str) -> BulkmailError:
    """The error that was packed; one that is made in another way is only told."""
    try:
        return _OURS[name](text, hint=hint)
    except (KeyError, TypeError):
        return BulkmailError(text, hint=hint)


LINE = (OSError, ValueError)
"""What Dask raises where the other end does not answer; the latter is tornado's word for a line that broke while TLS
was being spoken of."""


class Key(str):
    """What a session is known by. Dask logs the arguments of tasks, and this one says nothing there."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<key>"


class Switchboard:
    """Listens for the calls of workers. `handlers` are by name and are given the session; `known` says whose a key
    is, or None."""

    def __init__(self, handlers: Mapping[str, Handler], known: Callable[[str], Any], security: Security) -> None:
        self._handlers = handlers
        self._known = known
        self._security = security
        self._server = Server({"bulkmail": self._answer}, needs_workdir=False)

    async def listen(self, address: str) -> str:
        """Begins, and returns the address that workers reach."""
        await self._server.listen(address, **self._security.get_listen_args("scheduler"))
        return str(self._server.address)

    async def close(self) -> None:
        await self._server.close()

    async def _answer(self, *, key: str, name: str, arguments: bytes) -> bytes:
        session = self._known(key)
        if session is None:
            return pickle.dumps((False, None))
        try:
            value = await self._handlers[name](session, *pickle.loads(arguments))  # noqa: S301 - see above
        except BulkmailError as error:
            return pickle.dumps((True, packed(error)))
        return pickle.dumps((True, (value,)))


class Calls(Protocol):
    """What a worker calls: `await coordinator.call("rows")`. Raises Gone where this session has ended."""

    async def call(self, name: str, *arguments: Any) -> Any: ...


class Line:
    """The `Calls` of a session, to the coordinator at an address."""

    def __init__(self, address: str, key: str, security: Security) -> None:
        self._key = key
        self._rpc = rpc(address, connection_args=security.get_connection_args("worker"))

    async def call(self, name: str, *arguments: Any) -> Any:
        sent = pickle.dumps(arguments)
        try:
            answer = await self._rpc.bulkmail(key=self._key, name=name, arguments=sent)
        except LINE as error:
            raise Gone("the coordinator does not answer") from error
        is_known, found = pickle.loads(answer)  # noqa: S301 - of our coordinator
        if not is_known:
            raise Gone("the coordinator has given this worker up")
        if len(found) == 1:
            return found[0]
        raise unpacked(*found)

    async def close(self) -> None:
        await self._rpc.close_rpc()
