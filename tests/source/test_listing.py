"""Mailboxes out of the directory: page by page, with their ids, and with words for what the directory refuses."""

import asyncio
from typing import Any
from urllib.parse import unquote

import pytest

from bulkmail.errors import BulkmailError, GraphError, InputError, PermissionMissing
from bulkmail.graph import Graph
from bulkmail.model import Counts, Mailbox, Rejected, Request, Response
from bulkmail.source.listing import DirectorySource
from bulkmail.testing import Scripted

BASE = "https://graph.example/v1.0"


def guid(number: int) -> str:
    return f"3f2504e0-4f89-11d3-9a0c-{number:012d}"


def user(number: int, **more: Any) -> dict[str, Any]:
    address = f"u{number}@example.com"
    return {"id": guid(number), "mail": address, "userPrincipalName": address} | more


class Service(Scripted):
    """Answers with one page after the other, whatever is asked."""

    def __init__(self, *pages: list[Any]) -> None:
        super().__init__(self._page)
        self._pages = pages

    def _page(self, request: Request) -> Response:
        number = len(self.requests)
        body: dict[str, Any] = {"value": self._pages[number - 1]}
        if number < len(self._pages):
            body["@odata.nextLink"] = f"{BASE}{request.path.partition('?')[0]}?$skiptoken={number}"
        return Response(200, body=body)


def source(service: Scripted, **settings: Any) -> DirectorySource:
    return DirectorySource(Graph(service, BASE), **settings)


def read(source: DirectorySource) -> list[Mailbox | Rejected]:
    async def main() -> list[Mailbox | Rejected]:
        return [row async for chunk in source for row in chunk]

    return asyncio.run(main())


def test_users_with_their_ids_and_places() -> None:
    service = Service([user(1), user(2)], [], [user(3)])
    listed = source(service)
    assert read(listed) == [Mailbox(f"u{n}@example.com", n, guid(n)) for n in (1, 2, 3)]
    assert listed.counts == Counts(unique=3)
    asked = unquote(service.requests[0].path)
    assert asked.startswith("/users?")
    for option in ("$select=id,mail,userPrincipalName", "$top=999", "$count=true", "$filter=mail ne null"):
        assert option in asked
    assert [dict(one.headers) for one in service.requests] == [{"ConsistencyLevel": "eventual"}] * 3
    assert all(one.mailbox == "" for one in service.requests)


def test_a_filter_of_ones_own() -> None:
    service = Service([])
    read(source(service, users="startsWith(displayName,'A&B')"))
    assert "$filter=startsWith(displayName,'A&B')" in unquote(service.requests[0].path)
    assert "A&B" not in service.requests[0].path


def test_members_of_a_group() -> None:
    service = Service([user(1)])
    read(source(service, group="a/b"))
    assert service.requests[0].path.startswith("/groups/a%2Fb/transitiveMembers/microsoft.graph.user?")
    assert "filter" not in service.requests[0].path


def test_a_limit_ends_the_listing() -> None:
    service = Service([user(1), user(1), user(2), user(3)], [user(4)])
    listed = source(service, limit=2)
    assert [type(row) for row in read(listed)] == [Mailbox, Rejected, Mailbox]
    assert listed.counts == Counts(unique=2, duplicates=1)
    assert len(service.requests) == 1


def test_users_without_an_address_of_their_own() -> None:
    rows = read(source(Service([user(1, mail=None), user(2, mail=None, userPrincipalName=None), {}, 5])))
    assert isinstance(rows[0], Mailbox)
    assert rows[0].address == "u1@example.com"
    assert isinstance(rows[1], Mailbox)
    assert rows[1].name == guid(2)
    assert [row.reason for row in rows[2:] if isinstance(row, Rejected)] == ["blank", "blank"]


@pytest.mark.parametrize(
    ("status", "settings", "kind", "said"),
    [
        (403, {}, PermissionMissing, "User.ReadBasic.All"),
        (403, {"group": "g"}, PermissionMissing, "GroupMember.Read.All"),
        (400, {"users": "nonsense"}, InputError, "'nonsense'"),
        (404, {"group": "g"}, InputError, "input.group"),
        (500, {}, GraphError, ""),
    ],
)
def test_refusals(status: int, settings: dict[str, Any], kind: type[BulkmailError], said: str) -> None:
    body = {"error": {"code": "Code", "message": "text"}}
    with pytest.raises(kind) as caught:
        read(source(Scripted(lambda _: Response(status, body=body)), **settings))
    assert said in caught.value.hint


def test_every_answer_that_can_name_the_mailbox_is_tried() -> None:
    rows = read(source(Service([user(1, mail="not an address"), user(2, mail="#hall@example.com"), user(3, mail="")])))
    assert rows == [
        Mailbox("u1@example.com", 1, guid(1)), Mailbox("#hall@example.com", 2, guid(2)),
        Mailbox("u3@example.com", 3, guid(3)),
    ]  # fmt: skip
    (row,) = read(source(Service([{"id": "", "mail": "x", "userPrincipalName": None}])))
    assert isinstance(row, Rejected)
    assert row.why.endswith("looked at mail, userPrincipalName (blank), id (blank)")


def test_both_names_of_a_user_can_be_asked_for() -> None:
    service = Service([user(1, userPrincipalName="ada@contoso.com"), user(2, mail=None)])
    first, second = read(source(service, keep_columns=True))
    assert isinstance(first, Mailbox)
    assert first.columns == {"mail": "u1@example.com", "userPrincipalName": "ada@contoso.com"}
    assert isinstance(second, Mailbox)
    assert (second.address, second.columns["mail"]) == ("u2@example.com", "")
