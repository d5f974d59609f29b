"""bulkmail, doing all of its work: CSV in, limits, journal, NDJSON and CSV out. Only the sign-in is left out."""

import json
import resource
import sys
import time
from pathlib import Path

from bulkmail.app.fingerprint import pinned
from bulkmail.app.input import file_source
from bulkmail.app.loop import run
from bulkmail.app.prepare import Prepared, surveyed
from bulkmail.app.runner import Runner
from bulkmail.config import App, Input, Job, Limits, Output, TaskTable
from bulkmail.rundir.folder import open_folder
from bulkmail.tasks import check_options, find
from bulkmail.testing import Tokens


async def main() -> None:
    given = json.loads(sys.argv[1])
    job = Job(
        app=App(tenant_id="t", client_id="c", cloud="custom", login="https://127.0.0.1:1", graph=given["graph"]),
        input=Input(path=given["csv"]),
        task=TaskTable(**given.get("task", {})),
        limits=Limits(**given.get("limits", {})),
        output=Output(directory=given["out"]),
    )
    task = find(job.task.name, Path())
    started = time.perf_counter()
    options = check_options(task, job.task.options)
    prepared = Prepared(job, task, options, Tokens(), pinned(job, task, options, {}), file_source(job.input))
    with open_folder(Path(given["out"])) as folder:
        ended = await Runner(await surveyed(prepared)).run(folder)
    if ended.failure is not None:
        raise ended.failure
    figures, seconds = ended.manifest, time.perf_counter() - started
    print(json.dumps({
        "ok": figures.statuses["ok"], "seconds": seconds, "requests": figures.sums.requests,
        "outcomes": figures.sums.mailboxes, "throttled": figures.sums.throttled,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }))  # fmt: skip


if __name__ == "__main__":
    run(main())
