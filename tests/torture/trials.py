"""What is tortured: a task of each effect class, its job, and the troubles of its tenant. A table; does nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TASKS = Path(__file__).with_name("tasks.py")

SETTLE = 0.5
"""Seconds that a job waits before it looks for a write whose answer was lost."""

LATE = 0.3
"""Seconds after which a late effect takes place: less than SETTLE, as the promise has it."""

READ_FAULTS = (
    "reset-before:share=0.03", "lost:share=0.03", "reset-in-body:share=0.02", "gateway:share=0.03",
    "status:status=503,share=0.03", "late:share=0.02,seconds=0.3",
)  # fmt: skip
WRITE_FAULTS = (
    "reset-before:share=0.03,times=1", "lost:share=0.08,times=1", f"late:share=0.08,times=1,seconds={LATE}",
    "gateway:share=0.05,times=1", "status:status=503,share=0.02,times=1",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trial:
    """`table` is the `[task]` of the job. `kinds` are what the tenant holds and is compared with that of the twin.
    `once` finds the routes, in the books, that may work once for a key. `doubtful` tasks may end `unknown`.
    `heading` and `cells` are what an input row has beside its mailbox, and `files` what the job names."""

    name: str
    effect: str
    table: str
    kinds: Sequence[str] = ()
    once: str = ""
    doubtful: bool = False
    faults: Sequence[str] = WRITE_FAULTS
    heading: str = ""
    cells: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def writes(self) -> bool:
        return self.effect != "read"


TRIALS = (
    Trial("settings.report", "read", 'name = "settings.report"', faults=READ_FAULTS),
    Trial("torture.keyed", "keyed", f'name = "{TASKS}:keyed"', kinds=("contacts",), once="contacts"),
    Trial("torture.direct", "none", f'name = "{TASKS}:direct"', kinds=("sent",), once="sendMail", doubtful=True),
)
