"""Folders that rules name are found by their ids, also the one that is outside of the tree, which is not waited for."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from bulkmail.graph import Graph
from bulkmail.model import Request, Response
from bulkmail.tasks.rules.folders import GONE, RECOVERABLE, Place, places
from bulkmail.testing import Scripted, run
from tests.tasks.rig import ADA, BASE


def folder(name: str, parent: str = "top") -> dict[str, Any]:
    return {"id": name, "displayName": name.upper(), "parentFolderId": parent}


def placed(*ids: str, late: bool = False) -> tuple[Mapping[str, Place], list[str]]:
    """Where folders of a mailbox are, and what it was asked for; well-known names are `late` if they are told only when
    it was asked for the folder outside."""
    asked: list[str] = []

    async def main() -> Mapping[str, Place]:
        outside = asyncio.Event()

        async def answer(request: Request) -> Response:
            name = request.path.partition("/mailFolders/")[2].partition("?")[0]
            asked.append(name)
            if name == "delta":
                return Response(200, body={"value": [folder("in"), folder("x", "in"), folder("box")]})
            if name == RECOVERABLE:
                outside.set()
                return Response(200, body=folder("gone", "hidden top"))
            if late:
                await outside.wait()
            if (found := {"inbox": "in", "deleteditems": "box"}.get(name)) is not None:
                return Response(200, body=folder(found))
            return Response(404, body={"error": {"code": "ErrorItemNotFound", "message": "no"}})

        return await places(Graph.of(ADA, Scripted(answer), BASE), ids)

    return run(main()), asked


@pytest.mark.parametrize("late", [False, True])
def test_the_folder_outside_of_the_tree_is_asked_for_at_once(late: bool) -> None:
    found, asked = placed("x", "gone", "lost", late=late)
    assert found == {"x": Place("IN/X"), "gone": Place("GONE", RECOVERABLE), "lost": Place(GONE)}
    assert asked.count(RECOVERABLE) == asked.count("delta") == 1


def test_it_is_not_asked_for_where_all_folders_are_in_the_tree() -> None:
    found, asked = placed("x", "box", "top")
    assert found == {"x": Place("IN/X"), "box": Place("BOX", "deleteditems"), "top": Place("", "msgfolderroot")}
    assert RECOVERABLE not in asked


def test_nothing_is_asked_where_no_folder_is_named() -> None:
    assert placed() == ({}, [])
