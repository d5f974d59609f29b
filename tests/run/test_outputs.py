"""The files of a run are opened together and closed together."""

from contextlib import suppress
from pathlib import Path

import pytest

from bulkmail.errors import OutputError
from bulkmail.model import Mailbox
from bulkmail.run.outputs import OutputSettings, open_outputs
from bulkmail.rundir.entries import Reached
from bulkmail.rundir.recovery import Recovered
from bulkmail.sink.depot import depot_of


def open_files(folder: Path) -> list[Path]:
    """Those below this folder: threads that other tests left may close theirs at any time."""
    found = list[Path]()
    for handle in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.append(handle.readlink())
    return [target for target in found if folder in target.parents]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files the Linux way")
def test_all_are_closed_even_if_the_last_cannot_be_opened(tmp_path: Path) -> None:
    with open_outputs(tmp_path, ["n"], OutputSettings(), Recovered()):
        assert open_files(tmp_path)
    (tmp_path / "outcomes.ndjson").unlink()
    (tmp_path / "outcomes.ndjson").mkdir()
    with pytest.raises(OutputError), open_outputs(tmp_path, ["n"], OutputSettings(), Recovered()):
        pass
    assert open_files(tmp_path) == []


def test_what_a_worker_that_was_stopped_still_writes_goes_to_no_file_of_the_run(tmp_path: Path) -> None:
    """Its write was on the way to a disk that hung when its coordinator died."""
    blobs = tmp_path / "blobs" / "2-ada@contoso.example"
    blobs.mkdir(parents=True)
    (blobs / "a.tar").write_bytes(b"committed, and not")
    reached = {2: Reached(Mailbox("ada@contoso.example", 2), 0, {}, {"a.tar": 9})}
    with (
        (blobs / "a.tar").open("ab", buffering=0) as late,
        open_outputs(tmp_path, ["n"], OutputSettings(), Recovered(reached=reached), anew=True),
    ):
        late.write(b"late")
        assert (blobs / "a.tar").read_bytes() == b"committed"


def test_a_run_that_goes_on_wants_the_place_where_it_left_blobs(tmp_path: Path) -> None:
    (tmp_path / "mount").mkdir()
    (tmp_path / "outcomes.ndjson").write_bytes(b"x")
    depot = depot_of(tmp_path / "blobs", str(tmp_path / "mount"), "id-1")
    with (
        pytest.raises(OutputError, match="is gone"),
        open_outputs(tmp_path, ["n"], OutputSettings(), Recovered(length=1), depot=depot),
    ):
        pass
    assert list((tmp_path / "mount").iterdir()) == []
