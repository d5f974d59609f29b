"""The tree of a mailbox: whatever the service says, each folder is in it once, at its place, and nothing else."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Request, Response
from bulkmail.tasks.folders.report import folders_report
from bulkmail.tasks.kit.folders import Folder, Tree, folders_of, known, split, tree_of
from bulkmail.tasks.kit.paths import joined, parted
from bulkmail.testing import Scripted, collect, run

BASE = "https://graph.example/v1.0"
ADA = Mailbox("ada@contoso.com", 2)
PARENTS = st.lists(st.integers(-1, 12), max_size=12)


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


@given(PARENTS)
def test_a_walk_gives_what_is_below_the_root_once_and_parents_first(parents: list[int]) -> None:
    folders = [Folder(str(number), f"n/{number}", str(parent)) for number, parent in enumerate(parents)]
    by_id = {folder.id: folder for folder in folders}

    def names(folder: Folder) -> list[str] | None:
        found: list[str] = []
        while len(found) <= len(folders):
            found.insert(0, folder.name)
            if folder.parent == "-1":
                return found
            if folder.parent not in by_id:
                return None
            folder = by_id[folder.parent]
        return None  # in a circle

    tree = Tree(folders, "-1", {})
    walked = [*tree.walk()]
    assert {place.folder.id for place in walked} == {one.id for one in folders if names(one) is not None}
    assert len(walked) == len({place.folder.id for place in walked}) == len(tree.places)
    seen = {"-1"}
    for folder, path in walked:
        assert folder.parent in seen
        seen.add(folder.id)
        assert parted(path) == names(folder)
        assert tree.at(parted(path)) == folder.id


def test_without_hidden_ones_what_lies_in_these_is_left_out() -> None:
    folders = [Folder("a", "A", "r"), Folder("h", "H", "r", hidden=True), Folder("c", "C", "h"), Folder("d", "D", "a")]
    tree = Tree(folders, "r", {})
    assert [place.path for place in tree.walk(hidden=False)] == ["A", "A/D"]
    assert [place.path for place in tree.walk()] == ["A", "A/D", "H", "H/C"]


def test_a_path_begins_at_a_well_known_name_or_below_the_root() -> None:
    tree = Tree(
        [Folder("in", "Posteingang", "r"), Folder("x", "A/B", "in"), Folder("y", "x", "r")], "r", {"in": "inbox"}
    )
    assert tree.at(["Inbox"]) == "in"
    assert tree.at(["INBOX", "a/b"]) == "x"
    assert tree.at(["posteingang", "A/B"]) == "x"
    assert tree.at(["msgfolderroot", "X"]) == tree.at(["x"]) == "y"
    assert tree.at(["msgfolderroot"]) == "r"
    assert tree.at(["inbox", "none", "deeper"]) is None
    assert tree.at(["archive"]) is None  # not there, or not asked for
    assert split(["Archive", "2026"]) == ("archive", ["2026"])
    assert joined(["a", "b/c"]) == r"a/b\/c"


def test_several_that_need_the_folders_read_them_once() -> None:
    graph, asked = answering(Response(200, body={"value": [body("in"), body("x", "in")]}))

    async def main() -> None:
        trees = await graph.gather(tree_of(graph, sizes=True), tree_of(graph, ("archive",)), tree_of(graph))
        assert all({place.path for place in tree.walk()} == {"IN", "IN/X"} for tree in trees)

    run(main())
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


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, (None, None, None, False, False)),
        ({"totalItemCount": 3, "unreadItemCount": 1, "isHidden": True}, (3, 1, None, True, False)),
        ({"totalItemCount": True, "unreadItemCount": "5", "isHidden": "yes"}, (None, None, None, False, False)),
        ({"singleValueExtendedProperties": [{"id": "Long 0xe08", "value": "17"}]}, (None, None, 17, False, False)),
        ({"singleValueExtendedProperties": [5, {"id": "Long 0x0E08", "value": "17"}]}, (None, None, 17, False, False)),
        ({"singleValueExtendedProperties": [{"id": "Long 0xe08", "value": "-1"}]}, (None, None, None, False, False)),
        ({"singleValueExtendedProperties": {"id": "Long 0xe08"}}, (None, None, None, False, False)),
    ],
)
def test_what_is_read_of_a_folder(changed: Mapping[str, Any], expected: tuple[Any, ...]) -> None:
    folder = Folder.of({**body("a"), **changed})
    assert (folder.items, folder.unread, folder.size, folder.hidden, folder.search) == expected


@pytest.mark.parametrize("strange", [None, 5, {}, {"id": 5}])
def test_what_is_not_a_folder_is_refused(strange: Any) -> None:
    with pytest.raises(GraphError, match="NotAFolder"):
        Folder.of(strange)


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


def test_a_folder_lies_in_a_well_known_one_at_any_depth() -> None:
    folders = [Folder("d", "D", "r"), Folder("a", "A", "d"), Folder("b", "B", "a"), Folder("c", "C", "r")]
    tree = Tree(folders, "r", {"d": "deleteditems"})
    assert [one.id for one in folders if tree.within(one, "deleteditems")] == ["a", "b"]


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
