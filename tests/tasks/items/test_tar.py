"""Members of an archive: whatever a mailbox holds, ordinary tools read them, and none leaves its folder."""

import io
import json
import re
import tarfile
from hashlib import sha256
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bulkmail.sink.names import safe_name
from bulkmail.tasks.items.folders import Folder, names_of
from bulkmail.tasks.items.item import Item
from bulkmail.tasks.items.shelf import file_name
from bulkmail.tasks.items.tar import END, Member, folder_name, seconds_of
from bulkmail.tasks.kit.paths import escaped

NAMES = st.text(max_size=40) | st.sampled_from([
    "..", ".", "", "a/b", "..\\..", "C:", "CON", "nul.txt", "com1", "LPT9.a.b", "aux .x", "name.", "a:b", "/etc", "\n",
    "\x00", "ä" * 300, "\ud800", "\u202e", "a" * 300,
])  # fmt: skip
WINDOWS_REFUSES = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\.|$)|[. ]$|[<>:\"|?*\\]", re.IGNORECASE)
PATHS = st.lists(NAMES, max_size=4).map(lambda names: "/".join(map(escaped, names)))
MOMENTS = st.sampled_from(["2026-01-02T03:04:05Z", "", "tomorrow", "0001-01-01T00:00:00Z"])
ITEMS = st.builds(
    Item,
    folder=st.builds(Folder, id=st.text(max_size=9), path=PATHS),
    id=st.text(min_size=1, max_size=60),
    change_key=st.text(max_size=9),
    type=st.text(max_size=9),
    modified=MOMENTS,
)


@given(st.lists(st.tuples(ITEMS, st.binary(max_size=2000)), max_size=4))
def test_any_item_makes_a_member(found: list[tuple[Item, bytes]]) -> None:
    archive = b""
    for item, content in found:
        member, digest = Member(item), sha256(content).hexdigest()
        before, behind = member.around(len(content), digest)
        assert len(before) == member.head
        archive += before + content + behind
    with tarfile.open(fileobj=io.BytesIO(archive + END)) as opened:
        for held, (item, content) in zip(opened.getmembers(), found, strict=True):
            file = opened.extractfile(held)
            assert file is not None
            assert file.read() == content
            assert (held.mode, held.type) == (0o600, tarfile.REGTYPE)
            assert held.mtime == seconds_of(item.modified)
            told = json.loads(held.pax_headers["comment"])
            assert (told["item"], told["sha256"]) == (item.id, sha256(content).hexdigest())
            path = PurePosixPath(held.name)
            assert ".." not in path.parts + PureWindowsPath(held.name).parts
            assert not path.is_absolute()
            assert not PureWindowsPath(held.name).drive
            assert held.name.isprintable()
            assert all(len(part.encode()) <= 255 for part in path.parts)
            assert not any(WINDOWS_REFUSES.search(part) for part in path.parts)


@given(NAMES)
def test_a_name_is_a_part_of_a_path_whatever_it_holds(name: str) -> None:
    assert names_of(f"Inbox/{escaped(name)}") == ["Inbox", *([name] if name else [])]


@given(PATHS, st.text(max_size=9), st.text(max_size=9))
def test_a_file_of_an_item_has_a_name_of_its_own(path: str, one: str, other: str) -> None:
    names = [file_name(Item(Folder("id", path), name)) for name in (one, other)]
    assert [safe_name(name) for name in names] == names
    assert (names[0] == names[1]) == (one == other)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CON", "%43ON"), ("nul.txt", "%6Eul.txt"), ("COM¹", "%43OM¹"), ("CONIN$", "%43ONIN$"), ("aux .x", "%61ux .x"),
        ("Console", "Console"), ("com10", "com10"), ("Aux files", "Aux files"), ("a:b", "a%3Ab"), ("end.", "end%2E"),
    ],
)  # fmt: skip
def test_a_folder_has_no_name_that_windows_refuses(name: str, expected: str) -> None:
    assert folder_name(escaped(name)) == expected


@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=60))
@example("AAMkAGI2", "AAMkAGi2")
def test_members_of_two_items_are_two_files_also_where_case_does_not_count(one: str, other: str) -> None:
    names = [Member(Item(Folder("id", "Inbox"), item)).name.lower() for item in (one, other)]
    assert (names[0] == names[1]) == (one == other)


def test_the_time_of_a_member() -> None:
    assert seconds_of("1970-01-01T00:01:00Z") == 60
    assert seconds_of("1969-01-01T00:01:00Z") == 0
