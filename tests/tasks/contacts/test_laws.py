"""Whatever the lists are, and whatever of them is in a mailbox already: a sync makes the list true, a second one is
quiet, and undo leads back."""

from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from bulkmail.graph import Graph
from bulkmail.model import Made, Request, Response, Row
from bulkmail.tasks import check_options
from bulkmail.tasks.contacts.book import MARK
from bulkmail.tasks.contacts.sync import contacts_sync
from bulkmail.tasks.contacts.undo import undo
from bulkmail.tasks.kit.keyed import EXTENDED
from bulkmail.testing import Scripted, collect, run
from tests.tasks.rig import ADA, BASE, error_body

CELL = st.text("ab é'\"&;", max_size=4).map(str.strip)
KEYS = st.text("aB1'&%/ é", min_size=1, max_size=3).filter(lambda key: key == key.strip())
PEOPLE = st.dictionaries(KEYS, st.tuples(CELL, CELL, CELL), min_size=1, max_size=6).filter(
    lambda people: len({key.casefold() for key in people}) == len(people)
)


class Folders:
    """Contact folders and contacts in memory, with etags."""

    def __init__(self, theirs: list[dict[str, Any]]) -> None:
        self.folders: dict[str, str] = {}
        self.contacts = {f"c{n}": {"id": f"c{n}", **props} for n, props in enumerate(theirs)}
        self.number = len(self.contacts)
        self.service = Scripted(self.answer)

    def answer(self, request: Request) -> Response:
        path, _, options = request.path.removeprefix("/users/ada@example.com").partition("?")
        parts = [unquote(part) for part in path.split("/")[1:]]
        if len(parts) == 1:
            return self.of_folders(request)
        if parts[2:] == ["childFolders"]:
            return Response(200, body={"value": []})
        if len(parts) == 2:
            self.folders.pop(parts[1])
            return Response(204)
        return self.of_contacts(request, parts[3] if len(parts) > 3 else "", unquote(options))

    def of_folders(self, request: Request) -> Response:
        if request.method == "POST":
            self.folders["f"] = request.body["displayName"]
            return Response(201, body={"id": "f"})
        return Response(200, body={"value": [{"id": key, "displayName": name} for key, name in self.folders.items()]})

    def of_contacts(self, request: Request, key: str, options: str) -> Response:
        if request.method == "POST":
            self.number += 1
            key = f"c{self.number}"
            self.contacts[key] = {"id": key, **request.body}
        elif key and key not in self.contacts:
            return Response(404, body=error_body("ErrorItemNotFound"))
        elif request.method == "PATCH":
            assert request.headers["If-Match"] == self.shown(self.contacts[key])["@odata.etag"]
            self.contacts[key] |= request.body
        elif request.method == "DELETE":
            del self.contacts[key]
            return Response(204)
        elif not key:
            assert "$filter=single" not in options.partition("$expand")[0], "nothing was lost"
            return Response(200, body={"value": [self.shown(one) for one in self.contacts.values()]})
        return Response(200, body=self.shown(self.contacts[key]))

    def shown(self, contact: dict[str, Any]) -> dict[str, Any]:
        return {**contact, "changeKey": "x", "@odata.etag": str(hash(str(contact)))}

    def ours(self) -> dict[str, dict[str, Any]]:
        return {one[EXTENDED][0]["value"]: one for one in self.contacts.values() if one.get(EXTENDED)}

    def said(self) -> dict[str, dict[str, Any]]:
        return {
            key: {name: value for name, value in one.items() if value and name not in ("id", EXTENDED)}
            for key, one in self.ours().items()
        }


def written(people: dict[str, tuple[str, str, str]]) -> str:
    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"'

    rows = [",".join(map(quoted, (key, *cells))) for key, cells in people.items()]
    return "\n".join(["id,name,title,phone", *rows, ""])


def options_for(people: dict[str, tuple[str, str, str]]) -> Any:
    with TemporaryDirectory() as folder:
        (Path(folder) / "list.csv").write_text(written(people), encoding="utf-8")
        given = {"contacts": "list.csv", "folder": "F", "write_odd_numbers": True}
        return check_options(contacts_sync, given, Path(folder))


def applied(folders: Folders, options: Any) -> tuple[list[Row], list[Made]]:
    seen = len(folders.service.requests)
    rows = run(collect(contacts_sync.run(ADA, Graph.of(ADA, folders.service, BASE), options)))
    return rows, [Made(one.change) for one in folders.service.requests[seen:] if one.change]


THEIRS = [{"displayName": "Mine", "jobTitle": "x"}, {"displayName": "Other's", EXTENDED: []}]


@given(first=PEOPLE, second=PEOPLE, theirs=st.sampled_from([[], THEIRS]))
def test_the_list_is_true_a_second_time_is_quiet_and_undo_leads_back(
    first: dict[str, tuple[str, str, str]], second: dict[str, tuple[str, str, str]], theirs: list[dict[str, Any]]
) -> None:
    folders = Folders(deepcopy(theirs))
    stages = []
    made: list[list[Made]] = []
    for people in (first, second):
        options = options_for(people)
        stages.append(folders.said())
        rows, changes = applied(folders, options)
        made.append(changes)
        assert {key.casefold() for key in folders.ours()} == {key.casefold() for key in people}
        for key, fields in folders.said().items():
            wanted = options.wanted[key.casefold()].fields
            assert fields.get("displayName") == wanted["displayName"]
            assert fields.get("jobTitle") == wanted["jobTitle"]
            assert fields.get("businessPhones", []) == wanted["businessPhones"]
        assert applied(folders, options) == ([], [])
        assert len(rows) == len([one for one in changes if one.change.key.startswith("contact:")])
    for stage, changes in zip(stages[::-1], made[::-1], strict=True):
        graph = Graph.of(ADA, folders.service, BASE)
        run(collect(undo(ADA, graph, options, changes[::-1])))
        assert folders.said() == stage
    assert [one for one in folders.contacts.values() if not one.get(EXTENDED)] == [
        {"id": f"c{n}", **props} for n, props in enumerate(theirs)
    ]
    assert bool(folders.folders) == bool(theirs), "a folder with somebody's contacts in it stays"
    assert MARK.id in str([one.body for one in folders.service.requests])
