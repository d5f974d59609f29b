"""Workers of a process that died are waited for before another one goes on."""

import asyncio
from pathlib import Path

import orjson
import pytest

from bulkmail.app.late import outlived
from bulkmail.rundir.folder import ALIVE
from bulkmail.rundir.heartbeat import INTERVAL
from bulkmail.testing import run


@pytest.mark.parametrize(("found", "seconds"), [
    (None, 0.0), ({"boot": "another", "up": 1.0}, 0.0), ({"boot": "another", "up": 1.0, "lease": 10.0}, 10 + INTERVAL)
])  # fmt: skip
def test_as_long_as_their_lease(tmp_path: Path, found: dict[str, object] | None, seconds: float) -> None:
    if found is not None:
        (tmp_path / ALIVE).write_bytes(orjson.dumps(found))

    async def main() -> None:
        said: list[str] = []
        time = asyncio.get_running_loop().time
        begun = time()
        await outlived(tmp_path, said.append)
        assert seconds <= time() - begun < seconds + 1
        assert len(said) == bool(seconds)

    run(main())
