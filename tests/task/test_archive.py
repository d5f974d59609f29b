"""The contracts for long mailboxes as the author of a task meets them: checkpoint, blobs, and state between runs."""

import hashlib
from pathlib import Path
from urllib.parse import parse_qs

from bulkmail import Graph, Mailbox, Request, Response
from bulkmail.model import Row
from bulkmail.testing import Scripted, collect, run
from bulkmail.testing.store import MemoryStore
from bulkmail.testing.tenant import Tenant
from tests.task.archive import ArchiveOptions, archive

pytest_plugins = ["bulkmail.testing.fixtures"]

ADA = Mailbox("ada@contoso.com", 2)
BASE = "https://graph.example/v1.0"


def contacts(*names: str) -> Scripted:
    """A mailbox with these contacts."""

    def answer(request: Request) -> Response:
        asked = parse_qs(request.path.partition("?")[2])
        first, size = int(asked["$skip"][0]), int(asked["$top"][0])
        return Response(200, body={"value": [{"displayName": name} for name in names[first : first + size]]})

    return Scripted(answer)


def archived(store: MemoryStore, *names: str) -> list[Row]:
    return run(collect(archive.run(ADA, Graph.of(ADA, contacts(*names), BASE, store=store), ArchiveOptions())))


def test_every_contact_is_a_row_that_says_where_its_card_lies() -> None:
    store = MemoryStore()
    *rows, checkpoint = archived(store, "Ada", "Grace")
    assert checkpoint == {"done": 2}
    for row in rows:
        card = store.files["contacts.vcf"][row["offset"] :][: row["bytes"]]
        assert f"FN:{row['name']}\r\n".encode() in card
        assert row["sha256"] == hashlib.sha256(card).hexdigest()
    assert store.state == {"done": 2}


def test_after_a_crash_it_begins_at_its_checkpoint() -> None:
    rows = archived(MemoryStore(checkpoint={"done": 2}), "Ada", "Grace", "Alan")
    assert [row.get("name") for row in rows] == ["Alan", None]


def test_the_next_run_takes_only_what_is_new() -> None:
    rows = archived(MemoryStore(state={"done": 1}), "Ada", "Grace")
    assert [row.get("name") for row in rows] == ["Grace", None]


def test_against_a_tenant(tenant: Tenant, tmp_path: Path) -> None:
    """Two runs of one job: the second one finds what the first one has left."""
    task = f"{Path(__file__).parent / 'archive.py'}:archive"
    kept = {"state.path": str(tmp_path / "state.sqlite")}
    first = tenant.run(task, tmp_path / "first", settings=kept, options={"page": 3})
    assert first.code == 0, first.err
    assert first.rows
    folder = tmp_path / "first" / "out"
    for row in first.rows:
        with (folder / row["path"]).open("rb") as file:
            file.seek(row["offset"])
            assert hashlib.sha256(file.read(row["bytes"])).hexdigest() == row["sha256"]
    assert (folder / first.rows[0]["path"]).stat().st_mode & 0o777 == 0o600
    assert sum(path.stat().st_size for path in folder.glob("blobs/*/*")) == sum(row["bytes"] for row in first.rows)
    second = tenant.run(task, tmp_path / "second", settings=kept, options={"page": 3})
    assert (second.code, second.rows) == (0, [])
    third = tenant.run(task, tmp_path / "third", settings=kept, options={"page": 4})
    assert len(third.rows) == len(first.rows), "with other options all is done anew"
