"""The event loop's start: what `main` gives, and a garbage collector that is afterwards as it was."""

import asyncio
import errno
import gc
import inspect
import os
import signal
import threading
import time
from collections.abc import AsyncIterator

import pytest

from bulkmail.app.loop import GARBAGE, begun_or_closed, interruptible, leaving_as_it_is, run
from bulkmail.run.stop import INTERRUPTED, TIME_BOX, Stop

posix = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")


async def thresholds() -> tuple[int, int, int]:
    return gc.get_threshold()


async def broken() -> None:
    raise ValueError("broken")


def test_collections_are_rare_while_the_loop_runs_and_not_afterwards() -> None:
    before = gc.get_threshold()
    gc.unfreeze()
    assert run(thresholds()) == GARBAGE != before
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
    gc.freeze()  # as the tests found it


def test_what_was_frozen_before_stays_frozen() -> None:
    gc.freeze()
    frozen = gc.get_freeze_count()
    run(thresholds())
    assert gc.get_freeze_count() >= frozen > 0


def test_an_error_ends_it_in_the_same_way() -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="broken"):
        run(broken())
    assert gc.get_threshold() == before


def test_an_interrupt_before_the_beginning_leaves_nothing_that_python_would_warn_of() -> None:
    main = thresholds()
    with pytest.raises(KeyboardInterrupt), begun_or_closed(main):
        raise KeyboardInterrupt
    assert inspect.getcoroutinestate(main) == inspect.CORO_CLOSED


@posix
def test_an_interrupt_while_it_is_closed_waits_for_its_threads() -> None:
    """The thread that tells the loop of their end failed, since the loop was closed."""
    ended, known = threading.Event(), set[threading.Thread]()

    def interrupt() -> None:
        while not known or known.issuperset(threading.enumerate()):  # until the loop waits for this one, in one more
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)
        ended.set()

    async def main() -> None:
        _ = asyncio.get_running_loop().run_in_executor(None, interrupt)
        known.update(threading.enumerate())

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run(main())
    except KeyboardInterrupt:
        pytest.fail("its end was interrupted")
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.is_set()


def test_a_generator_that_is_dropped_unfinished_is_finished_by_the_loop() -> None:
    finished = asyncio.Event()

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            finished.set()

    async def drop_one() -> None:
        async for _ in numbers():
            break
        await finished.wait()

    run(drop_one())
    assert finished.is_set()


async def interrupted(stop: Stop, times: int, notes: list[str]) -> None:
    """A run that gets interrupts from a terminal, and takes a while to end."""
    with interruptible(stop, notes.append):
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0.02)


@posix
def test_the_first_interrupt_asks_and_the_second_cancels() -> None:
    stop, notes = Stop(), list[str]()
    run(interrupted(stop, 1, notes))
    assert stop.reason is INTERRUPTED[signal.SIGINT]
    with pytest.raises(asyncio.CancelledError):
        run(interrupted(Stop(), 2, notes))
    assert len(notes) == 2


@posix
def test_the_first_interrupt_cancels_nothing_though_the_time_box_has_asked_already() -> None:
    stop, notes = Stop(), list[str]()
    stop.ask(TIME_BOX)
    run(interrupted(stop, 1, notes))
    assert stop.reason is TIME_BOX
    assert "once more" in notes[0]
    with pytest.raises(asyncio.CancelledError):
        run(interrupted(stop, 2, notes))


@posix
def test_signals_are_handled_afterwards_as_before() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    run(interrupted(Stop(), 1, []))
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


async def hung_up(stop: Stop, notes: list[str], *numbers: int) -> None:
    with interruptible(stop, notes.append):
        for number in numbers:
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.02)


@posix
def test_a_terminal_that_is_closed_ends_the_run_as_a_termination_does() -> None:
    """Told twice, by the shell and by the kernel, it is one wish: what is in flight is still finished."""
    stop, notes = Stop(), list[str]()
    run(hung_up(stop, notes, signal.SIGHUP, signal.SIGHUP))
    assert stop.reason == INTERRUPTED[signal.SIGHUP]
    assert stop.reason.code == 129
    assert len(notes) == 1


@posix
def test_under_nohup_it_goes_on() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        stop = Stop()
        run(hung_up(stop, [], signal.SIGHUP))
        assert stop.reason is None
    finally:
        signal.signal(signal.SIGHUP, before)


class Busy:
    def __init__(self, number: int) -> None:
        self.number = number

    def close(self) -> None:
        raise OSError(self.number, "no")


def test_a_loop_that_is_busy_at_its_end_does_not_fail_the_run() -> None:
    leaving_as_it_is(Busy(errno.EBUSY)).close()
    with pytest.raises(OSError, match="no"):
        leaving_as_it_is(Busy(errno.EBADF)).close()
