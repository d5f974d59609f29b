"""Tasks are found by name, in a file, and in installed packages; a mistake in a file of the user's is reported as
one."""

import subprocess
import sys
from pathlib import Path

import pytest

from bulkmail.errors import ConfigError
from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Response, Row
from bulkmail.tasks import Options, check_options, every, families, find, task
from bulkmail.testing import Scripted, collect, run

OWN = """
from collections.abc import AsyncIterator
from bulkmail import Graph, Mailbox, Options, Row, task


class ZoneOptions(Options):
    upper: bool = False


@task("own.zone", summary="Time zone", permission="MailboxSettings.Read", columns={"zone": "it"}, options=ZoneOptions)
async def zone(mailbox: Mailbox, graph: Graph, options: ZoneOptions) -> AsyncIterator[Row]:
    value = (await graph.get("/mailboxSettings"))["timeZone"]
    yield {"zone": value.upper() if options.upper else value}


def plain() -> None: ...
"""


def refusal(name: str, folder: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        find(name, folder)
    return f"{caught.value}\n{caught.value.hint}"


def test_by_name() -> None:
    assert find("settings.report", Path()).name == "settings.report"
    assert "settings.report" in every()


def test_by_a_wrong_name() -> None:
    assert "Did you mean settings.report?" in refusal("setting.report", Path())
    assert "`bulkmail tasks` lists them" in refusal("zebra", Path())


def test_each_family_has_its_tasks_named_after_it() -> None:
    ours = {"contacts.sync", "mail.send", "settings.apply", "settings.report"}
    assert ours <= {name for name in every() if name.partition(".")[0] in families()}


def answered(program: str, *arguments: str) -> str:
    """What a Python of its own prints, which has imported nothing of ours yet."""
    given = [sys.executable, "-c", f"from pathlib import Path; import sys; import bulkmail.tasks as tasks; {program}"]
    return subprocess.run([*given, *arguments], capture_output=True, text=True, check=True).stdout.strip()


def test_a_new_family_is_a_folder_and_nothing_else(tmp_path: Path) -> None:
    family = tmp_path / "zones"
    family.mkdir()
    (family / "__init__.py").write_text(OWN.replace("own.zone", "zones.report") + "\n\nTASKS = (zone,)\n")
    found = answered(
        "tasks.__path__.append(sys.argv[1]); print(tasks.find('zones.report', Path()).summary, *tasks.every())",
        str(tmp_path),
    )
    assert found.startswith("Time zone ")
    assert {"zones.report", "settings.report"} <= set(found.split())


def test_only_the_family_of_a_task_is_imported() -> None:
    loaded = answered("tasks.find('settings.report', Path()); print(*(name for name in sys.modules))").split()
    assert "bulkmail.tasks.settings" in loaded
    assert not {"bulkmail.tasks.contacts", "bulkmail.tasks.mail"} & set(loaded)


def test_in_a_file_beside_the_job(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    found = find("own.py:zone", tmp_path)
    mailbox = Mailbox("a@example.com", 2)
    graph = Graph.of(mailbox, Scripted(lambda _: Response(200, body={"timeZone": "utc"})), "x")
    options = check_options(found, {"upper": True})
    assert run(collect(found.run(mailbox, graph, options))) == [{"zone": "UTC"}]


def test_a_file_that_has_none(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "broken.py").write_text("import a_module_that_is_not_there\n")
    (tmp_path / "wrong.py").write_text("def f(:\n")
    assert "there is no file" in refusal("other.py:zone", tmp_path)
    assert "own.py:plain is not a task\nPut @task" in refusal("own.py:plain", tmp_path)
    assert "own.py:absent is not a task" in refusal("own.py:absent", tmp_path)
    assert "broken.py cannot be loaded: ModuleNotFoundError" in refusal("broken.py:zone", tmp_path)
    assert "wrong.py cannot be loaded: SyntaxError" in refusal("wrong.py:zone", tmp_path)


def test_options_are_checked() -> None:
    chosen = find("settings.report", Path())
    with pytest.raises(ConfigError) as caught:
        check_options(chosen, {"colums": "seed", "replies": "rtf"})
    said = str(caught.value).splitlines()
    assert "task.replies: should be one of 'text' or 'html'" in said
    assert "task.colums is not an option of settings.report; did you mean columns?" in said


def test_a_task_is_an_async_generator() -> None:
    with pytest.raises(TypeError, match=r"own\.list is not"):

        @task("own.list", summary="", permission="", columns={})  # type: ignore[arg-type]
        async def listed(mailbox: Mailbox, graph: Graph, options: Options) -> list[Row]:
            return []
