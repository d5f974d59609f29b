"""One round: mailboxes that are untouched, and a run over them that is disturbed until it is complete.

Beside it stands what an undisturbed run makes of the same mailboxes: the twin, in another tenant of the same seed in
which nothing goes wrong. One twin serves many rounds.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue

from tests.torture.starts import Starter, open_starter
from tests.torture.tenant import Json, Tenant, open_tenant
from tests.torture.trials import SETTLE, Trial

ENDED = (0, 3)
"""Exit codes of a run in which every mailbox had its turn."""

LIMITS = f"max_attempts = 20\nsettle = {SETTLE}\n"
NARROW = "requests_in_flight = 8\n"
CLEAN = ("--plain", "--absent", "0", "--denied", "0")
STILL = ("--moving", "0")
"""Nothing goes wrong: no mailbox is just being moved, which would leave what may not be repeated in doubt."""


@dataclass(frozen=True, slots=True)
class Round:
    """`folder` gets the job and, in `out`, the results; `twin_out` has the results of the twin."""

    trial: Trial
    folder: Path
    addresses: Sequence[str]
    tenant: Tenant
    twin: Tenant
    twin_out: Path

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def both(self) -> tuple[Tenant, Tenant]:
        return self.tenant, self.twin

    def prepare(self, limits: str = NARROW) -> None:
        write_job(self.trial, self.folder, self.tenant.app, self.addresses, limits)

    def command(self, *flags: str) -> list[str]:
        """How to begin, or to go on."""
        if (self.out / "run.json").exists():
            return ["resume", "out", "--no-progress", *flags]
        return [*begin(self.trial), *flags]

    def said(self, *names: str) -> str:
        """What the last start wrote to these; nothing, if it died before it could."""
        files = [self.folder / name for name in names or ("said.err",)]
        return "".join(file.read_text(encoding="utf-8") for file in files if file.exists())


def begin(trial: Trial) -> list[str]:
    return ["run", "job.toml", "--no-progress", *(("--apply",) if trial.writes else ())]


def write_job(trial: Trial, folder: Path, app: Json, addresses: Sequence[str], limits: str) -> None:
    folder.mkdir(parents=True)
    (folder / "mailboxes.csv").write_text("\n".join(["mailbox", *addresses]) + "\n", encoding="utf-8")
    table = "\n".join(f"{key} = {json.dumps(value)}" for key, value in app.items())
    (folder / "job.toml").write_text(
        f'[app]\n{table}\n\n[input]\npath = "mailboxes.csv"\n\n[output]\ndirectory = "out"\n\n'
        f"[limits]\n{LIMITS}{limits}\n[task]\n{trial.table}\n",
        encoding="utf-8",
    )
    for name, text in trial.files.items():
        (folder / name).write_text(text, encoding="utf-8")


class Ground:
    """Where a trial is held: its tenant, the twin's, and a starter for each lane."""

    def __init__(self, trial: Trial, folder: Path, tenant: Tenant, twin: Tenant, starters: Sequence[Starter]) -> None:
        self.trial = trial
        self.folder = folder
        self.tenant = tenant
        self.twin = twin
        self.lanes = len(starters)
        self._free: SimpleQueue[Starter] = SimpleQueue()
        self._made = 0
        for starter in starters:
            self._free.put(starter)

    @contextmanager
    def starter(self) -> Iterator[Starter]:
        """One that is used by this round alone until the block ends."""
        starter = self._free.get()
        try:
            yield starter
        finally:
            self._free.put(starter)

    def rounds(self, number: int, mailboxes: int) -> list[Round]:
        """New rounds, with their twin run. Call it from one thread."""
        self._made += 1
        addresses = self.tenant.take(number * mailboxes)
        self.twin.take(number * mailboxes)
        folder = self.folder / f"{self.trial.name}-{self._made}"
        if self.trial.before:
            earlier = replace(self.trial, files=self.trial.before)
            for name, tenant in (("earlier", self.tenant), ("twin-earlier", self.twin)):
                self._undisturbed(earlier, folder / name, tenant, addresses)
        self._undisturbed(self.trial, folder / "twin", self.twin, addresses)
        parts = [addresses[place * mailboxes :][:mailboxes] for place in range(number)]
        return [
            Round(self.trial, folder / str(place), part, self.tenant, self.twin, folder / "twin" / "out")
            for place, part in enumerate(parts)
        ]

    def _undisturbed(self, trial: Trial, folder: Path, tenant: Tenant, addresses: Sequence[str]) -> None:
        write_job(trial, folder, tenant.app, addresses, "")
        with self.starter() as start:
            ended = start(folder, *begin(trial))
        if ended.code != 0:
            said = (folder / "said.err").read_text(encoding="utf-8")
            raise RuntimeError(f"{trial.name}: an undisturbed run ended with {ended.code}: {said}")


@contextmanager
def open_ground(
    trial: Trial,
    folder: Path,
    lanes: int,
    *,
    faults: bool,
    latency: str = "20ms",
    mailboxes: int = 200_000,
    place: Sequence[str] = (),
) -> Iterator[Ground]:
    """A ground until the block ends; `mailboxes` are what all its rounds together may use up. `place` are
    flags that say where the tenant is."""
    flags = ["--mailboxes", str(mailboxes), *CLEAN]
    struck = [word for fault in trial.faults for word in ("--fault", fault)] if faults else STILL
    with ExitStack() as opened:
        tenant = opened.enter_context(open_tenant(folder / "tenant", *flags, "--latency", latency, *struck, *place))
        twin = opened.enter_context(open_tenant(folder / "twin", *flags, *STILL))
        starters = [opened.enter_context(open_starter()) for _ in range(lanes)]
        yield Ground(trial, folder, tenant, twin, starters)
