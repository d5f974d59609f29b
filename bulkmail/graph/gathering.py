"""Runs the calls of one `gather` at the same time. When one fails, what has left is awaited, what has not is given up,
and the gravest error is raised: a write under way is never cut off, so that its ending is true.

Whether a request is under way is known by its `waits`: the stack enters that context while the request waits for its
turn, for a repetition or for a mailbox to settle. A transport that never enters it sends at once. A call that is given
up while its request is under way hears its answer, and sends nothing more.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Generic, TypeVar

from bulkmail.errors import NOT_SENT, gravest

T = TypeVar("T")


class Gathered(Generic[T]):
    """One call of a gathering. It is the `waits` of its requests, of which there is one at a time."""

    __slots__ = ("_away", "_call", "_result", "error", "given_up", "inner", "task")

    def __init__(self, call: Coroutine[Any, Any, T]) -> None:
        self._call = call
        self._away = False  # a request of this call is under way
        self._result: T
        self.task: asyncio.Task[None] | None = None
        self.inner: Gathering[Any] | None = None  # a gathering that this call awaits
        self.given_up = False
        self.error: BaseException | None = None

    async def run(self, gathering: "Gathering[T]") -> None:
        if self.given_up:  # before it began
            return
        CURRENT.set(self)  # in the context of this call's own task
        try:
            self._result = await self._call
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 - which matters is decided later
            self.error = error
            gathering.give_up()

    def result(self) -> T:
        """Once: timers that were set in the context of this call hold on to it for minutes, and it may be large."""
        result = self._result
        del self._result
        return result

    def close(self) -> None:
        """For a call that never began; Python complains of a coroutine that was thrown away."""
        self._call.close()

    def give_up(self) -> None:
        """Sends nothing more from now on."""
        self.given_up = True
        if self.inner is not None:
            self.inner.give_up()
        elif not self._away and self.task is not None and not self.error:
            self.task.cancel(NOT_SENT)

    def leave(self) -> None:
        """A request is handed to the stack. Raises CancelledError if nothing more may leave."""
        if self.given_up:
            raise _not_sent()
        self._away = True

    def arrive(self) -> None:
        """Its answer is there, or its error."""
        self._away = False

    def __enter__(self) -> None:
        if self.given_up:  # while it was under way; what it began is over, and is not begun again
            raise _not_sent()
        self._away = False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        self._away = True


class Gathering(Generic[T]):
    """Calls that are made at the same time."""

    def __init__(self, calls: Sequence[Coroutine[Any, Any, T]]) -> None:
        self._calls = [Gathered(call) for call in calls]
        self._given_up = False

    async def run(self) -> list[T]:
        """The results in the order of the calls. Raises the gravest error, or CancelledError if the gathering itself is
        given up by one around it."""
        outer = CURRENT.get()
        if outer is not None:
            outer.inner = self
        try:
            async with asyncio.TaskGroup() as group:
                for call in self._calls:
                    call.task = group.create_task(call.run(self))
        except BaseExceptionGroup as errors:  # what no call may keep to itself, such as the end of the process
            raise gravest(errors.exceptions) from None
        finally:
            if outer is not None:
                outer.inner = None
            for call in self._calls:
                call.close()
        if failed := [call.error for call in self._calls if call.error is not None]:
            raise gravest(failed)
        if any(call.task is None or call.task.cancelled() or call.given_up for call in self._calls):
            raise _not_sent()
        return [call.result() for call in self._calls]

    def give_up(self) -> None:
        """Ends all calls that have no request under way, and lets the others end with theirs."""
        if not self._given_up:
            self._given_up = True
            for call in self._calls:
                call.give_up()


CURRENT: ContextVar[Gathered[Any] | None] = ContextVar("current", default=None)
"""The call of a gathering in which this code runs, or None."""


def _not_sent() -> asyncio.CancelledError:
    error = asyncio.CancelledError(NOT_SENT)
    error.add_note(NOT_SENT)
    return error
