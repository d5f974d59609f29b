"""The tree of a mailbox: whatever the service says, each folder is in it once, at its place, and nothing else."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import GraphError
from bulkmail.tasks.kit.paths import joined, parted
from bulkmail.tasks.kit.tree import GONE, Folder, Tree, root_of, split, sums

PARENTS = st.lists(st.integers(-1, 12), max_size=12)


def body(name: str, parent: str = "top", **more: Any) -> dict[str, Any]:
    return {"id": name, "displayName": name.upper(), "parentFolderId": parent, "childFolderCount": 0, **more}


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


def test_a_folder_lies_in_a_well_known_one_at_any_depth() -> None:
    folders = [Folder("d", "D", "r"), Folder("a", "A", "d"), Folder("b", "B", "a"), Folder("c", "C", "r")]
    tree = Tree(folders, "r", {"d": "deleteditems"})
    assert [one.id for one in folders if tree.within(one, "deleteditems")] == ["a", "b"]


def test_sums_leave_out_search_folders_and_are_unknown_where_a_part_is() -> None:
    folders = [Folder("a", "A", "r", 0, 3, 1, 10), Folder("b", "B", "r", 0, 2, 0, None)]
    searches = [Folder("s", "S", "r", 0, 5, 5, 5, search=True)]
    assert sums([*folders, *searches]) == (2, 5, 1, None)
    assert sums(searches) == sums([]) == (0, 0, 0, 0)


def test_folders_by_their_ids() -> None:
    folders = [Folder("a", "A/B", "r"), Folder("b", "C", "a"), Folder("o", "O", "elsewhere")]
    tree = Tree(folders, root_of(folders))
    tree.name("x", "recoverableitemsdeletions")
    assert tree.root == "r"
    assert [tree.path(id_) for id_ in ("b", "x", "o", "inbox")] == [
        r"A\/B/C", "recoverableitemsdeletions", GONE, "inbox",
    ]  # fmt: skip
    assert list(tree) == ["a", "b", "x"]
    assert list(tree.below("a")) == ["a", "b"]
    assert list(tree.below("o")) == ["o"]
    assert set(Tree([Folder("a", "A", "b"), Folder("b", "B", "a")], "r").below("a")) == {"a", "b"}, "in a circle"


@given(PARENTS)
def test_the_root_is_where_most_folders_hang(parents: list[int]) -> None:
    folders = [Folder(str(number), "n", str(parent)) for number, parent in enumerate(parents)]
    root = root_of(folders)
    assert root not in {folder.id for folder in folders}
    assert bool(root) == any(folder.parent not in {one.id for one in folders} for folder in folders)
