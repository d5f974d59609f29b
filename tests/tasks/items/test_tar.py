"""Members of an archive: whatever a mailbox holds, ordinary tools read them, and none leaves its folder."""

import io
import json
import tarfile
from hashlib import sha256
from pathlib import PurePosixPath, PureWindowsPath

from hypothesis import given
from hypothesis import strategies as st

from bulkmail.sink.names import safe_name
from bulkmail.tasks.items.folders import Folder, names_of
from bulkmail.tasks.items.item import Item
from bulkmail.tasks.items.shelf import file_name
from bulkmail.tasks.items.tar import END, Member, seconds_of
from bulkmail.tasks.kit.paths import escaped

NAMES = st.text(max_size=40) | st.sampled_from(
    ["..", ".", "", "a/b", "..\\..", "C:", "/etc", "\n", "\x00", "ä" * 300, "\ud800", "\u202e", "a" * 300]
)
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
            told = json.loads(held.pax_headers["comment"])
            assert (told["item"], told["sha256"]) == (item.id, sha256(content).hexdigest())
            path = PurePosixPath(held.name)
            assert ".." not in path.parts + PureWindowsPath(held.name).parts
            assert not path.is_absolute()
            assert not PureWindowsPath(held.name).drive
            assert held.name.isprintable()
            assert all(len(part.encode()) <= 255 for part in path.parts)


@given(NAMES)
def test_a_name_is_a_part_of_a_path_whatever_it_holds(name: str) -> None:
    assert names_of(f"Inbox/{escaped(name)}") == ["Inbox", *([name] if name else [])]


@given(PATHS, st.text(max_size=9), st.text(max_size=9))
def test_a_file_of_an_item_has_a_name_of_its_own(path: str, one: str, other: str) -> None:
    names = [file_name(Item(Folder("id", path), name)) for name in (one, other)]
    assert [safe_name(name) for name in names] == names
    assert (names[0] == names[1]) == (one == other)


def test_the_time_of_a_member() -> None:
    assert seconds_of("1970-01-01T00:01:00Z") == 60
    assert seconds_of("1969-01-01T00:01:00Z") == 0
