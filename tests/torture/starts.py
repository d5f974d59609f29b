"""Orders starts of bulkmail from a starter, and tells what came of each. One start at a time; a lane has its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.torture.seams import Harm


@dataclass(frozen=True, slots=True)
class Start:
    """What came of one. `code` is the exit code, or the number of the signal that ended it, negative. `told` has the
    times at which signals were sent, and `begun` is when there was the file that they waited for; `where` is the seam
    that was harmed, and `sent` how much was sent after that."""

    pid: int
    code: int
    hangs: bool
    told: Sequence[float]
    begun: float
    seconds: float
    cpu: float
    crossings: int
    harmed: bool
    where: str
    sent: int


class Starter:
    """Call it for a start in a folder; `open_starter` makes it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def __call__(
        self,
        folder: Path,
        *arguments: str,
        signals: Sequence[tuple[float, int]] = (),
        since: str = ".",
        harm: Harm | None = None,
        anew: bool = False,
    ) -> Start:
        """`signals` are sent so many seconds after the start, or after there is a file `since` in the folder; with
        `anew` an interpreter of its own is started."""
        order: dict[str, Any] = {
            "folder": str(folder), "arguments": arguments, "signals": signals, "since": since, "exec": anew,
            "harm": asdict(harm) if harm else None,
        }  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Start(**json.loads(self._process.stdout.readline()))


@contextmanager
def open_starter() -> Iterator[Starter]:
    """A starter until the block ends, deaf to the BULKMAIL_ variables of this process."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.torture.starter"],
        env={name: value for name, value in os.environ.items() if not name.startswith("BULKMAIL_")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Starter(process)  # its orders end with the block, and so does it
