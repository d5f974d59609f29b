"""A list that is edited while a run reads it: the run says so, and what it says of its input is what it worked on."""

import hashlib
from collections import Counter
from pathlib import Path

from bulkmail.sim import Settings
from bulkmail.testing.tenant import open_tenant

EDITING = """
from pathlib import Path
from bulkmail import Options, task

LISTED = Path(__file__).parent / "job" / "mailboxes.csv"

@task("editing", summary="Edits the list that it works on", permission="MailboxSettings.Read", columns={"mailbox": ""})
async def editing(mailbox, graph, options):
    if mailbox.row == 2:
        with LISTED.open("a") as file:
            file.write("late@tenant.example\\n")
    yield {"mailbox": mailbox.address}
"""
LINES = 1_500
PADDING = "," + "x" * 300  # so that the list is longer than what is read of it at once


def test_it_is_told_and_the_digest_is_that_of_what_was_worked_on(tmp_path: Path) -> None:
    (tmp_path / "editing.py").write_text(EDITING)
    listed = tmp_path / "job" / "mailboxes.csv"
    with open_tenant(tmp_path, Settings(mailboxes=5)) as tenant:
        addresses = [f"user{number}@tenant.example{PADDING}" for number in range(LINES)]
        done = tenant.run(f"{tmp_path / 'editing.py'}:editing", tmp_path / "job", addresses=addresses)
    assert done.code == 2
    assert "mailboxes.csv was changed while the run read it" in done.err
    manifest, content = done.manifest, listed.read_bytes()
    assert manifest["state"] == "failed"
    assert "was changed while the run read it" in manifest["reason"]
    assert manifest["input"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert manifest["input"]["bytes"] == len(content)
    assert manifest["input"]["mailboxes"] == manifest["counts"]["unique"] == LINES + 1
    assert sum(manifest["statuses"].values()) == LINES + 1
    assert Counter(done.statuses().values()) == {"ok": LINES + 1}
    assert "late@tenant.example" in done.statuses()
