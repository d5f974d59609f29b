"""What is spooled comes back as it was, as often as it is asked for."""

import asyncio
import hashlib
import stat
import tempfile
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkmail.errors import Damaged, InputError, OutputError
from bulkmail.model import Counts, Digest, Mailbox, Rejected
from bulkmail.source.spool import CHUNK, SpooledSource, spool
from bulkmail.testing import collect, run
from tests.run.stage import ListSource, mailboxes

text = st.text(st.characters(codec="utf-8"), max_size=9)
mailbox = st.builds(Mailbox, text, st.integers(1, 10**7), text, st.dictionaries(text, text, max_size=3))
rejected = st.builds(Rejected, st.integers(1, 10**7), st.sampled_from(["blank", "invalid", "duplicate"]), text, text)
chunks = st.lists(st.lists(mailbox | rejected, max_size=9), max_size=4)


def spooled(path: Path, source: ListSource) -> SpooledSource:
    return run(spool(source, path))


@settings(max_examples=40)  # each is a file of its own
@given(chunks)
def test_it_comes_back_as_it_was(given: list[list[Mailbox | Rejected]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = ListSource(given)
        copy = spooled(Path(folder) / "input.ndjson", source)
        assert copy.counts == source.counts
        for _ in range(2):
            assert list(chain(*run(collect(aiter(copy))))) == list(chain(*given))
            assert copy.counts == source.counts


def test_it_comes_in_chunks_and_counts_what_came(tmp_path: Path) -> None:
    rows = [
        *mailboxes(CHUNK),
        Rejected(900, "blank", ""),
        Rejected(901, "duplicate", "x"),
        Rejected(902, "invalid", "y"),
    ]
    spooled(tmp_path / "input.ndjson", ListSource([rows]))
    copy = SpooledSource(tmp_path / "input.ndjson")
    assert (copy.counts, copy.digest(), copy.size(), copy.replayable) == (Counts(), None, None, True)

    async def main() -> list[tuple[int, Counts]]:
        return [(len(chunk), copy.counts) async for chunk in copy]

    assert run(main()) == [(CHUNK, Counts(CHUNK)), (3, Counts(CHUNK, 1, 1, 1))]
    assert str(tmp_path) in repr(copy)
    assert copy.size() == CHUNK


def test_its_digest_is_that_of_the_file_when_written_and_when_read(tmp_path: Path) -> None:
    path = tmp_path / "input.ndjson"
    written = spooled(path, ListSource([mailboxes(3), [Rejected(9, "blank", "")]]))
    read = SpooledSource(path)
    run(collect(aiter(read)))
    content = path.read_bytes()
    assert written.digest() == read.digest() == Digest(len(content), hashlib.sha256(content).hexdigest())
    assert written.size() == read.size() == 3
    assert written.name == str(path)


@pytest.mark.parametrize(
    "line", [b"{", b"[]", b"7", b"\xff", b'{"row":1}', b'{"reason":"blank","row":1}', b'{"row":1,"mailbox":7}',
             b'{"row":"1","mailbox":"a@x"}', b'{"row":1,"mailbox":"a@x","id":7}',
             b'{"row":1,"mailbox":"a@x","columns":[]}', b'{"row":1,"reason":"odd","value":"","why":""}'],
)  # fmt: skip
def test_a_line_that_was_not_written_here_is_damage(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "input.ndjson"
    spooled(path, ListSource([mailboxes(2)]))
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(Damaged, match="line 3 is not what bulkmail writes"):
        run(collect(aiter(SpooledSource(path))))


def test_an_empty_one_yields_nothing(tmp_path: Path) -> None:
    copy = spooled(tmp_path / "input.ndjson", ListSource([]))
    assert run(collect(aiter(copy))) == []
    assert copy.counts == Counts()


def test_what_an_earlier_process_had_begun_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "input.ndjson"
    with pytest.raises(InputError):
        spooled(path, ListSource([mailboxes(900)], error=InputError("half a list")))
    copy = spooled(path, ListSource([mailboxes(2)]))
    assert run(collect(aiter(copy))) == [mailboxes(2)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_copy_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        spooled(tmp_path / "none" / "input.ndjson", ListSource([mailboxes(2)]))


def test_whoever_stops_reading_leaves_nothing_open(tmp_path: Path) -> None:
    copy = spooled(tmp_path / "input.ndjson", ListSource([mailboxes(3 * CHUNK)]))

    async def main() -> None:
        async for _ in copy:
            break
        await asyncio.sleep(1)

    run(main())
    assert copy.counts == Counts(CHUNK)
