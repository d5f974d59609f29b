"""A client of neither Microsoft nor ours as a witness: Office365-REST-Python-Client, in a process of its own."""

import asyncio
import json
import sys
from typing import Any

from bulkmail.sim.families.messages.content import count
from tests.sim.desk import Desk, rehearse


async def witness(desk: Desk) -> dict[str, Any]:
    """What the client saw; the token goes in by its standard input."""
    command = ["-W", "ignore", "-m", "tests.sim.office365", desk.sim.graph_url, str(desk.sim.ca_file)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, desk.sim.tenant.address(0),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(300):
        out, err = await process.communicate(desk.token.encode())
    assert process.returncode == 0, err.decode()
    seen: dict[str, Any] = json.loads(out)
    return seen


def test_it_reads_writes_and_sends() -> None:
    async def act(desk: Desk) -> None:
        seen = await witness(desk)
        tenant = desk.sim.tenant
        assert seen["directory"] == list(tenant.addresses())
        assert seen["settings"][1] == "scheduled"
        assert len(seen["messages"]) == count(tenant.seed, 0)
        assert "Witnessed" in seen["folders"]
        assert seen["batch"] > 0
        assert "Fern Dale" in seen["contacts"]
        assert seen["send"] == "Witnessed notice"
        assert seen["rule"] == ["high", "Witnessed"]
        subject, *answers = seen["answers"]
        assert [answer.partition(":")[0] for answer in answers] == ["RE", "RE", "FW"]
        assert all(answer.endswith(subject) for answer in answers)
        assert seen["calendars"][:3] == [20, 1, 3]
        assert not {"Witnessed", "Changed"} & set(seen["event"])
        assert seen["sharing"] == ["read", "write", "Witnessed"]
        assert all(count > 0 for count in seen["surroundings"])
        assert all(count > 0 for count in seen["compliance"])
        assert seen["reports"] == ["Report Refresh Date"] * 7
        assert "ResourceNotFound" in seen["refused"]

    books = rehearse(act, tls=True, mailboxes=120)
    assert not books["lacking"]
    assert not books["breaches"]
    assert not books["effects"]["repeated"]
    assert books["batches"] == 1
