"""`bulkmail sim`: its flags, what it writes, and that what it writes works."""

import asyncio
import csv
import json
import tomllib
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from bulkmail.cli.rehearsal import CLIENT_ID, prepare
from bulkmail.cli.sim import ROLES, faults, seconds, sim
from bulkmail.errors import ConfigError, UsageError
from bulkmail.identity.keyfile import load_key_pair
from bulkmail.identity.secret import read_secret
from bulkmail.sim import Fault, Settings, Simulator, kinds
from bulkmail.sim.families import routes


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command("sim")(sim)
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize(
    ("text", "value"), [("150ms", 0.15), ("2s", 2.0), ("1.5", 1.5), ("10m", 600.0), ("1h", 3600.0), (" 0ms ", 0.0)]
)
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "fast", "-1s", "1y"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(UsageError):
        seconds(text)


def test_faults_of_flags_follow_those_of_the_script(tmp_path: Path) -> None:
    script = tmp_path / "faults.toml"
    script.write_text('[[fault]]\nkind = "portal"\n', encoding="utf-8")
    assert faults(["lost"], script) == (Fault("portal"), Fault("lost"))
    with pytest.raises(UsageError, match="did you mean"):
        faults(["losst"], None)
    with pytest.raises(ConfigError):
        faults([], tmp_path / "nothing.toml")


def test_it_writes_a_directory_to_rehearse_in_and_prints_its_books(tmp_path: Path) -> None:
    directory = tmp_path / "rehearsal"
    found = run("--mailboxes", "30", "--port", "0", "--directory", str(directory), "--stop-after", "10ms")
    assert found.exit_code == 0, found.output
    job = tomllib.loads((directory / "job.toml").read_text(encoding="utf-8"))
    assert job["app"]["graph"] == job["app"]["login"]
    assert job["app"]["graph"].startswith("https://127.0.0.1:")
    with (directory / "mailboxes.csv").open(encoding="utf-8", newline="") as file:
        assert [row["mailbox"] for row in csv.DictReader(file)] == list(Simulator(Settings(mailboxes=30)).addresses())
    assert (directory / "ca.pem").read_text(encoding="utf-8").startswith("-----BEGIN CERTIFICATE-----")
    assert json.loads(found.output[found.output.index("{") :])["requests"] == 0


def test_few_days_are_left_of_a_certificate_that_is_asked_for(tmp_path: Path) -> None:
    directory = tmp_path / "rehearsal"
    flags = ("--mailboxes", "3", "--port", "0", "--directory", str(directory), "--stop-after", "1ms")
    assert run(*flags, "--certificate-days", "10").exit_code == 0
    first = load_key_pair(directory / "app.pfx", read_secret(directory / "app.pass")).certificate
    assert first.days_left() in {9, 10}
    assert run(*flags).exit_code == 0
    kept = load_key_pair(directory / "app.pfx", read_secret(directory / "app.pass")).certificate
    assert kept.pem == first.pem


def test_a_scope_takes_what_exchange_can_grant_out_of_the_token(tmp_path: Path) -> None:
    async def main() -> tuple[frozenset[str], frozenset[str], str, str]:
        async with Simulator(Settings(mailboxes=20)) as simulator:
            group = simulator.groups()["quay 5"]
            await asyncio.to_thread(prepare, simulator, tmp_path, ("Mail.Read", "User.Read.All"), scope=group)
            app = simulator.entra.apps[CLIENT_ID]
            return app.roles, app.scoped_roles, app.scope, group

    roles, scoped, scope, group = asyncio.run(main())
    assert (set(roles), set(scoped), scope) == ({"User.Read.All"}, {"Mail.Read"}, group)


def test_it_tells_the_kinds_of_faults() -> None:
    found = run("--list-faults")
    assert found.exit_code == 0
    assert all(name in found.output for name in kinds())


@pytest.mark.parametrize(
    "flags",
    [
        ("--latency", "fast"),
        ("--fault", "losst"),
        ("--retry-after", "sometimes"),
        ("--batch", "six"),
        ("--scope", "Nobody"),
        ("--absent", "0.9", "--denied", "0.9"),
    ],
)
def test_wrong_flags_are_refused(flags: tuple[str, ...], tmp_path: Path) -> None:
    found = run(*flags, "--directory", str(tmp_path), "--port", "0")
    assert found.exit_code == 2


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    async def main() -> Result:
        async with Simulator(Settings(mailboxes=1)) as simulator:
            port = simulator.graph_url.rpartition(":")[2]
            return await asyncio.to_thread(run, "--port", port, "--directory", str(tmp_path), "--stop-after", "1ms")

    found = asyncio.run(main())
    assert found.exit_code == 7


def test_the_private_directory_is_gone_at_the_end() -> None:
    async def main() -> Path:
        async with Simulator(Settings(mailboxes=1)) as simulator:
            assert simulator.ca_file.parent.stat().st_mode & 0o077 == 0
            assert not list(simulator.ca_file.parent.glob("*.key"))
            return simulator.ca_file

    assert not asyncio.run(main()).parent.exists()


def test_the_app_of_a_rehearsal_may_open_every_resource() -> None:
    granted = set(ROLES.split(","))
    assert [route.name for route in routes() if not route.roles & granted] == []
