"""The key of masks: made once, private, and never guessed at."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bulkmail.core.mask import HIDDEN
from bulkmail.errors import ConfigError, OutputError
from bulkmail.rundir.maskkey import known, made


def test_it_is_made_once_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / "job.mask.key"
    first = made(path)
    assert path.stat().st_mode & 0o777 == 0o600
    again, found = made(path), known(str(path))
    assert found is not None
    assert first("ada@contoso.com") == again("ada@contoso.com") == found("ada@contoso.com") != HIDDEN
    assert made(tmp_path / "other.key")("ada@contoso.com") != first("ada@contoso.com")


def test_without_a_key_all_are_hidden_alike(tmp_path: Path) -> None:
    assert known("") is None
    gone = known(str(tmp_path / "gone"))
    assert gone is not None
    assert gone("ada@contoso.com") == gone("alan@contoso.com") == HIDDEN


def test_what_is_not_a_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "short").write_text("00ff")
    with pytest.raises(ConfigError, match="not a key of masks"):
        made(tmp_path / "short")
    with pytest.raises(OutputError):
        made(tmp_path / "missing" / "key")


def test_what_another_run_has_made_is_kept(tmp_path: Path) -> None:
    """Many begin at the same time: one makes the key, and all have it."""
    path = tmp_path / "job.mask.key"
    with ThreadPoolExecutor(8) as threads:
        masks = list(threads.map(made, [path] * 32))
    assert {mask("ada@contoso.com") for mask in masks} == {made(path)("ada@contoso.com")}
