"""What the checks of a job have found out so far, for those that come later. Each check fills in its own part."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bulkmail.app.check.sample import Sample
from bulkmail.app.fingerprint import mode_of
from bulkmail.config import Job
from bulkmail.core.mask import Mask
from bulkmail.identity.credential import Credential
from bulkmail.model import Outcome
from bulkmail.rundir.manifest import Mode
from bulkmail.task.declare import Options, Task


@dataclass(frozen=True, slots=True)
class Probe:
    """What the sample mailboxes answered: how each ended, the bytes of results, and the seconds that it took."""

    outcomes: tuple[Outcome, ...]
    bytes: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Seen:
    """`mailboxes` is None until the input was read, `clocks` are the seconds by which each host is ahead of here. With
    a `mask` no address is told."""

    job: Job
    task: Task
    options: Options
    flags: Mapping[str, Any]
    mask: Mask | None = None
    sample: Sample = field(default_factory=lambda: Sample(random.SystemRandom()))
    mailboxes: int | None = None
    credential: Credential | None = None
    clocks: dict[str, float] = field(default_factory=dict)
    claims: Mapping[str, Any] = field(default_factory=dict)
    probe: Probe | None = None

    @property
    def mode(self) -> Mode:
        return mode_of(self.job, self.task)
