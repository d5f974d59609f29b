"""What a service refuses, and what somebody else writes at the same time, is no accident and no false success."""

from pathlib import Path
from typing import Any

import pytest

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Request, Response, Row
from bulkmail.tasks import check_options
from bulkmail.tasks.contacts.book import MARK
from bulkmail.tasks.contacts.sync import contacts_sync
from bulkmail.tasks.kit.keyed import EXTENDED
from bulkmail.testing import Scripted, collect, run
from tests.tasks.contacts.test_sync import listed
from tests.tasks.rig import ADA, BASE, error_body


class Shelf:
    """A folder with one contact that somebody else changes before each of the first `rivals` writes."""

    def __init__(self, rivals: int, theirs: dict[str, Any] | None = None) -> None:
        self.rivals = rivals
        self.theirs = theirs or {}
        self.version = 0
        self.contact = {"id": "c/1", "displayName": "Ada", "jobTitle": None, EXTENDED: [{"id": MARK.id, "value": "7"}]}
        self.service = Scripted(self.answer)

    def answer(self, request: Request) -> Response:
        body = {**self.contact, "@odata.etag": f'W/"{self.version}"'}
        if request.method == "PATCH":
            if self.rivals:
                self.rivals -= 1
                self.version += 1
                self.contact |= self.theirs
            if request.headers["If-Match"] != f'W/"{self.version}"':
                return Response(412, body=error_body("ErrorIrresolvableConflict"))
            self.contact |= request.body
        elif request.path.partition("?")[0].endswith("/contactFolders"):
            return Response(200, body={"value": [{"id": "f", "displayName": "HELPDESK"}]})
        elif request.path.partition("?")[0].endswith("/contacts"):
            return Response(200, body={"value": [body]})
        return Response(200, body=body)


def synced(folder: Path, service: Scripted, text: str, **options: Any) -> list[Row]:
    listed(folder, text)
    checked = check_options(contacts_sync, {"contacts": "people.csv", "folder": "Helpdesk", **options}, folder)
    return run(collect(contacts_sync.run(ADA, Graph.of(ADA, service, BASE), checked)))


TITLED = "id,name,title\n7,Ada,Analyst\n"


def test_a_rival_makes_it_read_again(tmp_path: Path) -> None:
    shelf = Shelf(rivals=2, theirs={"mobilePhone": "+44 2"})
    assert len(synced(tmp_path, shelf.service, TITLED)) == 1
    assert [one.method for one in shelf.service.requests[2:]] == ["PATCH", "GET", "PATCH", "GET", "PATCH"]
    assert shelf.service.requests[3].path.startswith("/users/ada@example.com/contactFolders/f/contacts/c%2F1?")
    assert shelf.contact["jobTitle"] == "Analyst"
    assert shelf.contact["mobilePhone"] == "+44 2"


def test_a_rival_that_does_the_same_leaves_nothing_to_do(tmp_path: Path) -> None:
    shelf = Shelf(rivals=1, theirs={"jobTitle": "Analyst"})
    synced(tmp_path, shelf.service, TITLED)
    assert [one.method for one in shelf.service.requests[2:]] == ["PATCH", "GET"]


def test_a_rival_without_end_is_no_success(tmp_path: Path) -> None:
    shelf = Shelf(rivals=9)
    with pytest.raises(GraphError, match="ErrorIrresolvableConflict"):
        synced(tmp_path, shelf.service, TITLED)
    assert sum(one.method == "PATCH" for one in shelf.service.requests) == 3


@pytest.mark.parametrize("status", [403, 404])
def test_a_delete_that_is_refused_is_no_success(status: int, tmp_path: Path) -> None:
    shelf = Shelf(rivals=0)
    refusal = Response(status, body=error_body("ErrorFolderNotFound"))
    service = Scripted(lambda request: refusal if request.method == "DELETE" else shelf.answer(request))
    with pytest.raises(GraphError, match="ErrorFolderNotFound"):
        synced(tmp_path, service, "id,name\n", allow_empty=True)


