"""Pre-signed addresses, as a task sees them: read as a stream, or sent to, on hosts that the cloud lists alone.

Nothing that leaves has a token, and no redirect is followed. What is sent waits for the limits of the mailbox as all
else does, and again when it was throttled; otherwise nothing is repeated. A read waits for no limit, and can go on with
`start` where it was cut off.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any

from bulkmail.address import Address
from bulkmail.errors import TaskMistake
from bulkmail.model import NOTHING, Change, Direct, Effect, Request
from bulkmail.streams import Pieces

METHODS = frozenset({"GET", "PUT", "POST", "PATCH", "DELETE"})


class Signed:
    """`graph.direct`. An address is what `graph.location` gave, or a text of an answer, such as `uploadUrl`."""

    __slots__ = ("_direct", "_exchange", "_make", "_planning")

    def __init__(
        self,
        direct: Direct,
        exchange: Callable[..., Coroutine[Any, Any, Any]],
        make: Callable[..., Request],
        *,
        planning: bool,
    ) -> None:
        self._direct = direct
        self._exchange = exchange
        self._make = make
        self._planning = planning

    def read(self, address: Address | str, *, most: int, start: int = 0) -> AsyncIterator[bytes]:
        """The content from byte `start` on, in chunks of at most 256 KB; more than `most` bytes are refused.

        Raises LinkRefused for an address on another host, GraphError for an answer that is an error, and TransportError
        for content that is too large, stalls or ends early.
        """
        return self._direct.read(_address(address), most=most, start=start)

    def send(
        self,
        method: str,
        address: Address | str | None,
        content: bytes | Pieces,
        *,
        effect: Effect = Effect.NONE,
        change: Change | None = None,
        headers: Mapping[str, str] = NOTHING,
    ) -> Coroutine[Any, Any, Any]:
        """The decoded body of the answer. It is a write like any other: noted before it leaves, refused for a task that
        reads only, and not sent by a run that only plans, which answers None and takes None for an address as well.

        Raises what `read` raises, and OutcomeUnknown when the answer is lost.
        """
        if method not in METHODS:
            raise TaskMistake("the method of the request is not one of " + ", ".join(sorted(METHODS)))
        if not isinstance(content, bytes | Pieces):
            raise TaskMistake("what is sent to a pre-signed address is bytes")
        unmade = address is None and self._planning and method != "GET"
        there = Address("") if unmade else _address(address)
        return self._exchange(self._make, method, there, content, effect, change, headers)


def _address(given: Any) -> Address:
    if isinstance(given, Address):
        return given
    if not isinstance(given, str) or not given:
        raise TaskMistake("a pre-signed address is what graph.location gave, or a text of an answer")
    return Address(given)
