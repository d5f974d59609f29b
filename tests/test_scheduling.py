"""The scheduling files: one night by the script that all of them call, units that systemd accepts, lines that match."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bulkmail.sim import Settings
from bulkmail.testing.tenant import Tenant, open_tenant, write_job, write_list

FOLDER = Path(__file__).parents[1] / "configs" / "scheduling"
NIGHTLY = FOLDER / "nightly.sh"
UNITS = ("bulkmail.service", "bulkmail.timer", "bulkmail-alarm@.service")
REPORT = '[input]\npath = "mailboxes.csv"\n\n[task]\nname = "settings.report"\n'
FAKE = """#!/bin/sh
echo "$@" >> {log}
[ "$1" = prune ] && exit 0
printf '{{\\n  "directory": "{folder}/night",\\n  "task": "t"\\n}}\\n'
exit {code}
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a shell script, and units of systemd")


@dataclass
class Nights:
    """A folder, and a program in the place of bulkmail that notes how it was called."""

    folder: Path

    def night(self, code: int, *more: str) -> tuple[int, list[str]]:
        """The exit code of the script, where bulkmail has this one, and the commands that it gave."""
        program, log = self.folder / "bulkmail", self.folder / "log"
        log.write_text("")
        program.write_text(FAKE.format(log=log, folder=self.folder, code=code))
        program.chmod(0o755)
        done = subprocess.run(
            ["sh", NIGHTLY, "job.toml", self.folder, *more],
            env={"BULKMAIL": str(program), "PATH": "/usr/bin:/bin"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, log.read_text().splitlines()


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path)


@pytest.mark.parametrize(("code", "told"), [(0, 0), (3, 0), (1, 1), (2, 2), (4, 4), (7, 7), (8, 8), (9, 9)])
def test_a_night_runs_and_deletes_old_runs(nights: Nights, code: int, told: int) -> None:
    found, commands = nights.night(code, "--drift")
    assert found == told
    run, prune = commands
    assert run.startswith(f"run job.toml --check --output {nights.folder}/{{task}}-{{date}} --max-duration 5h")
    assert run.endswith("--json --drift")
    assert prune == f"prune {nights.folder} --keep 30 --yes"
    assert not (nights.folder / "stopped").exists()


@pytest.mark.parametrize("code", [5, 129, 130, 143])
def test_a_night_that_was_stopped_is_gone_on_with(nights: Nights, code: int) -> None:
    assert nights.night(code)[0] == code
    assert nights.night(5)[1][0].startswith(f"resume {nights.folder}/night --max-duration 5h")
    assert nights.night(0)[1][0].startswith("resume ")
    assert nights.night(0)[1][0].startswith("run ")


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    settings = Settings(mailboxes=20, absent=0.0, denied=0.0, moving=0.0)
    with open_tenant(tmp_path_factory.mktemp("tenant"), settings) as opened:
        yield opened


def test_a_real_night_is_stopped_and_the_next_one_finishes_it(tenant: Tenant, tmp_path: Path) -> None:
    write_list(tmp_path, tenant.addresses())
    job = write_job(tmp_path, tenant.simulator, tenant.app, REPORT)
    program = tmp_path / "bulkmail"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m bulkmail "$@"\n')
    program.chmod(0o755)
    results = tmp_path / "results"
    results.mkdir()

    def night(box: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", NIGHTLY, job, results],
            env={"BULKMAIL": str(program), "PATH": "/usr/bin:/bin", "BOX": box}, cwd=FOLDER.parents[1],
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip

    first = night("1ms")
    assert first.returncode == 5, first.stderr
    second = night("1h")
    assert second.returncode == 0, second.stderr
    summary = json.loads((results / "last.json").read_text())
    assert summary["statuses"]["ok"] == 20
    assert [one.name for one in results.iterdir() if one.is_dir()] == [Path(summary["directory"]).name]
    assert all(json.loads(line) for line in second.stderr.splitlines() if line.startswith("{"))


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """In a root that has the programs that they name, since those are not on this machine."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd here")
    units = tmp_path / "etc" / "systemd" / "system"
    units.mkdir(parents=True)
    shutil.copytree("/lib/systemd/system", tmp_path / "usr" / "lib" / "systemd" / "system", symlinks=True)
    for name in UNITS:
        shutil.copy(FOLDER / name, units)
    for line in re.findall(r"^ExecStart=(\S+)", "".join((FOLDER / name).read_text() for name in UNITS), re.MULTILINE):
        program = tmp_path / line.lstrip("/")
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    names = [name.replace("@.", "@x.") for name in UNITS]
    done = subprocess.run(
        ["systemd-analyze", "verify", f"--root={tmp_path}", "--man=no", *names],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_all_of_them_call_the_same_script_with_the_same_limits() -> None:
    texts = {name: (FOLDER / name).read_text() for name in ("bulkmail.service", "crontab", "cronjob.yaml")}
    for name, text in texts.items():
        assert "/opt/bulkmail/bin/nightly.sh" in text, name
        assert "/var/lib/bulkmail" in text, name
    assert "OnCalendar=*-*-* 01:15:00" in (FOLDER / "bulkmail.timer").read_text()
    assert '"15 1 * * *"' in texts["cronjob.yaml"]
    assert re.search(r"^15 1 \* \* \*  cd ", texts["crontab"], re.MULTILINE)
    assert "%" not in re.sub(r"\\%", "", texts["crontab"].splitlines()[-1]), "cron ends a command at a bare %"


def test_the_container_is_for_a_user_of_its_own_and_writes_nowhere_else() -> None:
    container, cronjob = (FOLDER / "Containerfile").read_text(), (FOLDER / "cronjob.yaml").read_text()
    user = re.search(r"^USER (\d+):(\d+)$", container, re.MULTILINE)
    assert user is not None
    assert user[1] == user[2] == "10001"
    assert f"runAsUser: {user[1]}" in cronjob
    assert f"fsGroup: {user[2]}" in cronjob
    assert "readOnlyRootFilesystem: true" in cronjob
    assert "mountPath: /tmp" in cronjob
    assert set(re.findall(r"mountPath: (/\S+?)[,}]", cronjob)) == {"/etc/bulkmail", "/var/lib/bulkmail", "/tmp"}
