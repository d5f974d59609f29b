"""A prepared run without a tenant: its Graph is an address at which nothing listens."""

from pathlib import Path

from bulkmail.app.fingerprint import pinned
from bulkmail.app.input import file_source
from bulkmail.app.prepare import Prepared
from bulkmail.config import App, Input, Job, Output
from bulkmail.model import Source
from bulkmail.tasks import check_options, find
from bulkmail.testing import Tokens

APP = App(tenant_id="t", client_id="c", cloud="custom", login="https://127.0.0.1:1", graph="http://127.0.0.1:1")


def listed(folder: Path, *addresses: str) -> Path:
    path = folder / "mailboxes.csv"
    path.write_text("".join(f"{line}\n" for line in ("mailbox", *addresses)))
    return path


def prepared(path: Path, *, source: Source | None = None) -> Prepared:
    """A report of the mailboxes in a file, or of another source."""
    task, job = (
        find("settings.report", Path()),
        Job(app=APP, input=Input(path=str(path)), output=Output(empty_is_ok=True)),
    )
    options = check_options(task, {})
    manifest = pinned(job, task, options, {})
    return Prepared(job, task, options, Tokens(), manifest, source or file_source(job.input))
