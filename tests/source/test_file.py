import asyncio
import gzip
import hashlib
import io
import os
import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import chain
from pathlib import Path
from typing import cast

import pytest

from bulkmail.errors import InputError
from bulkmail.model import Counts, Digest, Mailbox, Rejected, Source
from bulkmail.source import FileSource, Kind
from bulkmail.source.chunks import CHUNK, HALF

MANY = b"mailbox\n" + b"".join(b"user%d@contoso.com\n" % number for number in range(3 * CHUNK))


def read(source: Source) -> list[Mailbox | Rejected]:
    async def main() -> list[Mailbox | Rejected]:
        return list(chain.from_iterable([chunk async for chunk in source]))

    return asyncio.run(main())


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_rows_come_in_chunks_and_the_counts_keep_step(tmp_path: Path) -> None:
    source = FileSource(written(tmp_path / "many.csv", MANY))

    async def main() -> None:
        yielded = 0
        async for chunk in source:
            assert 0 < len(chunk) <= CHUNK
            yielded += len(chunk)
            assert source.counts == Counts(unique=yielded)

    asyncio.run(main())
    assert source.counts == Counts(unique=3 * CHUNK)
    assert repr(source) == f"<FileSource {tmp_path / 'many.csv'} {source.counts}>"


def test_the_digest_is_that_of_the_bytes() -> None:
    for content in (b"", MANY, MANY.decode().encode("utf-16")):
        source = FileSource(io.BytesIO(content))
        read(source)
        assert source.digest() == Digest(len(content), hashlib.sha256(content).hexdigest())


def test_a_file_is_read_anew_each_time(tmp_path: Path) -> None:
    source = FileSource(written(tmp_path / "many.csv", MANY))
    assert read(source) == read(source)
    assert source.counts.unique == 3 * CHUNK


def test_a_limit_ends_the_reading() -> None:
    source = FileSource(io.BytesIO(b"mailbox\na@x\na@x\n\nb@x\nc@x\n"), limit=2)
    assert [each.row for each in read(source)] == [2, 3, 4, 5]
    assert source.counts == Counts(unique=2, duplicates=1, blank=1)
    assert read(FileSource(io.BytesIO(MANY), limit=0)) == []


def test_near_a_limit_rows_come_in_chunks_all_the_same() -> None:
    source = FileSource(io.BytesIO(b"a@x\n" * 2 * CHUNK + MANY), limit=3 * HALF)

    async def main() -> list[int]:
        return [len(chunk) async for chunk in source]

    sizes = asyncio.run(main())
    assert max(sizes) <= CHUNK
    assert min(sizes[:-1]) > HALF
    assert source.counts == Counts(unique=3 * HALF, duplicates=2 * CHUNK - 1, invalid=1)


