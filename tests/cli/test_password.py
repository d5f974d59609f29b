"""The password of a locked key: asked for at a terminal, and only there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bulkmail.identity.issue import to_pfx
from bulkmail.identity.keyfile import load_key_pair
from bulkmail.identity.secret import Secret
from tests.cli.conftest import REPORT, Desk

pytestmark = pytest.mark.skipif(os.name != "posix", reason="terminals are POSIX")


PASSWORD = "pass-c4n4ry"


def locked(desk: Desk) -> Path:
    """A job whose key is locked by a password that stands nowhere."""
    key = desk.folder / "locked.pfx"
    key.write_bytes(to_pfx(load_key_pair(desk.tenant.app.certificate), "locked", Secret(PASSWORD)))
    key.chmod(0o600)
    return desk.job(REPORT, certificate=str(key))


def at_a_terminal(typed: str, *arguments: str | Path) -> tuple[int, str]:
    """The exit code of `bulkmail ARGUMENTS`, and what a person sees who types this when asked."""
    there, here = os.openpty()
    # Opened by the leader of a session, the terminal becomes the one that passwords are read from.
    command = ["sh", "-c", f'exec "$@" <>{os.ttyname(here)} >&0 2>&0', "sh", sys.executable, "-m", "bulkmail"]
    with subprocess.Popen([*command, *map(str, arguments)], start_new_session=True) as process:
        try:
            seen = b""
            while not seen.endswith(b"private key: "):
                seen += os.read(there, 65536)
            os.write(there, f"{typed}\n".encode())
            code = process.wait(300)
        finally:
            process.kill()
    os.close(here)  # not before: a terminal that no process holds is at its end
    while block := _read(there):
        seen += block
    os.close(there)
    return code, seen.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how the end is told
        return b""


def test_a_person_is_asked_and_the_password_is_not_shown(desk: Desk) -> None:
    code, seen = at_a_terminal(PASSWORD, "token", locked(desk))
    assert "is locked by a password" in seen
    assert "Password of the private key" in seen
    assert (code, seen.count("roles")) == (0, 1)
    after = seen.partition("Password of the private key")[2]
    assert PASSWORD not in after


def test_a_program_is_not_asked(desk: Desk) -> None:
    for arguments in (("token",), ("run", "--no-progress")):
        done = desk.bulkmail(arguments[0], locked(desk), *arguments[1:])
        assert done.code == 4
        assert "is locked by a password, and none was given" in done.err
        assert not done.folder.exists()
