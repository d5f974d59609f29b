"""What stands around a process: its umask, its core, its environment, and a directory that is taken from under it."""

import os
import resource
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bulkmail.cli.dumps import keep_no_core
from tests.hostile.server import Asked, http
from tests.hostile.tenant import tenant

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes, cores and links are POSIX")


@pytest.mark.parametrize("umask", [0o000, 0o777], ids=oct)
def test_a_new_key_is_private_whatever_the_umask(umask: int, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "bulkmail",
        "cert",
        "new",
        "app",
        "--out",
        str(tmp_path / "made"),
        "--key-size",
        "2048",
    ]
    given = {**os.environ, "BULKMAIL_CERTIFICATE_PASSWORD": "pass-c4n4ry-long"}
    done = subprocess.run(command, env=given, umask=umask, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "made").iterdir()}
    assert modes == {"app.pfx": 0o600, "app.cer": 0o644, "app.keycredentials.json": 0o644}


def test_no_core_is_left_behind() -> None:
    before = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
        keep_no_core()
        assert resource.getrlimit(resource.RLIMIT_CORE) == (0, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)


@pytest.mark.parametrize("name", ["BULKMAIL_GRAPH", "BULKMAIL_LOGIN"])
def test_a_host_in_the_environment_is_not_of_a_cloud(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token for Microsoft's cloud is not sent to the host of a variable."""
    (tmp_path / "mailboxes.csv").write_text("mailbox\nada@contoso.com\n")
    (tmp_path / "job.toml").write_text(
        '[app]\ntenant_id = "contoso.com"\nclient_id = "11111111-2222-3333-4444-555555555555"\n'
        '[input]\npath = "mailboxes.csv"\n'
    )
    monkeypatch.setenv("BULKMAIL_CLIENT_SECRET", "s3cret")
    monkeypatch.setenv(name, "https://evil.example")
    command = [sys.executable, "-m", "bulkmail", "run", "job.toml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 2
    assert 'go with cloud = "custom"' in done.stderr


def test_an_answer_in_a_coding_that_was_not_asked_for_is_that_mailboxs_failure(tmp_path: Path) -> None:
    def answer(asked: Asked, connected: socket.socket) -> None:
        assert "br" not in asked.headers.get("accept-encoding", "").split(", ")
        broken = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: br\r\n"
        broken += b"Content-Length: 4\r\n\r\n\x0b\x02\x80["
        connected.sendall(broken if "ada" in asked.path else http({"value": [{"name": "x"}]}))

    with tenant(tmp_path, answer, ["ada@contoso.com", "alan@contoso.com"]) as made:
        done = made.run()
    assert done.code == 3
    assert done.statuses() == {"ada@contoso.com": "failed", "alan@contoso.com": "ok"}


def test_nothing_is_written_into_a_directory_that_was_put_in_its_place(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "run.json").write_text("mine")

    def answer(_asked: Asked, connected: socket.socket) -> None:
        if not (tmp_path / "moved").exists():
            (tmp_path / "out").rename(tmp_path / "moved")
            (tmp_path / "out").symlink_to(victim, target_is_directory=True)
        connected.sendall(http({"value": [{"name": "x"}]}))

    with tenant(tmp_path, answer, ["ada@contoso.com"]) as made:
        done = made.run()
    assert done.code == 7
    assert "is another directory than the run began in" in done.err
    assert {path.name: path.read_text() for path in victim.iterdir()} == {"run.json": "mine"}
