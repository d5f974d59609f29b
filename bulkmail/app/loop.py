"""Starts the event loop, uvloop where it is installed, and turns signals into a wish to stop."""

import asyncio
import errno
import gc
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from inspect import CORO_CREATED, getcoroutinestate
from types import FrameType
from typing import Any, Protocol, TypeVar

from bulkmail.run.stop import HANGUP, INTERRUPTED, Stop

T = TypeVar("T")

GARBAGE = (50_000, 20, 5)
"""Thresholds of the garbage collector. Nearly everything goes by reference counts; what a thousand mailboxes in flight
hold is not garbage, and looking through it every 700 objects took a sixth of all CPU time."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """The result of `main`."""
    with (
        begun_or_closed(main),
        _closed_in_peace(asyncio.Runner(loop_factory=_factory())) as runner,
        _rare_collections(),
    ):
        return runner.run(_unlisted(main))


@contextmanager
def _closed_in_peace(runner: asyncio.Runner) -> Iterator[asyncio.Runner]:
    """Closes it. An interrupt that comes meanwhile changes nothing, since only threads are waited for, which Python
    would wait for anyway, and which fail where their loop is closed before they end. A second one ends the program."""
    try:
        yield runner
    finally:
        with _one_interrupt_ignored():
            runner.close()


@contextmanager
def _one_interrupt_ignored() -> Iterator[None]:
    usual = signal.getsignal(signal.SIGINT)
    if usual is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, lambda number, _frame: signal.signal(number, usual))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


@contextmanager
def begun_or_closed(main: Coroutine[Any, Any, object]) -> Iterator[None]:
    """Closes a coroutine that was not begun in the block, since an interrupt came before: Python would warn of it."""
    try:
        yield
    finally:
        if getcoroutinestate(main) == CORO_CREATED:
            main.close()


async def _unlisted(main: Coroutine[Any, Any, T]) -> T:
    """Without the loop's list of all async generators, which a task a mailbox pays for and only a loop that is closed
    over forsaken ones would need; one that is dropped unfinished is finished by the loop all the same."""
    sys.set_asyncgen_hooks(firstiter=None)
    return await main


@contextmanager
def _rare_collections() -> Iterator[None]:
    """While the loop runs, modules and classes are not looked at again and again, and the rest not often. What was
    frozen before stays so."""
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        if not frozen:
            gc.unfreeze()


def _factory() -> Callable[[], asyncio.AbstractEventLoop]:
    if find_spec("uvloop") is None:
        return asyncio.new_event_loop
    import uvloop  # noqa: PLC0415 - an extra that may be missing

    return lambda: leaving_as_it_is(uvloop.new_event_loop())


class Closed(Protocol):
    """What can be closed, as an event loop."""

    def close(self) -> None: ...


C = TypeVar("C", bound=Closed)


def leaving_as_it_is(loop: C) -> C:
    """A loop whose `close` does not fail a run that has ended: on a machine with ten programs a core, libuv was once
    seen to find itself busy (EBUSY) after everything had ended. The process is about to end, and needs no more."""
    close = loop.close

    def closed() -> None:
        try:
            close()
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise

    loop.close = closed  # type: ignore[method-assign]
    return loop


@contextmanager
def interruptible(stop: Stop, note: Callable[[str], None]) -> Iterator[None]:
    """The first interrupt asks the run to stop, the second cancels it, and a third ends the program as it would without
    us. Interrupts are counted, whatever else has asked the run to stop.

    Inside the running loop. Signals come to the main thread only, so in another one this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop, main = asyncio.get_running_loop(), asyncio.current_task()
    arrived = 0

    def hear(number: int) -> None:
        nonlocal arrived
        if arrived and INTERRUPTED[number] is HANGUP:
            return  # a shell and the kernel both tell of a terminal that is closed: that is one wish
        arrived += 1
        if arrived == 1:
            stop.ask(INTERRUPTED[number])
            note("stopping: what is in flight is finished; once more to stop at once")
        elif main is not None:
            restore()
            main.cancel()

    def arrive(number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(hear, number)

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    before = {number: signal.signal(number, arrive) for number in INTERRUPTED if not _is_barred(number)}
    try:
        yield
    finally:
        restore()


def _is_barred(number: int) -> bool:
    """`nohup` has a program ignore that its terminal is closed."""
    return INTERRUPTED[number] is HANGUP and signal.getsignal(number) is signal.SIG_IGN
