"""One round: mailboxes that nobody has touched, a run over them that is disturbed, and its twin that is not.

The twin is the same run against another tenant of the same seed, in which nothing goes wrong.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.torture.starts import Start, Starter
from tests.torture.tenant import Json, Tenant
from tests.torture.trials import SETTLE, Trial

ENDED = (0, 3)
"""Exit codes of a run in which every mailbox had its turn."""

LIMITS = f"requests_in_flight = 8\nmax_attempts = 20\nsettle = {SETTLE}\n"


@dataclass(frozen=True, slots=True)
class Round:
    """`folder` has the disturbed run in `run` and its twin in `twin`, each with its results in `out`."""

    trial: Trial
    folder: Path
    addresses: Sequence[str]
    tenant: Tenant
    twin: Tenant
    start: Starter

    @property
    def out(self) -> Path:
        return self.folder / "run" / "out"

    @property
    def twin_out(self) -> Path:
        return self.folder / "twin" / "out"

    def prepare(self, limits: str = "") -> float:
        """Writes the jobs and runs the twin. Returns the seconds that the twin took."""
        for name, tenant in (("run", self.tenant), ("twin", self.twin)):
            self._write(self.folder / name, tenant.app, limits)
        ended = self.start(self.folder / "twin", *self._run())
        if ended.code != 0:
            said = (self.folder / "twin" / "said.err").read_text(encoding="utf-8")
            raise RuntimeError(f"{self.trial.name}: an undisturbed run ended with {ended.code}: {said}")
        return ended.seconds

    def command(self, *flags: str) -> list[str]:
        """How to begin the disturbed run, or to go on with it."""
        if not (self.out / "run.json").exists():
            return [*self._run(), *flags]
        return ["resume", "out", "--no-progress", *flags]

    def go_on(self, *flags: str, **options: object) -> Start:
        return self.start(self.folder / "run", *self.command(*flags), **options)  # type: ignore[arg-type]  # passed on

    def _run(self) -> list[str]:
        return ["run", "job.toml", "--no-progress", *(("--apply",) if self.trial.writes else ())]

    def _write(self, folder: Path, app: Json, limits: str) -> None:
        folder.mkdir(parents=True)
        heading, cells = self.trial.heading, self.trial.cells
        lines = [f"mailbox{heading}", *(f"{address}{cells}" for address in self.addresses)]
        (folder / "mailboxes.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        table = "\n".join(f"{key} = {json.dumps(value)}" for key, value in app.items())
        (folder / "job.toml").write_text(
            f'[app]\n{table}\n\n[input]\npath = "mailboxes.csv"\n\n[output]\ndirectory = "out"\n\n'
            f"[limits]\n{LIMITS}{limits}\n[task]\n{self.trial.table}\n",
            encoding="utf-8",
        )
