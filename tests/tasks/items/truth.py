"""What a tenant holds, and what an export says that it holds; and a mailbox's task driven step by step."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from bulkmail.core.retry import RetryRules
from bulkmail.graph import Graph
from bulkmail.model import NOTHING, Mailbox, Transport
from bulkmail.testing.store import MemoryStore
from bulkmail.testing.tenant import Done, Tenant
from bulkmail.transport import StackSettings, stack
from bulkmail.transport.direct import Aside, DirectSettings, direct
from bulkmail.transport.wire import WireSettings, wire
from tests.sim.desk import Desk
from tests.tasks.rig import Token, unheard

WHOLE: Mapping[str, Any] = {"absent": 0.0, "denied": 0.0, "moving": 0.0, "tls": False}


def streams(tenant: Tenant, address: str) -> dict[str, dict[str, Any]]:
    """By id, what an export of each item of a mailbox should be."""
    return {one["id"]: one for one in tenant.contents("streams", address)}


def exported(done: Done, address: str = "") -> dict[str, dict[str, Any]]:
    """By id, the rows of an export; each item has one."""
    rows = [row for row in done.rows if row["mailbox"] == address or not address]
    found = {row["item_id"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def check(done: Done, tenant: Tenant, address: str) -> dict[str, dict[str, Any]]:
    """The rows of a mailbox are those of the tenant, and each stream lies where its row says."""
    rows, truth = exported(done, address), streams(tenant, address)
    assert rows.keys() == truth.keys()
    for name, row in rows.items():
        if row["state"] == "exported":
            assert (row["sha256"], row["bytes"]) == (truth[name]["sha256"], truth[name]["bytes"])
            assert digest(done.folder, row) == row["sha256"]
    return rows


def digest(folder: Path, row: Mapping[str, Any]) -> str:
    with (folder / row["file"]).open("rb") as file:
        file.seek(row["offset"])
        return sha256(file.read(row["bytes"])).hexdigest()


@asynccontextmanager
async def graph_of(
    desk: Desk,
    store: MemoryStore,
    number: int = 0,
    *,
    guard: Callable[[Transport], Transport] = lambda inner: inner,
    columns: Mapping[str, str] = NOTHING,
) -> AsyncIterator[tuple[Mailbox, Graph]]:
    """A mailbox of a tenant, and Graph as its task sees it, below the whole stack."""
    mailbox = Mailbox(desk.sim.tenant.address(number), number + 2, columns=columns)
    base, rules = f"{desk.sim.graph_url}/v1.0", StackSettings(retries=RetryRules(base=0.01, cap=0.01))
    async with (
        wire(WireSettings(base, "bulkmail-tests")) as terminal,
        direct(DirectSettings(lambda *_: True, "bulkmail-tests")) as there,
        stack(
            terminal, Token(desk.token), rules, unheard, guard=guard, beside=lambda inner: Aside(inner, there)
        ) as built,
    ):
        yield mailbox, Graph.of(mailbox, built.transport, base, store=store, direct=there)
