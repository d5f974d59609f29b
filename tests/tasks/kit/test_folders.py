"""All folders of a mailbox are read once, in as few requests as can be, and in clouds without delta as well."""

from typing import Any

import pytest

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Request, Response
from bulkmail.tasks.folders.report import folders_report
from bulkmail.tasks.kit.folders import folders_of, known, tree_of
from bulkmail.tasks.kit.settings import settings_of
from bulkmail.testing import Scripted, collect, run

BASE = "https://graph.example/v1.0"
ADA = Mailbox("ada@contoso.com", 2)


def body(name: str, parent: str = "top", **more: Any) -> dict[str, Any]:
    return {"id": name, "displayName": name.upper(), "parentFolderId": parent, "childFolderCount": 0, **more}


def error(status: int, code: str) -> Response:
    return Response(status, body={"error": {"code": code, "message": "no"}})


def answering(delta: Response, **others: Response) -> tuple[Graph, list[str]]:
    """A Graph whose service knows an inbox, and what it was asked below the mailbox."""
    asked: list[str] = []

    def answer(request: Request) -> Response:
        path = request.path.partition("/mailFolders")[2]
        asked.append(path)
        if path.startswith("/delta"):
            return delta
        name = path.partition("?")[0]
        known = {"/inbox": Response(200, body=body("in")), **others}
        return known.get(name, error(404, "ErrorItemNotFound"))

    return Graph.of(ADA, Scripted(answer), BASE), asked


def test_several_that_need_the_folders_read_them_once() -> None:
    graph, asked = answering(Response(200, body={"value": [body("in"), body("x", "in")]}))

    async def main() -> None:
        trees = await graph.gather(tree_of(graph, sizes=True), tree_of(graph, ("archive",)), tree_of(graph))
        assert all({place.path for place in tree.walk()} == {"IN", "IN/X"} for tree in trees)

    run(main())
    assert sorted(path.partition("?")[0] for path in asked) == ["/archive", "/delta", "/inbox"]


@pytest.mark.parametrize(("named", "asked_for"), [("box", 0), ("gone", 1), ("", 1), (None, 1)])
def test_the_settings_name_the_archive_where_another_part_reads_them(named: str | None, asked_for: int) -> None:
    """By the id of a folder, which may be there no more."""
    listed, settings = Response(200, body={"value": [body("in"), body("box")]}), {"archiveFolder": named}
    known = {"/archive": Response(200, body=body("box")), "": Response(200, body=settings)}
    graph, asked = answering(listed, **known)

    async def main() -> None:
        _, tree = await graph.gather(settings_of(graph), tree_of(graph, ("archive",)))
        assert tree.known == {"in": "inbox", "box": "archive"}

    run(main())
    assert sum(path.startswith("/archive") for path in asked) == asked_for
    assert asked.count("") == 1


def test_the_settings_are_not_read_for_the_archive_alone() -> None:
    listed = Response(200, body={"value": [body("in"), body("box")]})
    graph, asked = answering(listed, **{"/archive": Response(200, body=body("box"))})
    assert run(tree_of(graph, ("archive",))).known == {"in": "inbox", "box": "archive"}
    assert sorted(path.partition("?")[0] for path in asked) == ["/archive", "/delta", "/inbox"]


def test_folders_without_sizes_do_not_do_for_a_part_that_needs_them() -> None:
    graph, asked = answering(Response(200, body={"value": [body("in")]}))

    async def main() -> None:
        await folders_of(graph)
        await folders_of(graph, sizes=True)
        await folders_of(graph)

    run(main())
    assert ["$expand" in path for path in asked] == [False, True]


@pytest.mark.parametrize(
    "refusal",
    [
        error(400, "BadRequest"), error(400, "ErrorInvalidIdMalformed"), error(404, "ErrorItemNotFound"),
        error(405, "Request_BadRequest"), error(410, "SyncStateNotFound"), error(501, "NotImplemented"),
    ],
)  # fmt: skip
def test_a_cloud_without_delta_is_walked_parent_by_parent(refusal: Response) -> None:
    top = [
        body("in", childFolderCount=1),
        body("gone"),
        body("s", **{"@odata.type": "#microsoft.graph.mailSearchFolder"}),
    ]
    graph, asked = answering(
        refusal,
        **{
            "": Response(200, body={"value": top}),
            "/in/childFolders": Response(200, body={"value": [body("x", "in"), body("in")]}),
            "/x/childFolders": Response(200, body={"value": []}),
        },
    )
    found = run(folders_of(graph))
    assert sorted(folder.id for folder in found) == ["gone", "in", "s", "x"]
    assert len(asked) == 5  # the list, and the children of all but the search folder
    assert all("includeHiddenFolders=true" in path for path in asked[1:])


@pytest.mark.parametrize("refusal", [error(404, "MailboxNotEnabledForRESTAPI"), error(403, "ErrorAccessDenied")])
def test_what_is_said_of_the_mailbox_is_not_taken_for_a_lack_of_delta(refusal: Response) -> None:
    graph, asked = answering(refusal)
    with pytest.raises(GraphError) as caught:
        run(folders_of(graph))
    assert caught.value.status == refusal.status
    assert ("Mail.ReadBasic.All" in str(caught.value)) == (refusal.status == 403)
    assert len(asked) == 1


def test_only_folders_that_may_hold_some_are_asked_where_hidden_ones_do_not_matter() -> None:
    graph, asked = answering(
        error(500, "x"),
        **{
            "": Response(200, body={"value": [body("a", childFolderCount=1), body("b")]}),
            "/a/childFolders": Response(200, body={"value": [body("c", "a")]}),
        },
    )
    assert len(run(folders_of(graph, walk="children", hidden=False))) == 3
    assert [path.partition("?")[0] for path in asked] == ["", "/a/childFolders"]


@pytest.mark.parametrize("status", [400, 403])
def test_where_sizes_are_refused_folders_come_without(status: int) -> None:
    asked: list[str] = []

    def answer(request: Request) -> Response:
        asked.append(request.path)
        if "expand" in request.path:
            return error(status, "ErrorAccessDenied")
        return Response(200, body={"value": [body("a")]})

    graph = Graph.of(ADA, Scripted(answer), BASE)

    async def main() -> None:
        for _ in range(2):
            (folder,) = await folders_of(graph, sizes=True)
            assert (folder.id, folder.size) == ("a", None)

    run(main())
    assert "expand" not in asked[-1]
    assert len(asked) == (2 if status == 403 else 3)  # a refusal may also mean that there is no delta


def test_a_removed_one_is_no_folder_and_the_last_word_counts() -> None:
    rows = [body("x", isHidden=True), {"id": "y", "@removed": {"reason": "deleted"}}, body("x")]
    graph, _ = answering(Response(200, body={"value": rows}))
    (folder,) = run(folders_of(graph))
    assert not folder.hidden


def test_a_mailbox_without_an_inbox_has_no_tree_and_a_missing_name_is_no_error() -> None:
    def ask(request: Request) -> Response:
        return Response(200, body={"value": []}) if "delta" in request.path else error(404, "ErrorItemNotFound")

    graph = Graph.of(ADA, Scripted(ask), BASE)
    assert run(known(graph, "clutter")) is None
    tree = run(tree_of(graph))
    assert (tree.root, [*tree.walk()], tree.at(["x"]), tree.at(["msgfolderroot", "x"])) == ("", [], None, None)
    with pytest.raises(GraphError, match="NoInbox"):
        run(collect(folders_report.run(ADA, Graph.of(ADA, Scripted(ask), BASE), folders_report.options())))
