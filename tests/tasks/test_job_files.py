"""Every ready job file loads, and its options are those of its task."""

from pathlib import Path

import pytest

from bulkmail.config import load
from bulkmail.tasks import built_in, check_options, find

FOLDER = Path(__file__).parents[2] / "configs"
JOBS = sorted(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("path", JOBS, ids=lambda path: path.stem)
def test_a_ready_job_file(path: Path) -> None:
    job = load(path, environment={})
    assert job.task.name == path.stem
    task = find(job.task.name, path.parent)
    check_options(task, job.task.options, path.parent)
    assert all((FOLDER / Path(one).name).is_file() for one in job.input.paths)
    assert task.permission.split(" and ")[0] in path.read_text(encoding="utf-8")


def test_there_is_one_for_each_task() -> None:
    assert {path.stem for path in JOBS} == set(built_in())
