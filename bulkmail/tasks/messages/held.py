"""The messages of one mailbox that wait until all are found, since pages shift while messages go. Memory holds a few
thousand of them; what is more lies in a temporary file without a name, which ends with the process.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile, gettempdir
from typing import IO, Any

import orjson

from bulkmail.graph import Graph
from bulkmail.sink.appender import os_errors_as_output_error
from bulkmail.tasks.kit.collection import CHUNK
from bulkmail.tasks.messages.walk import Message

IN_MEMORY = 4 << 20
"""Bytes of one mailbox, about 6,000 messages."""


class Held:
    """Messages in the order in which they came, in packs of CHUNK. Open it with `held()`."""

    def __init__(self, graph: Graph, file: IO[bytes]) -> None:
        self._graph = graph
        self._file = file
        self._sizes: list[int] = []  # bytes of each pack in the file
        self._rest: list[Mapping[str, Any]] = []

    def __len__(self) -> int:
        return CHUNK * len(self._sizes) + len(self._rest)

    async def add(self, message: Message) -> None:
        """Raises OutputError."""
        self._rest.append(message.props)
        if len(self._rest) == CHUNK:
            pack, self._rest = self._rest, []
            size = await self._graph.thread(self._write, pack)
            self._sizes.append(size)

    async def packs(self) -> AsyncIterator[list[Message]]:
        """All of them, once. Raises OutputError."""
        if self._sizes:
            await self._graph.thread(self._file.seek, 0)
        for size in self._sizes:
            yield [Message.of(one) for one in await self._graph.thread(self._read, size)]
        if self._rest:
            yield [Message.of(one) for one in self._rest]

    def _write(self, pack: list[Mapping[str, Any]]) -> int:
        with os_errors_as_output_error(Path(gettempdir())):
            return self._file.write(orjson.dumps(pack))

    def _read(self, size: int) -> list[Any]:
        with os_errors_as_output_error(Path(gettempdir())):
            found: list[Any] = orjson.loads(self._file.read(size))
            return found


@contextmanager
def held(graph: Graph, in_memory: int = IN_MEMORY) -> Iterator[Held]:
    """An empty one, of which nothing is left at the end."""
    with SpooledTemporaryFile(in_memory) as file:
        yield Held(graph, file)
