"""What the tests of attachments share: what a simulated mailbox has attached, and a run of attachments.save by hand."""

import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bulkmail.model import Row
from bulkmail.sim.families.messages.attached import attached, content
from bulkmail.sim.families.messages.kind import ATTACHMENT, MESSAGE
from bulkmail.sim.tenant.store import Item
from bulkmail.sim.world import World
from tests.sim.desk import Desk, rehearse
from tests.tasks.rig import Bench, benched

CALM: dict[str, Any] = {"mailboxes": 8, "absent": 0, "denied": 0, "moving": 0}
FOUND = ("received", "subject")


class Held(NamedTuple):
    """An attachment as the simulator has it; `content` is None of a link."""

    message: str
    item: Item
    content: bytes | None

    @property
    def props(self) -> Mapping[str, Any]:
        return self.item.props


def held(world: World, number: int) -> dict[tuple[str, str], Held]:
    """All that an untouched mailbox has, by the ids of message and attachment."""
    messages, attachments = (kind.of(world.mailboxes.read(number)) for kind in (MESSAGE, ATTACHMENT))
    found = {}
    for message in messages:
        for item in attached(world, number, message) if message.props["hasAttachments"] else ():
            one = Held(messages.id_of(message, immutable=True), item, content(number, item))
            found[one.message, attachments.id_of(item)] = one
    return found


async def now(desk: Desk, number: int) -> list[tuple[str, str, Any, Any, bool, bytes]]:
    """What the messages of a mailbox have attached at this moment, links left out; in an order of their own."""
    found = []
    listing = "/messages?$filter=hasAttachments%20eq%20true&$select=id&$top=500"
    for message in await desk.pages(desk.user(number) + listing, Prefer='IdType="ImmutableId"'):
        path = f"{desk.user(number)}/messages/{message['id']}/attachments"
        for row in await desk.pages(
            f"{path}?$select=id,name,contentType,isInline,microsoft.graph.fileAttachment/contentId"
        ):
            whole = await desk.get(f"{path}/{row['id']}/$value")
            about = (row["name"], row["contentType"], row.get("contentId"), row["isInline"])
            found.append((message["id"], *about, whole.content if whole.status == 200 else b""))
    return sorted(found, key=repr)


def busiest(desk: Desk) -> int:
    """The number of the mailbox with the most attachments."""
    return max(range(len(list(desk.sim.tenant.addresses()))), key=lambda number: len(held(desk.sim.world, number)))


def quietest(desk: Desk) -> int:
    """The number of one with few."""
    many = {number: len(held(desk.sim.world, number)) for number in range(len(list(desk.sim.tenant.addresses())))}
    return min((number for number, count in many.items() if count >= 5), key=many.__getitem__)


async def save(
    desk: Desk, folder: Path, number: int, *, keep: Callable[[Row], bool] = bool, **options: Any
) -> list[Row]:
    """Runs attachments.save and leaves its directory in `folder`; returns the rows that `keep` leaves in the list."""
    async with benched(desk, "attachments.save", folder, options) as bench:
        mailbox = bench.mailbox(number)
        rows = [{"mailbox": mailbox.address, **row} for row in await bench.run(mailbox) if keep(row)]
        _leave(folder, rows, bench.store.files)
    return rows


def _leave(folder: Path, rows: list[Row], files: Mapping[str, bytes]) -> None:
    own = folder / "blobs" / "2-ada@contoso.com"
    own.mkdir(parents=True)
    for name, found in files.items():
        (own / name).write_bytes(found)
    (folder / "records.ndjson").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def stripping(
    folder: Path, act: Callable[[Bench, int, list[Row]], Awaitable[None]], *, keep: Callable[[Row], bool] = bool,
    choose: Callable[[Desk], int] = busiest, saving: Mapping[str, Any] | None = None, **settings: Any,
) -> dict[str, Any]:  # fmt: skip
    """Runs `act` with attachments.strip, the number of a mailbox, and those of its rows that `keep` leaves."""

    async def main(desk: Desk) -> None:
        number = choose(desk)
        rows = await save(desk, folder, number, keep=keep, **(saving or {}))
        async with benched(desk, "attachments.strip", folder, {"saved": "records.ndjson"}) as bench:
            await act(bench, number, rows)

    return rehearse(main, **{**CALM, **settings})
