"""Streams that lie in a folder come back as those of an export do, whatever the folder and its names are."""

import os
import tarfile
from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bulkmail.errors import InputError
from bulkmail.model import Checkpoint, Row
from bulkmail.sim import Fault
from bulkmail.tasks import check_options
from bulkmail.tasks.items.imports import items_import
from bulkmail.tasks.items.loose import Loose
from bulkmail.tasks.items.source import opened
from bulkmail.tasks.items.stored import Stored
from bulkmail.tasks.items.verify import items_verify
from bulkmail.testing import collect
from bulkmail.testing.store import MemoryStore
from tests.sim.desk import Desk, rehearse
from tests.tasks.items import byhand
from tests.tasks.items.truth import graph_of

ADA = "ada@contoso.com"


def put(root: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def items(root: Path, mailbox: str = ADA) -> list[Stored]:
    return list(Loose(root).open().of(mailbox).items(0))


def test_a_folder_for_each_mailbox(tmp_path: Path) -> None:
    files = [
        "Ada@Contoso.com/Inbox/Scans%2FOld/b.fts", "Ada@Contoso.com/Inbox/a.FTS", "Ada@Contoso.com/top.fts",
        "Ada@Contoso.com/Inbox/readme.txt", "alan@contoso.com/Inbox/c.fts", "other.fts",
    ]  # fmt: skip
    found = items(put(tmp_path, dict.fromkeys(files, b"stream")))
    assert [(one.number, one.folder, one.known, one.item_id) for one in found] == [
        (0, "Inbox", "inbox", "Ada@Contoso.com/top.fts"),
        (1, "Inbox", "", "Ada@Contoso.com/Inbox/a.FTS"),
        (2, "Inbox/Scans\\/Old", "", "Ada@Contoso.com/Inbox/Scans%2FOld/b.fts"),
    ]
    assert {(one.bytes, one.sha256) for one in found} == {(6, sha256(b"stream").hexdigest())}
    assert items(tmp_path, "grace@contoso.com") == []


def test_a_list_names_the_streams(tmp_path: Path) -> None:
    rows = [
        "Mailbox,file,folder,well_known,sha256", f"{ADA},x/one.bin,Inbox/Scans,inbox/Scans,ABC", f"{ADA},two,,,",
        f"{ADA},./x/../two,Later,,", "alan@contoso.com,two,Inbox,,",
    ]  # fmt: skip
    put(tmp_path, {"items.csv": "\n".join(rows).encode(), "x/one.bin": b"1", "two": b"22"})
    assert [(one.item_id, one.folder, one.known, one.bytes) for one in items(tmp_path)] == [
        ("x/one.bin", "Inbox/Scans", "inbox/Scans", 1), ("two", "Later", "", 2),
    ]  # fmt: skip
    assert [one.item_id for one in items(tmp_path, "ALAN@contoso.com")] == ["two"]
    streams = Loose(tmp_path).streams
    assert "has the SHA-256" in streams.fault(items(tmp_path)[0])
    assert streams.fault(items(tmp_path)[1]) == ""


def test_no_name_and_no_link_leads_out(tmp_path: Path) -> None:
    """Each has a row of its own that says what is wrong with it, and the others are read."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"of the machine")
    root = put(tmp_path / "loose", {"good": b"stream", "a/b": b""})
    (root / "link").symlink_to(secret)
    (root / "round").symlink_to("round")
    os.mkfifo(root / "pipe")
    names = {
        "../secret": "is not in loose", str(secret): "is not in loose", "link": "is not in loose",
        "pipe": "is not a file", "a": "is not a file", "gone": "No such file", "good": "", "round": "round",
        "a" * 300: "too long",
    }  # fmt: skip
    (root / "items.csv").write_text("mailbox,file\n" + "".join(f"{ADA},{name}\n" for name in names), encoding="utf-8")
    streams = Loose(root).streams
    for one, said in zip(items(root), names.values(), strict=True):
        assert said in streams.fault(one)
        assert bool(said) == (not one.sha256)
    nul = items(root)[0]._replace(file="a\0b")
    assert "is not the name of a file" in streams.fault(nul)


def test_links_to_folders_are_not_followed_and_odd_names_are_told(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.fts").write_bytes(b"x")
    root = tmp_path / "loose"
    (root / ADA).mkdir(parents=True)
    (root / ADA / "away").symlink_to(tmp_path / "elsewhere")
    (root / ADA / "x.fts").symlink_to(tmp_path / "elsewhere" / "x.fts")
    (root / "alan@contoso.com").symlink_to(tmp_path / "elsewhere")
    (Path(os.fsdecode(os.fsencode(root / ADA) + b"/\xff\xfe.fts"))).write_bytes(b"y")
    found = items(root)
    assert [one.item_id for one in found] == [f"{ADA}/x.fts", f"{ADA}/\ufffd\ufffd.fts"]
    assert all(Loose(root).streams.fault(one) for one in found)
    assert items(root, "alan@contoso.com") == []


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "holds neither an export nor streams"),
        ({"x.fts": b""}, "holds neither an export nor streams"),
        ({"items.csv": b"mailbox,file\nada@contoso.com,\n"}, "row 2 names no file"),
        ({"items.csv": b"file\nx\n"}, "row 2 names no mailbox"),
    ],
)
def test_a_folder_that_holds_none_says_so(tmp_path: Path, files: dict[str, bytes], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Loose(put(tmp_path, files)).open()


def test_other_items_have_another_name(tmp_path: Path) -> None:
    """Then what a state says of those that were there does not hold."""
    put(tmp_path, {f"{ADA}/Inbox/a.fts": b"a"})
    first = Loose(tmp_path).open().of(ADA)
    assert (first.name, first.size) == (Loose(tmp_path).open().of(ADA).name, 1)
    put(tmp_path, {f"{ADA}/Inbox/b.fts": b"b"})
    assert Loose(tmp_path).open().of(ADA).name != first.name


async def unpacked(desk: Desk, folder: Path) -> tuple[Path, Counter[str]]:
    """The streams of the first mailbox as an archive unpacks them, and their hashes."""
    export, root = await byhand.export(desk, folder), folder / "loose"
    held = next((export / "blobs").glob("*/items.tar"))
    with tarfile.open(held) as archive:
        archive.extractall(root / ADA, filter="data")
    return root, Counter(one["sha256"] for one in desk.sim.contents("streams", desk.sim.tenant.address(0)))


def test_they_come_back_once_also_where_answers_are_lost(tmp_path: Path) -> None:
    async def act(desk: Desk) -> None:
        root, wanted = await unpacked(desk, tmp_path)
        given = {"source": str(root), "mailbox_column": "from"}
        options = check_options(items_import, given, tmp_path)

        async def told(store: MemoryStore) -> list[Row]:
            async with graph_of(desk, store, 1, columns={"from": ADA}) as (mailbox, graph):
                rows = await collect(items_import.run(mailbox, graph, await opened(graph, options)))
            return [row for row in rows if not isinstance(row, Checkpoint)]

        store = MemoryStore()
        first = await told(store)
        assert Counter(row["state"] for row in first) == {"imported": 20}
        assert all((root / row["item_id"]).exists() for row in first)
        for kept in (store.state, {}):
            again = await told(MemoryStore(state=kept))
            assert Counter(row["state"] for row in again) == {"already": 20}
        made = desk.sim.contents("imported", desk.sim.tenant.address(1))
        assert Counter(one["sha256"] for one in made) == wanted
        folders = {row["folder"] for row in first}
        assert "Inbox" in folders
        checked = check_options(items_verify, {**given, "by": "content", "only": "different"}, tmp_path)
        async with graph_of(desk, MemoryStore(), 1, columns={"from": ADA}) as (mailbox, graph):
            rows = await collect(items_verify.run(mailbox, graph, await opened(graph, checked)))
        assert {row["state"] for row in rows} <= {"extra"}

    faults = (Fault("lost", match="/_import", share=0.3), Fault("late", match="/_import", share=0.2))
    rehearse(act, items=20, mailboxes=4, faults=faults)


@pytest.mark.parametrize(
    ("task", "given"), [(items_import, {"mode": "update"}), (items_verify, {"how": "mailbox", "by": "id"})]
)
def test_what_goes_by_ids_needs_an_export(tmp_path: Path, task: Any, given: dict[str, Any]) -> None:
    async def act(desk: Desk) -> None:
        root = put(tmp_path, {f"{ADA}/a.fts": b"a"})
        options = check_options(task, {"source": str(root), **given}, tmp_path)
        async with graph_of(desk, MemoryStore()) as (_, graph):
            with pytest.raises(InputError, match="do not say which items they were"):
                await opened(graph, options)

    rehearse(act, mailboxes=1)
