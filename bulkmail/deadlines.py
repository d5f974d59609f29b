"""Ends exchanges that take too long, with one timer for all of them: one each costs a twelfth of an exchange."""

import asyncio
from types import TracebackType
from typing import Self

TICK = 0.001
"""Seconds until the next look at the least: some loops round to a millisecond, and call a little early."""


class Deadlines:
    """All exchanges may take the same number of seconds, so the first to begin is the first that is too late.

    with Deadline(deadlines):
        ...
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.loop = asyncio.get_running_loop()
        self._open: dict[Deadline, None] = {}  # in the order of their ends
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<Deadlines of {self.seconds} s: {len(self._open)} open>"

    def open(self, deadline: "Deadline") -> None:
        self._open[deadline] = None
        if self._timer is None:
            self._timer = self.loop.call_at(deadline.at, self._look)

    def close(self, deadline: "Deadline") -> None:
        self._open.pop(deadline, None)

    def stop(self) -> None:
        """No exchange is open any more, and none will be."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """At the first ones; the timer is set for the next, which is hardly ever still open by then."""
        now, self._timer = self.loop.time(), None
        while (first := next(iter(self._open), None)) is not None and first.at <= now:
            del self._open[first]
            first.end()
        if first is not None:
            self._timer = self.loop.call_at(max(first.at, now + TICK), self._look)


class Deadline:
    """The end of what its task does within it: a TimeoutError, with the notes of what was cut off. As
    `asyncio.timeout`, it is not taken for a cancellation of the task, nor the other way round."""

    __slots__ = ("_all", "_cancelling", "_over", "_task", "at")

    def __init__(self, deadlines: Deadlines) -> None:
        self._all = deadlines
        self._over = False

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline is of a task")
        self._task, self._cancelling = task, task.cancelling()
        self.renew()
        return self

    def renew(self) -> None:
        """It has all of its time from now on."""
        self._all.close(self)
        self.at = self._all.loop.time() + self._all.seconds
        self._all.open(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._all.close(self)
        if self._over and self._task.uncancel() <= self._cancelling and isinstance(error, asyncio.CancelledError):
            late = TimeoutError(f"it took {self._all.seconds:g} s")
            for note in getattr(error, "__notes__", ()):
                late.add_note(note)
            raise late from error

    def end(self) -> None:
        """Its time is over."""
        self._over = True
        self._task.cancel()