@pytest.mark.parametrize("contact", [None, [], {}, {"id": 5}])
def test_an_answer_that_is_no_contact(contact: Any, tmp_path: Path) -> None:
    def answer(request: Request) -> Response:
        listed = [contact] if "/contacts" in request.path else [{"id": "f", "displayName": "helpdesk"}]
        return Response(200, body={"value": listed})

    with pytest.raises(GraphError, match="NotAContact"):
        synced(tmp_path, Scripted(answer), TITLED)


@pytest.mark.parametrize(("status", "sent"), [(400, 3), (413, 3), (403, 1), (507, 1)])
def test_one_contact_that_is_refused_does_not_keep_out_the_others(status: int, sent: int, tmp_path: Path) -> None:
    """Unless the others would be refused for the same reason."""
    shelf = Shelf(rivals=0)

    def answer(request: Request) -> Response:
        if request.method == "POST" and (status in (403, 507) or request.body["displayName"] == "Bad"):
            return Response(status, body=error_body("ErrorOfSomeKind"))
        return shelf.answer(request)

    service = Scripted(answer)
    with pytest.raises(GraphError, match="ErrorOfSomeKind"):
        synced(tmp_path, service, "id,name\n1,Bad\n2,Good\n3,Good\n7,Ada\n")
    assert sum(one.method == "POST" for one in service.requests) in range(sent, 4)
    assert service.requests[-1].method == "POST"


def test_a_folder_that_appears_in_this_moment(tmp_path: Path) -> None:
    asked = []

    def answer(request: Request) -> Response:
        if request.path.partition("?")[0].endswith("/contactFolders"):
            asked.append(request.method)
            if request.method == "POST":
                return Response(409, body=error_body("ErrorFolderExists"))
            return Response(200, body={"value": [{"id": "f", "displayName": "helpdesk"}] if len(asked) > 1 else []})
        if request.method == "GET":
            return Response(200, body={"value": []})
        return Response(201, body={"id": "x"})

    service = Scripted(answer)
    assert len(synced(tmp_path, service, TITLED)) == 1
    assert asked == ["GET", "POST", "GET"]


def test_a_folder_that_is_refused(tmp_path: Path) -> None:
    """Also one that is said to be there and is not."""
    for status in (403, 409):

        def answer(request: Request, status: int = status) -> Response:
            refusal = Response(status, body=error_body("ErrorOfSomeKind"))
            return refusal if request.method == "POST" else Response(200, body={"value": []})

        with pytest.raises(GraphError, match="ErrorOfSomeKind"):
            synced(tmp_path, Scripted(answer), TITLED)


def test_a_folder_without_an_id(tmp_path: Path) -> None:
    service = Scripted(lambda one: Response(201) if one.method == "POST" else Response(200, body={"value": []}))
    with pytest.raises(GraphError, match="NotAFolder"):
        synced(tmp_path, service, TITLED)
    assert len(service.requests) == 2


def test_a_copy_that_somebody_made_goes(tmp_path: Path) -> None:
    shelf = Shelf(rivals=0)

    def answer(request: Request) -> Response:
        response = shelf.answer(request)
        if request.path.partition("?")[0].endswith("/contacts"):
            (one,) = response.body["value"]
            return Response(200, body={"value": [one, {**one, "id": "copy"}]})
        return Response(404, body=error_body("ErrorItemNotFound")) if request.method == "DELETE" else response

    rows = synced(tmp_path, Scripted(answer), "id,name\n7,Ada\n")
    assert rows == [
        {"key": "7", "action": "delete", "before": {"displayName": "Ada"}, "after": None, "state": "done"}
    ], "and one that is gone meanwhile is gone"  # fmt: skip


def test_an_empty_list_can_be_meant(tmp_path: Path) -> None:
    shelf = Shelf(rivals=0)
    rows = synced(tmp_path, shelf.service, "id,name\n", allow_empty=True)
    assert [(row["key"], row["action"]) for row in rows] == [("7", "delete")]
