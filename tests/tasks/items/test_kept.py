"""What is read of an export: each item of a mailbox once, as it was last."""

from pathlib import Path
from typing import Any

import pytest

from bulkmail.tasks.items.folders import Folder
from bulkmail.tasks.items.item import Item
from bulkmail.tasks.items.kept import Kept
from tests.tasks.items import byhand

ADA, ALAN = "ada@contoso.com", "alan@contoso.com"


def row(mailbox: str, item: str, key: str = "1", state: str = "exported") -> dict[str, Any]:
    told = Item(Folder("F", "Inbox"), item, key).row(state, file="items.tar", offset=0, bytes=0, sha256="")
    return {"mailbox": mailbox, **told}


@pytest.mark.parametrize("start", [0, 2, 4])
def test_an_item_that_was_exported_twice_is_taken_as_it_was_last(tmp_path: Path, start: int) -> None:
    rows = [
        row(ADA, "one"), row(ADA, "two"), row(ALAN, "one"), row(ADA, "one", "2"), row(ADA, "three", state="failed"),
        row(ADA, "three", "2"), row(ADA, "two", "2", state="failed"),
    ]  # fmt: skip
    kept = Kept(byhand.written(tmp_path / "export", rows)).open()
    latest = [(1, "two", "1"), (2, "one", "2"), (4, "three", "2")]
    found = [(one.number, one.item_id, one.change_key) for one in kept.latest(ADA, start)]
    assert found == [one for one in latest if one[0] >= start]
    assert [one.item_id for one in kept.items(ADA)] == ["one", "two", "one", "three"]
    assert [one.item_id for one in kept.latest(ALAN)] == ["one"]
