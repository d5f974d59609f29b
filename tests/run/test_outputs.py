"""The files of a run are opened together and closed together."""

from pathlib import Path

import pytest

from bulkmail.errors import OutputError
from bulkmail.run.outputs import OutputSettings, open_outputs
from bulkmail.rundir.recovery import Recovered


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files the Linux way")
def test_all_are_closed_even_if_the_last_cannot_be_opened(tmp_path: Path) -> None:
    before = open_files()
    (tmp_path / "outcomes.ndjson").mkdir()
    with pytest.raises(OutputError), open_outputs(tmp_path, ["n"], OutputSettings(), Recovered()):
        pass
    assert open_files() == before
