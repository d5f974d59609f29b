"""A task that could not be run is refused where it is declared, with what to do."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field, create_model

from bulkmail.config.tables import TaskTable
from bulkmail.errors import ConfigError
from bulkmail.graph import Graph
from bulkmail.model import Made, Mailbox, Row
from bulkmail.task.declare import RESERVED, Options, Task, task
from bulkmail.task.permissions import all_of, any_of
from bulkmail.tasks import find


async def rows(mailbox: Mailbox, graph: Graph, options: Any) -> AsyncIterator[Row]:
    yield {}


def declared(**given: Any) -> Task:
    return task("own.task", **{"summary": "", "permission": "", "columns": {}, **given})(rows)


def test_the_keys_of_the_task_table_are_reserved() -> None:
    assert set(TaskTable.model_fields) == RESERVED


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_an_option_that_could_never_be_given(name: str) -> None:
    taken: type[Options] = create_model("Taken", __base__=Options, **{name: (str, "x")})  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=rf"own\.task cannot have an option '{name}'.*another name"):
        declared(options=taken)
    renamed: type[Options] = create_model("Taken", __base__=Options, other=(str, Field("x", alias=name)))
    with pytest.raises(TypeError, match="cannot have an option"):
        declared(options=renamed)


def test_its_user_hears_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from bulkmail import Options, task\n"
        "class Mine(Options):\n    apply: bool = False\n"
        "@task('own.task', summary='', permission='', columns={}, options=Mine)\n"
        "async def own(mailbox, graph, options):\n    yield {}\n"
    )
    with pytest.raises(ConfigError, match=r"own\.py cannot be loaded: TypeError: own\.task .* option 'apply'"):
        find("own.py:own", tmp_path)


async def no_rows(mailbox: Mailbox, graph: Graph, options: Any, made: list[Made]) -> None: ...


def test_a_task_and_its_undo_yield_rows() -> None:
    with pytest.raises(TypeError, match=r"own\.task is not"):
        task("own.task", summary="", permission="", columns={})(no_rows)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"undo of own\.task"):
        declared(undo=no_rows)
    with pytest.raises(TypeError, match="yields rows"):
        Task("own.task", "", lambda _: all_of(), no_rows, Options, lambda _: {})  # type: ignore[arg-type]


def test_permissions_are_given_in_one_way() -> None:
    with pytest.raises(TypeError, match=r"what own\.task needs"):
        declared(permission=None)
    with pytest.raises(TypeError, match=r"what own\.task needs"):
        declared(needs=all_of())


class Modes(Options):
    write: bool = False


def test_permissions_by_options() -> None:
    def needs(options: Modes) -> Any:
        return all_of("Mail.ReadWrite") if options.write else any_of("Mail.Read", "Mail.ReadWrite")

    chosen = declared(permission=None, needs=needs, options=Modes)
    assert chosen.permission == "Mail.Read or Mail.ReadWrite"
    assert chosen.needs(Modes(write=True)).text == "Mail.ReadWrite"
    assert declared(permission="A and B").needs(Options()) == all_of("A", "B")
    assert declared(permission=None, needs=all_of("A")).needs(Options()) == all_of("A")
