"""The second night reads what has changed, and misses nothing: replays, expired links, moves and parts of messages."""

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bulkmail.errors import ConfigError, GraphError
from bulkmail.graph import Graph
from bulkmail.model import Request, Response, Row
from bulkmail.sim import Settings
from bulkmail.sim.families.folders.content import ARCHIVE, DELETED, INBOX, SENT
from bulkmail.sim.families.messages.kind import MESSAGE
from bulkmail.tasks import check_options
from bulkmail.tasks.messages.find import messages_find
from bulkmail.testing import Scripted, collect, run
from bulkmail.testing.store import MemoryStore
from bulkmail.testing.tenant import open_tenant
from tests.tasks.messages.mail import ADA, BASE, CALM, held, message, put
from tests.tasks.rig import Bench, on_bench

SINCE: dict[str, Any] = {"since": "last", "removed": True}


class Nights:
    """A job of many nights over one mailbox: what a night leaves, the next one finds."""

    def __init__(self, bench: Bench, number: int) -> None:
        self.bench = bench
        self.number = number
        self.state: Mapping[str, Any] = {}

    async def night(self, **changed: Any) -> list[Row]:
        mailbox, options = self.bench.mailbox(self.number), self.bench.options.model_copy(update=changed)
        store = MemoryStore(state=self.state)
        base = f"{self.bench.desk.sim.graph_url}/v1.0"
        graph = Graph.of(mailbox, self.bench.writing, base, store=store)
        rows = await collect(messages_find.run(mailbox, graph, options))
        self.state = store.state
        return rows


def there(bench: Bench, number: int) -> dict[str, tuple[int, bool]]:
    """Folder and read state of each message."""
    return {id_: (row["parent"], row["isRead"]) for id_, row in held(bench, number).items()}


