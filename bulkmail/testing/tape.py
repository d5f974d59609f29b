"""Records what a task asked and was told, and plays it back without a network. Knows nothing of files.

It stands outermost, so that a tape holds what the task saw: a replay needs no retries and no limits.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable

from bulkmail.errors import Unreachable
from bulkmail.model import Request, Response, Transport

Exchange = tuple[Request, Response]


class Recording:
    """Passes everything on and tells `keep` of each exchange that had an answer."""

    def __init__(self, inner: Transport, keep: Callable[[Exchange], None]) -> None:
        self._inner = inner
        self._keep = keep

    async def send(self, request: Request, /) -> Response:
        response = await self._inner.send(request)
        self._keep((request, response))
        return response


class Tape:
    """A terminal that answers each request with the next recorded answer to the same method and path."""

    def __init__(self, exchanges: Iterable[Exchange]) -> None:
        self._answers: defaultdict[tuple[str, str], deque[Response]] = defaultdict(deque)
        for request, response in exchanges:
            self._answers[request.method, request.path].append(response)

    async def send(self, request: Request, /) -> Response:
        answers = self._answers.get((request.method, request.path))
        if not answers:
            raise Unreachable(f"the tape has no further answer to {request.method} {request.path}")
        return answers.popleft()
