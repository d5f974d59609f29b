"""Blobs in a store: objects are written whole and once, and what no outcome speaks of is removed."""

import io
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import ConfigError, Damaged, OutputError
from bulkmail.model import Mailbox
from bulkmail.sink.names import safe_name
from bulkmail.sink.objects import MailboxObjects, Objects, Store, part_name, part_of
from bulkmail.streams import Blob
from bulkmail.testing import run
from tests.sink.stores import SECRET, Strict

ADA = Mailbox("ada@contoso.com", 7)
OWN = "7-ada@contoso.com"


@pytest.fixture(params=["strict", "memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    scheme = request.param
    path = tmp_path if scheme == "file" else f"{tmp_path.name}-{request.node.name}"
    found = Store(f"{scheme}://{path}/", "id-1")
    found.prepare()
    return found


@pytest.fixture(autouse=True)
def _calm() -> Iterator[None]:
    yield
    Strict.refuses.clear()


async def add(mailbox: MailboxObjects, *contents: bytes, name: str = "items.tar") -> list[Blob]:
    found = []
    for content in contents:
        async with mailbox.open(name) as file:
            await file.write(content)
        found.append(file.blob)
    return found


async def commit(mailbox: MailboxObjects) -> dict[str, int]:
    await mailbox.send()
    lengths = mailbox.commit()
    mailbox.sync(lengths)
    return lengths


def content(store: Store, blob: Blob) -> bytes:
    with store.open(blob.path) as file:
        file.seek(blob.offset)
        return file.read(blob.bytes)


def names(store: Store) -> set[str]:
    return {*store._names(f"{store._root}/{OWN}", "file")}


def test_each_checkpoint_has_objects_of_its_own(store: Store, tmp_path: Path) -> None:
    async def main() -> None:
        objects = store.blobs(tmp_path / "spool")
        mailbox = objects.of(ADA)
        first = await add(mailbox, b"one ", b"two")
        assert names(store) == set()
        one = await commit(mailbox)
        second = await add(mailbox, b"three")
        sums = await add(mailbox, b"sum", name="sums.txt")
        two = await commit(mailbox)
        assert (one, two) == (
            {f"items-0001-{objects.writer}.tar": 7},
            {f"items-0002-{objects.writer}.tar": 5, f"sums-0001-{objects.writer}.txt": 3},
        )
        assert [(blob.path, blob.offset, blob.sha256) for blob in (*first, *second)] == [
            (f"{store.name}/{OWN}/items-000{part}-{objects.writer}.tar", offset, sha256(text).hexdigest())
            for part, offset, text in ((1, 0, b"one "), (1, 4, b"two"), (2, 0, b"three"))
        ]
        assert [content(store, blob) for blob in (*first, *second, *sums)] == [b"one ", b"two", b"three", b"sum"]
        assert names(store) == {*one, *two}
        assert [path for path in (tmp_path / "spool").rglob("*") if path.is_file()] == []
        assert await commit(mailbox) == {}
        objects.close()

    run(main())
    if store.name.startswith("strict"):
        own = {path: times for path, times in Strict.written.items() if OWN in path and store._root in path}
        assert set(own.values()) == {1}


def test_a_failed_mailbox_takes_back_what_was_not_committed(store: Store, tmp_path: Path) -> None:
    async def main() -> None:
        objects = store.blobs(tmp_path / "spool")
        mailbox = objects.of(ADA)
        await add(mailbox, b"one")
        kept = await commit(mailbox)
        await add(mailbox, b"two")
        await mailbox.send()
        assert len(names(store)) == 2
        await add(mailbox, b"three")
        await mailbox.roll_back()
        assert names(store) == {*kept}
        assert [path for path in (tmp_path / "spool").rglob("*") if path.is_file()] == []
        objects.close()

    run(main())


def test_a_part_that_has_grown_is_sent_again(store: Store, tmp_path: Path) -> None:
    async def main() -> None:
        objects = store.blobs(tmp_path / "spool")
        mailbox = objects.of(ADA)
        first = await add(mailbox, b"one")
        await mailbox.send()
        second = await add(mailbox, b"two")
        await commit(mailbox)
        assert [content(store, blob) for blob in (*first, *second)] == [b"one", b"two"]
        objects.close()

    run(main())


def test_a_process_that_goes_on_counts_on(store: Store, tmp_path: Path) -> None:
    """It leaves what was committed, removes what was not, and never writes an object that was there."""

    async def main() -> None:
        killed, later = store.blobs(tmp_path / "a"), store.blobs(tmp_path / "b")
        mailbox = killed.of(ADA)
        await add(mailbox, b"one")
        committed = await commit(mailbox)
        await add(mailbox, b"lost")
        await mailbox.send()
        straggler = store.blobs(tmp_path / "c").of(ADA, committed)
        store.recover(lambda _row: False, {7: committed})
        assert names(store) == {*committed}
        again = later.of(ADA, committed)
        [two] = await add(again, b"two")
        await add(straggler, b"late")
        await straggler.send()
        more = await commit(again)
        assert more == {f"items-0002-{later.writer}.tar": 3}
        assert content(store, two) == b"two"
        killed.close()
        later.close()
        with pytest.raises(OutputError, match="lacks what was committed"):
            store.recover(lambda _row: False, {7: {**committed, **more, "items-0003-00000000.tar": 1}})
        with pytest.raises(OutputError, match="lacks what was committed"):
            store.recover(lambda _row: False, {7: dict.fromkeys(committed, 2)})
        with pytest.raises(OutputError, match="folder of row 9 is gone"):
            store.recover(lambda row: row == 7, {9: committed})
        assert names(store) > {*committed, *more}
        store.recover(lambda row: row == 7, {})
        assert names(store) > {*committed, *more}
        store.recover(lambda _row: False, {})
        assert names(store) == set()

    run(main())


def test_who_sees_it_is_who_finds_its_mark(store: Store, tmp_path: Path) -> None:
    address = store.name.removesuffix("/id-1")
    assert Store(address, "id-1").is_seen()
    assert not Store(address, "id-2").is_seen()
    assert not Store(f"{address}/elsewhere", "id-1").is_seen()
    store.prepare(again=True)
    assert store.is_seen()


def test_a_run_goes_on_only_where_it_was_before(store: Store) -> None:
    elsewhere = Store(f"{store.name.removesuffix('/id-1')}/elsewhere", "id-1")
    with pytest.raises(OutputError, match="which is gone") as raised:
        elsewhere.prepare(again=True)
    assert "mounted" in raised.value.hint
    assert not elsewhere.is_seen()


def test_what_is_above_the_place_is_never_made(tmp_path: Path) -> None:
    """In a store it is a bucket, and a misspelled one would be a new one."""
    with pytest.raises(OutputError, match="FileNotFoundError"):
        Store(f"file://{tmp_path / 'bucket' / 'exports'}", "id-1").prepare()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["", "x", "id-1/a/b", "{}/a", "{}/a/b/c", "{}/../b", "{}/a/..", "{}//b", "{}2/a/b"])
def test_no_path_leads_elsewhere(store: Store, path: str) -> None:
    with pytest.raises(Damaged):
        store.open(path.format(store.name))
    with pytest.raises(FileNotFoundError, match=f"{OWN}/none"):
        store.open(f"{store.name}/{OWN}/none")


@pytest.mark.parametrize("call", ["wb", "rb", "ls", "rm"])
def test_no_error_tells_what_the_library_knows(tmp_path: Path, call: str) -> None:
    store = Store(f"strict://{tmp_path.name}-{call}", "id-1")
    store.prepare()

    async def main() -> None:
        objects = store.blobs(tmp_path / "spool")
        mailbox = objects.of(ADA)
        [blob] = await add(mailbox, b"one")
        if call != "wb":
            await commit(mailbox)
        Strict.refuses.add(call)
        with pytest.raises((OutputError, OSError)) as raised:
            await tried(store, mailbox, blob, call)
        assert "Refused" in str(raised.value)
        told = f"{raised.value}{raised.value.__cause__}{getattr(raised.value, 'hint', '')}"
        assert SECRET not in told
        assert raised.value.__suppress_context__
        objects.close()

    run(main())


async def tried(store: Store, mailbox: MailboxObjects, blob: Blob, call: str) -> None:
    match call:
        case "wb":
            await mailbox.send()
        case "rb":
            assert not store.is_seen()
            content(store, blob)
        case _:
            store.recover(lambda _row: False, {})


def test_an_object_that_breaks_off_is_an_error_of_files(tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            raise RuntimeError(SECRET)

        def close(self) -> None:
            super().close()
            raise RuntimeError(SECRET)

    store = Store("memory://breaks", "id-1")
    store.__dict__["_found"] = (_Opens(Broken()), "breaks")
    file = store.open("memory://breaks/id-1/7-ada/x")
    for work in (lambda: file.read(1), file.close):
        with pytest.raises(OSError, match="RuntimeError") as raised:
            work()
        assert SECRET not in str(raised.value)


class _Opens:
    def __init__(self, file: io.BytesIO) -> None:
        self._file = file

    def open(self, _path: str, _mode: str) -> io.BytesIO:
        return self._file


def test_a_store_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="hdfs://contoso/exports/id-1: ") as raised:
        Store("hdfs://contoso/exports", "id-1").prepare()
    assert "bulkmail[blobs]" in raised.value.hint
    with pytest.raises(ConfigError, match="does not know"):
        Store("carrier-pigeon://contoso", "id-1").prepare()
    assert isinstance(Store("memory://x", "id").blobs(tmp_path), Objects)


@given(st.text(min_size=1, max_size=120), st.integers(1, 100_000))
def test_parts_of_different_files_have_different_names(text: str, number: int) -> None:
    name = safe_name(text)
    part = part_name(name, number, "0a1b2c3d")
    assert part_of(part) == (name, number)
    assert safe_name(part) == part or len(part) > 100
    with pytest.raises(ValueError, match="part"):
        part_of(f"{name}-x")