@pytest.mark.parametrize("number", [1, 2])
def test_the_first_night_is_a_full_pass_and_the_next_ones_tell_what_changed(number: int, tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        nights = Nights(bench, number)
        first = await nights.night()
        assert {row["id"] for row in first} == there(bench, number).keys()
        assert {row["change"] for row in first} == {"listed"}
        assert await nights.night() == []
        store = MESSAGE.of(bench.desk.sim.world.mailboxes.write(number))
        moved, read, gone = [item for item in store if item.parent == INBOX][:3]
        store.move(moved, ARCHIVE)
        store.change(read, {"isRead": not read.props["isRead"]})
        store.remove(gone)
        new = put(bench, "New", SENT, number)
        ids = [store.id_of(item, immutable=True) for item in (moved, read, gone)]
        told = sorted((row["id"], row["change"]) for row in await nights.night())
        assert told == sorted([
            (ids[0], "changed"), (ids[0], "removed"), (ids[1], "changed"), (ids[2], "removed"), (new, "changed"),
        ])  # fmt: skip
        assert await nights.night() == []

    on_bench("messages.find", tmp_path, act, SINCE, **CALM)


@pytest.mark.parametrize(("number", "nights"), [(1, 50), (3, 10)])
def test_nothing_is_missed_over_fifty_nights_with_links_that_expire(number: int, nights: int, tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        dice, job = random.Random(number), Nights(bench, number)
        known: dict[str, tuple[str, bool]] = {}
        for night in range(nights):
            if dice.random() < 0.2:
                await bench.desk.control(forget_deltas=[bench.mailbox(number).address])
            rows = await job.night()
            for row in sorted(rows, key=lambda row: row["change"] != "removed"):
                if row["change"] != "removed":
                    known[row["id"]] = (row["folder"], row["is_read"])
            truth = there(bench, number)
            assert known.keys() >= truth.keys(), night
            assert {id_: known[id_][1] for id_ in truth} == {id_: read for id_, (_, read) in truth.items()}, night
            _stir(bench, number, dice)

    on_bench("messages.find", tmp_path, act, SINCE, **CALM)


def _stir(bench: Bench, number: int, dice: random.Random) -> None:
    """What happens in a mailbox in a day: at most a tenth of it moves, changes, goes or comes."""
    store = MESSAGE.of(bench.desk.sim.world.mailboxes.write(number))
    for item in dice.sample(list(store), len(store.items) // 10):
        act = dice.randrange(4)
        if act == 0:
            store.move(item, dice.choice([INBOX, ARCHIVE, DELETED]))
        elif act == 1:
            store.remove(item)
        else:
            store.change(item, {"isRead": not item.props["isRead"]})
    for _ in range(dice.randrange(4)):
        put(bench, "Arrived", INBOX, number)


def test_a_folder_whose_link_is_forgotten_is_started_over_and_says_so(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        for number in (3, 4, 5):  # the service has three ways to say it
            nights = Nights(bench, number)
            first = await nights.night()
            await bench.desk.control(forget_deltas=[bench.mailbox(number).address])
            again = await nights.night()
            assert {row["change"] for row in again} == {"restarted"}
            assert {row["id"] for row in again} == {row["id"] for row in first}
            assert await nights.night() == []

    on_bench("messages.find", tmp_path, act, SINCE, **CALM)


def test_the_second_night_costs_a_request_a_folder_and_one_for_their_list(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        nights = Nights(bench, 2)
        await nights.night()
        folders = len(nights.state["folders"])
        put(bench, "New", INBOX, 2)
        before = bench.desk.sim.books()["requests"]
        assert len(await nights.night()) == 1
        assert bench.desk.sim.books()["requests"] - before <= folders + 1

    on_bench("messages.find", tmp_path, act, SINCE, **CALM)


def test_one_folder_alone(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        nights = Nights(bench, 2)
        first = await nights.night()
        assert {row["id"] for row in first} == {id_ for id_, (f, _) in there(bench, 2).items() if f == INBOX}
        store = MESSAGE.of(bench.desk.sim.world.mailboxes.write(2))
        gone = next(item for item in store if item.parent == INBOX)
        store.remove(gone)
        (row,) = await nights.night()
        assert row == {"id": store.id_of(gone, immutable=True), "folder": "inbox", "change": "removed"}
        assert await nights.night(count=True) == [{"count": 0}]

    on_bench("messages.find", tmp_path, act, {**SINCE, "folders": "Inbox"}, **CALM)


def test_state_lasts_from_run_to_run_of_one_job_with_the_same_options(tmp_path: Path) -> None:
    with open_tenant(tmp_path, Settings(mailboxes=3, absent=0.0, denied=0.0, moving=0.0, tls=False)) as tenant:
        kept: dict[str, Any] = {"state.path": str(tmp_path / "state.sqlite")}
        given: dict[str, Any] = {"since": "last", "subject_contains": "e"}
        first = tenant.run("messages.find", tmp_path / "1", options=given, settings=kept)
        assert (first.code, len(first.rows) > 0) == (0, True)
        assert tenant.run("messages.find", tmp_path / "2", options=given, settings=kept).rows == []
        other = {**given, "subject_contains": "re"}
        assert tenant.run("messages.find", tmp_path / "3", options=other, settings=kept).rows
        refused = tenant.run("messages.find", tmp_path / "4", options=given)
        assert refused.code == ConfigError.exit_code
        assert "[state]" in refused.err


def scripted(answer: Callable[[Request], Response], state: Mapping[str, Any], **options: Any) -> tuple[list[Row], Any]:
    store = MemoryStore(state=state)
    graph = Graph.of(ADA, Scripted(answer), BASE, store=store)
    checked: Any = check_options(messages_find, {"since": "last", "folders": "inbox", **options})
    return run(collect(messages_find.run(ADA, graph, checked))), store.state


LINK = f"{BASE}/users/ada@contoso.com/mailFolders/inbox/messages/delta?$deltatoken="
KNOWN = {"folders": {"inbox": f"{LINK}1"}}


def refusing(status: int, code: str) -> Callable[[Request], Response]:
    return lambda _: Response(status, body={"error": {"code": code, "message": "no"}})


def test_what_is_told_in_part_is_read_whole_and_the_last_word_counts() -> None:
    def service(request: Request) -> Response:
        if "/mailFolders/delta" in request.path:
            return Response(200, body={"value": []})
        if "/messages/delta" not in request.path:
            number = request.path.split("/messages/")[1][0]
            body = message(number, subject=f"Whole {number}")
            return Response(200, body=body) if number != "3" else refusing(404, "ErrorItemNotFound")(request)
        if "skiptoken" in request.path:
            last = [message("1", subject="Last"), None, 5]
            return Response(200, body={"value": last, "@odata.deltaLink": f"{LINK}2"})
        items = [message("1"), {"id": "2", "isRead": "true"}, {"id": "3"}, message("4"), message("4", subject="Other")]
        return Response(200, body={"value": items, "@odata.nextLink": LINK.replace("$delta", "$skip")})

    rows, state = scripted(service, KNOWN, subject=["Last", "Whole 2", "Invoice"])
    assert sorted((row["id"], row["subject"]) for row in rows) == [("1", "Last"), ("2", "Whole 2")]
    assert state == {"folders": {"inbox": f"{LINK}2"}}


def test_a_folder_that_is_gone_is_forgotten_and_another_refusal_is_told() -> None:
    assert scripted(refusing(404, "ErrorItemNotFound"), KNOWN) == ([], {"folders": {}})
    with pytest.raises(GraphError, match="ErrorAccessDenied"):
        scripted(refusing(403, "ErrorAccessDenied"), KNOWN)
    with pytest.raises(GraphError, match="SyncStateNotFound"):
        scripted(refusing(410, "SyncStateNotFound"), KNOWN)


def test_a_mailbox_without_recoverable_items_has_none() -> None:
    def service(request: Request) -> Response:
        if "recoverableitemsdeletions" in request.path:
            return refusing(404, "ErrorItemNotFound")(request)
        if "/mailFolders/delta" in request.path:
            return Response(200, body={"value": [{"id": "F", "displayName": "Inbox", "parentFolderId": "R"}]})
        return Response(200, body={"value": [message()], "@odata.deltaLink": f"{LINK}1"})

    rows, state = scripted(service, {}, folders="all", recoverable=True)
    assert [(row["id"], row["folder"], row["change"]) for row in rows] == [("1", "Inbox", "listed")]
    assert state == {"folders": {"F": f"{LINK}1"}}


def test_removed_goes_with_since() -> None:
    with pytest.raises(ConfigError, match="since"):
        check_options(messages_find, {"removed": True})