def test_digest_and_size_are_those_of_the_last_whole_reading(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", b"mailbox\n" + b"".join(b"u%d@x\n" % n for n in range(3 * CHUNK)))
    source = FileSource(path)
    assert (source.digest(), source.size()) == (None, None)
    read(source)
    before = source.digest()
    assert (before, source.size()) == (
        Digest(path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()), 3 * CHUNK
    )  # fmt: skip
    path.write_bytes(b"mailbox\na@x\n" + b"b@x\n" * 3 * CHUNK)

    async def begin() -> None:
        async for _ in source:
            break

    asyncio.run(begin())
    assert (source.digest(), source.size()) == (before, 3 * CHUNK), "a reading that is broken off tells nothing"
    read(source)
    assert source.digest() != before
    assert source.size() == 2


def test_a_stream_is_left_open() -> None:
    stream = io.BytesIO(b"a@x\n")
    source = FileSource(stream)
    assert read(source) == [Mailbox("a@x", 1)]
    assert not stream.closed
    assert not source.replayable
    assert FileSource(Path("list.csv")).replayable


def test_a_pipe_that_hands_over_byte_by_byte_is_read_whole() -> None:
    class Dripping(io.RawIOBase):
        def __init__(self, content: bytes) -> None:
            self._drops = iter(content)

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            drop = next(self._drops, None)
            buffer[: drop is not None] = b"" if drop is None else bytes([drop])
            return int(drop is not None)

    content = "mailbox\r\na@x\r\nb@x\r\n".encode("utf-16")
    verdicts = read(FileSource(io.BufferedReader(Dripping(content))))
    assert verdicts == [Mailbox("a@x", 2), Mailbox("b@x", 3)]


@pytest.mark.parametrize(
    ("name", "content", "addresses"),
    [
        ("a.csv", b"name,mail\nA,a@x\n", ["a@x"]),
        ("a.tsv", b"name\tmail\nA\ta@x\n", ["a@x"]),
        ("a.txt", b"# staff\nAda <a@x>\n", ["a@x"]),
        ("a.txt", b"mailbox\na@x\n", ["a@x"]),
        ("a.TXT", b"name\tmail\nA\ta@x\n", ["a@x"]),
        ("a.ndjson", b'"a@x"\n', ["a@x"]),
        ("a.csv", b'{"mail":"a@x"}\n', ["a@x"]),
        ("a", b'\n{"mail":"a@x"}\n', ["a@x"]),
        ("a", b"BZhang@x\nPKa@x\n", ["BZhang@x", "PKa@x"]),
    ],
)
def test_the_kind_is_found_by_content_and_name(tmp_path: Path, name: str, content: bytes, addresses: list[str]) -> None:
    verdicts = read(FileSource(written(tmp_path / name, content)))
    assert [each.address for each in verdicts if isinstance(each, Mailbox)] == addresses


def test_the_kind_can_be_forced(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", b"Example, Ada <a@x>\n")
    assert read(FileSource(path, kind=Kind.TEXT)) == [Mailbox("a@x", 1)]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (gzip.compress(b"mailbox\na@x\n", mtime=0), "gzip"),
        (b"PK\x03\x04\x14\x00\x06\x00", "xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"),
        (b"%PDF-1.7\n", "PDF"),
        (b"{\\rtf1\\ansi", "rich text"),
        (b"\n<!DOCTYPE html>", "HTML"),
        ("\ufeff<?xml version='1.0'?>".encode("utf-16"), "XML"),
        (b'\xef\xbb\xbf[\n{"mail":"a@x"},', "begins as JSON and is not"),
        (b'{\n"@odata.nextLink": "https://x/",\n"value": [{"mail":"a@x"}]}', "one page of an answer of Graph"),
        ("mailbox\na@x\n".encode("utf-32"), "UTF-32"),
        (b"-----BEGIN CERTIFICATE-----\n", "key or certificate"),
    ],
)
def test_what_is_no_list_is_refused_by_its_kind(tmp_path: Path, content: bytes, what: str) -> None:
    path = written(tmp_path / "list.csv", content)
    with pytest.raises(InputError, match=what) as caught:
        read(FileSource(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert caught.value.hint


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none.csv", "no such file"), (tmp_path, "is a directory")):
        with pytest.raises(InputError, match=reason) as caught:
            read(FileSource(path))
        assert str(path) in str(caught.value)
        assert caught.value.hint


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_without_the_right_to_read_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", b"a@x\n")
    path.chmod(0)
    with pytest.raises(InputError, match="permission denied"):
        read(FileSource(path))


def test_a_disk_that_fails_midway_is_an_input_error() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            block = super().read(size)
            if not block:
                raise OSError(5, "Input/output error")
            return block

    with pytest.raises(InputError, match="standard input: input/output error"):
        read(FileSource(Failing(MANY)))


def test_a_bad_end_comes_after_the_good_rows() -> None:
    source = FileSource(io.BytesIO(MANY + b'ada@contoso.com\n"x\n'))
    with pytest.raises(InputError, match="not closed"):
        read(source)
    assert source.counts == Counts(unique=3 * CHUNK + 1)


def test_the_rows_above_a_bad_end_are_handed_over() -> None:
    found: list[str] = []

    async def main() -> None:
        async for chunk in FileSource(io.BytesIO(b'mailbox\nada@contoso.com\n"x\n')):
            found.extend(row.address for row in chunk if isinstance(row, Mailbox))

    with pytest.raises(InputError):
        asyncio.run(main())
    assert found == ["ada@contoso.com"]


def test_leaving_early_closes_the_file(tmp_path: Path) -> None:
    source = FileSource(written(tmp_path / "many.csv", MANY))

    async def main() -> None:
        async with aclosing(cast("AsyncGenerator[object, None]", aiter(source))) as chunks:
            async for _ in chunks:
                break

    asyncio.run(main())  # a file left open would be a ResourceWarning, and that an error
    assert source.counts.unique == CHUNK


def test_cancelling_does_not_wait_for_a_silent_pipe() -> None:
    class Silent(io.BytesIO):
        """Says nothing until it is told to."""

        def read(self, size: int | None = -1, /) -> bytes:
            loop.call_soon_threadsafe(asked.set)
            speak.wait(30)
            return super().read(size)

    async def drain() -> None:
        async for _ in FileSource(Silent(MANY)):
            pass

    async def main() -> None:
        task = asyncio.create_task(drain())
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        speak.set()

    asked, speak = asyncio.Event(), threading.Event()
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        runner.run(main())
