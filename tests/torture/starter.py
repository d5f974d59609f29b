"""Starts bulkmail many times: a process that has imported it once, and forks a child for each start.

Reads orders from its standard input and writes reports to its standard output, a JSON line each. The child runs the
real `bulkmail.cli.main` with the arguments, the folder and the files of that start, as a process of its own that can
be killed at any moment. What is spared is the second of CPU that an interpreter and its imports take; `exec` in an
order spares nothing and starts `python -m bulkmail`.
"""

import gc
import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from bulkmail.cli import main as bulkmail
from tests.torture.seams import Harm, Seams, Tally

PATIENCE = 180.0
"""Seconds after which a process that still lives is taken for one that hangs."""


def serve() -> None:
    """Until there are no more orders."""
    tally = Tally()
    gc.collect()
    gc.freeze()  # what is here already need not be looked at, nor copied, in each child
    for line in sys.stdin:
        order = json.loads(line)
        tally.clear()
        pid = os.fork()
        if pid == 0:
            _be(order, tally)
        report = _watch(pid, order["signals"], Path(order["folder"], order["since"]))
        told = {"crossings": tally.crossings, "harmed": tally.harmed, "where": tally.where, "sent": tally.sent_after}
        print(json.dumps({"pid": pid, **report, **told}), flush=True)


def _be(order: dict[str, Any], tally: Tally) -> NoReturn:
    """The child: becomes bulkmail, and never returns."""
    code = 1
    try:
        os.chdir(order["folder"])
        _redirect()
        signal.signal(signal.SIGINT, signal.default_int_handler)  # what is started in the background is deaf to it
        if order["exec"]:
            os.execv(sys.executable, [sys.executable, "-m", "bulkmail", *order["arguments"]])
        if order["harm"] is not None:
            Seams(Harm(**order["harm"]), tally).install()
        sys.argv = ["bulkmail", *order["arguments"]]
        bulkmail()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - what a shell would show
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _redirect() -> None:
    """Nothing to read; what is said goes to files that are there for the judge."""
    for number, name, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, "said.out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, "said.err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        file = os.open(name, flags, 0o600)
        os.dup2(file, number)
        os.close(file)


def _watch(pid: int, signals: list[tuple[float, int]], since: Path) -> dict[str, Any]:
    """Sends each signal in its time, counted from when there is a file `since`, and waits for the end. A negative code
    is the signal that ended the process."""
    started, told = time.monotonic(), []
    handle = os.pidfd_open(pid)
    try:
        while not since.exists() and time.monotonic() < started + PATIENCE:
            if select.select([handle], [], [], 0.005)[0]:
                break
        begun = time.monotonic()
        for after, number in (*signals, (PATIENCE, signal.SIGKILL)):
            if select.select([handle], [], [], max(0.0, begun + after - time.monotonic()))[0]:
                break
            told.append(time.monotonic() - started)
            signal.pidfd_send_signal(handle, number)
        hangs = len(told) > len(signals)
    finally:
        os.close(handle)
    _, status, usage = os.wait4(pid, 0)
    return {
        "code": os.waitstatus_to_exitcode(status), "hangs": hangs, "told": told, "begun": begun - started,
        "seconds": time.monotonic() - started, "cpu": usage.ru_utime + usage.ru_stime,
    }  # fmt: skip


if __name__ == "__main__":
    serve()
