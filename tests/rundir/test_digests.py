"""Digests of what a run left."""

import hashlib
from pathlib import Path

import orjson

from bulkmail.model import Digest
from bulkmail.rundir.digests import digests


def test_digests_of_the_files_that_there_are(tmp_path: Path) -> None:
    content = orjson.dumps(list(range(300_000)))
    (tmp_path / "a").write_bytes(content)
    assert digests(tmp_path, ["a", "b"]) == {"a": Digest(len(content), hashlib.sha256(content).hexdigest())}
