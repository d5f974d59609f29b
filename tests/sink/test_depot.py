"""The blobs of a run lie in its directory, or in a place that its job names, and are found there by their paths."""

from hashlib import sha256
from pathlib import Path

import pytest

from bulkmail.errors import Damaged, OutputError
from bulkmail.model import Mailbox
from bulkmail.sink.depot import Depot, depot_of
from bulkmail.streams import Blob
from bulkmail.testing import run

ADA = Mailbox("ada@contoso.com", 7)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


async def written(depot: Depot, spool: Path, *contents: bytes) -> tuple[list[Blob], dict[str, int]]:
    blobs, found = depot.blobs(spool), []
    mailbox = blobs.of(ADA)
    for content in contents:
        async with mailbox.open("inbox.mbox") as file:
            await file.write(content)
        found.append(file.blob)
    lengths = mailbox.commit()
    mailbox.sync(lengths)
    blobs.close()
    return found, lengths


def read(depot: Depot, blob: Blob) -> bytes:
    with depot.open(blob.path) as file:
        file.seek(blob.offset)
        return file.read(blob.bytes)


@pytest.mark.parametrize("is_own", [True, False])
def test_blobs_are_found_by_their_paths(tmp_path: Path, place: Path, is_own: bool) -> None:
    depot = depot_of(tmp_path / "run" / "blobs", "" if is_own else str(place), "id-1")
    assert not depot.is_seen()
    depot.prepare()
    found, _ = run(written(depot, tmp_path / "spool", b"one ", b"two"))
    assert depot.is_seen()
    assert [read(depot, blob) for blob in found] == [b"one ", b"two"]
    root = "blobs" if is_own else f"{place}/id-1"
    assert {blob.path for blob in found} == {f"{root}/7-ada@contoso.com/inbox.mbox"}
    assert [blob.sha256 for blob in found] == [sha256(content).hexdigest() for content in (b"one ", b"two")]
    assert not (tmp_path / "spool").exists()
    again = depot_of(tmp_path / "run" / "blobs", "" if is_own else str(place), "id-1")
    assert [read(again, blob) for blob in found] == [b"one ", b"two"]


def test_what_was_not_committed_is_cut_off(tmp_path: Path, place: Path) -> None:
    depot = depot_of(tmp_path / "blobs", str(place), "id-1")
    depot.prepare()
    [kept, _], _ = run(written(depot, tmp_path, b"kept", b"lost"))
    depot.recover(lambda _row: False, {7: {"inbox.mbox": kept.bytes}})
    assert (place / "id-1" / "7-ada@contoso.com" / "inbox.mbox").read_bytes() == b"kept"


def test_a_place_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """An empty mount point would be filled in place of the disk that belongs there."""
    with pytest.raises(OutputError, match="no folder") as raised:
        depot_of(tmp_path / "blobs", str(tmp_path / "gone"), "id-1").prepare()
    assert "Mount it" in raised.value.hint
    assert not (tmp_path / "gone").exists()


def test_a_run_goes_on_only_where_it_was_before(tmp_path: Path, place: Path) -> None:
    """An empty mount point looks like the place, and holds nothing of the run."""
    depot = depot_of(tmp_path / "blobs", str(place), "id-1")
    with pytest.raises(OutputError, match="which is gone") as raised:
        depot.prepare(again=True)
    assert "mounted" in raised.value.hint
    assert list(place.iterdir()) == []
    depot.prepare()
    depot.prepare(again=True)
    assert depot.is_seen()


def test_a_place_that_cannot_be_looked_into_is_told_as_such(tmp_path: Path) -> None:
    depot = depot_of(tmp_path / "blobs", str(tmp_path / ("x" * 300) / "y"), "id-1")
    assert not depot.is_seen()
    with pytest.raises(OutputError, match="too long"):
        depot.prepare()
    with pytest.raises(OutputError, match="too long"):
        depot.recover(lambda _row: False, {})


@pytest.mark.parametrize(
    "path", ["secret", "../secret", "/etc/passwd", "id-1/../secret", "id-2/secret", "", "\0", "id-1"]
)
def test_no_path_leads_elsewhere(tmp_path: Path, place: Path, path: str) -> None:
    depot = depot_of(tmp_path / "blobs", str(place), "id-1")
    depot.prepare()
    for secret in (place / "secret", place / "id-2" / "secret"):
        secret.parent.mkdir(exist_ok=True)
        secret.write_bytes(b"x")
    with pytest.raises(Damaged):
        depot.open(path)
