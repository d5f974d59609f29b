"""One mailbox, or the task on it, ends nothing but itself."""

import socket
from pathlib import Path

import pytest

from tests.hostile.server import Asked, http
from tests.hostile.tenant import tenant

GOOD = http({"value": [{"name": "x"}]})


@pytest.mark.parametrize(
    "how", ["SystemExit(3)", "KeyboardInterrupt", "GeneratorExit", "RecursionError", "MemoryError"]
)
def test_a_task_that_would_end_the_program_ends_its_mailbox(tmp_path: Path, how: str) -> None:
    def answer(_asked: Asked, connected: socket.socket) -> None:
        connected.sendall(GOOD)

    with tenant(tmp_path, answer, ["ada@contoso.com", "alan@contoso.com"]) as made:
        task = (tmp_path / "probe.py").read_text()
        raising = f'    if mailbox.address.startswith("ada"):\n        raise {how}\n'
        (tmp_path / "probe.py").write_text(task.replace("    async for", f"{raising}    async for"))
        done = made.run()
    assert done.code == 3, done.err
    assert done.statuses() == {"ada@contoso.com": "failed", "alan@contoso.com": "ok"}


@pytest.mark.parametrize("challenge", ["", 'Bearer claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'], ids=["plain", "claims"])
def test_one_mailbox_that_refuses_the_token_does_not_end_the_run(tmp_path: Path, challenge: str) -> None:
    refusal = http(
        {"error": {"code": "InvalidAuthenticationToken"}}, "401 No", {"WWW-Authenticate": challenge or "Bearer"}
    )
    given: list[Asked] = []

    def answer(asked: Asked, connected: socket.socket) -> None:
        connected.sendall(refusal if "/ada" in asked.path else GOOD)

    def post(asked: Asked, connected: socket.socket) -> None:
        given.append(asked)
        token = f"t0ken-of-this-run-{len(given)}"
        connected.sendall(http({"token_type": "Bearer", "expires_in": 3600, "access_token": token}))

    names = [f"{name}@contoso.com" for name in ("alan", "grace", "ada", "edsger")]
    with tenant(tmp_path, answer, names, post=post) as made:
        done = made.run()
    assert done.code == 3, done.err
    assert done.statuses() == {name: "denied" if "ada" in name else "ok" for name in names}
    assert len(given) < 10


@pytest.mark.parametrize("asked", [
    'graph.get("/things\\r\\nX-Evil: 1")', 'graph.get("/../alan@contoso.com/things")', 'graph.get("/a\\0b")',
    'graph.get("/%2e%2e/alan@contoso.com/things")', 'graph.get("/things", headers={"Host": "evil.example"})',
    'graph.get("/things", headers={"X": "1\\r\\nAuthorization: Bearer x"})',
    'graph.get("/things", headers={"Authorization": "Bearer x"})', 'graph.get("/{}/x", "..")',
])  # fmt: skip
def test_what_a_task_asks_for_never_leaves_its_mailbox(tmp_path: Path, asked: str) -> None:
    def answer(_asked: Asked, connected: socket.socket) -> None:
        connected.sendall(GOOD)

    with tenant(tmp_path, answer, ["ada@contoso.com", "alan@contoso.com"]) as made:
        task = (tmp_path / "probe.py").read_text()
        astray = f'    if mailbox.address.startswith("ada"):\n        await {asked}\n'
        (tmp_path / "probe.py").write_text(task.replace("    async for", f"{astray}    async for"))
        done = made.run()
        heard = [one.path for one in made.graph.heard]
    assert done.code == 3, done.err
    assert done.statuses() == {"ada@contoso.com": "failed", "alan@contoso.com": "ok"}
    assert heard == ["/v1.0/users/alan@contoso.com/things"]
