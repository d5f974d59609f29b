"""Every permission of every calendar of the mailbox's own has a row, and nothing strange in an answer is an error."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Request, Response, Row
from bulkmail.sim import Settings
from bulkmail.tasks import check_options, find
from bulkmail.tasks.calendar.apply import COLUMNS as APPLY_COLUMNS
from bulkmail.tasks.calendar.report import COLUMNS, permissions_report
from bulkmail.testing import Scripted, collect, run
from bulkmail.testing.tenant import open_tenant
from tests.tasks.calendar.test_apply import CALM
from tests.tasks.rig import ADA, BASE


def rows(*permissions: Any, **options: str) -> list[Row]:
    graph = Graph.of(ADA, Scripted(lambda _: Response(200, body={"value": list(permissions)})), BASE)
    checked = check_options(permissions_report, {"calendars": "default", **options})
    return run(collect(permissions_report.run(ADA, graph, checked)))


def test_a_documented_permission() -> None:
    told = rows(
        {
            "id": "RGVmYXVsdA==",
            "isRemovable": False,
            "isInsideOrganization": True,
            "role": "Write",
            "allowedRoles": ["none", "freeBusyRead"],
            "emailAddress": {"name": "Meine Organisation"},
        }
    )
    assert told == [
        {
            "calendar_id": "",
            "calendar": "",
            "default": True,
            "permission_id": "RGVmYXVsdA==",
            "grantee": "My Organization",
            "name": "Meine Organisation",
            "kind": "organization",
            "role": "write",
            "allowed_roles": ["none", "freeBusyRead"],
            "removable": False,
            "inside": True,
        }
    ]
    assert ["mailbox", *told[0]] == list(COLUMNS)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"emailAddress": {"address": "ada@contoso.com"}, "isInsideOrganization": True}, {"kind": "person"}),
        ({"emailAddress": {"address": "a@b.example"}, "role": "DelegateWithPrivateEventAccess"}, {"kind": "delegate"}),
        ({"emailAddress": {"name": "Public"}, "isInsideOrganization": False}, {"kind": "public", "grantee": "Public"}),
        ({"emailAddress": None, "role": None, "allowedRoles": "x"}, {"role": "", "allowed_roles": []}),
        ({"role": "newToUs", "allowedRoles": [1, "Read"]}, {"role": "newToUs", "allowed_roles": ["", "read"]}),
    ],
)
def test_shapes(part: dict[str, Any], expected: Row) -> None:
    (row,) = rows({"id": "x", **part})
    assert row.items() >= expected.items()


@pytest.mark.parametrize("body", [{}, {"id": 5}, [], "text"])
def test_what_is_not_a_permission_is_an_error(body: Any) -> None:
    with pytest.raises(GraphError, match="no permission"):
        rows(body)


def test_the_default_calendar_is_the_first_where_none_is_marked() -> None:
    """Other calendars are asked for by their ids, those of other people not at all."""

    def answer(request: Request) -> Response:
        listed = [{"id": "A", "name": "Kalender"}, {"id": "B+/"}, {"id": "C", "canShare": False}]
        return Response(200, body={"value": listed if "/calendars?" in request.path else []})

    service = Scripted(answer)
    options = check_options(permissions_report, {})
    assert run(collect(permissions_report.run(ADA, Graph.of(ADA, service, BASE), options))) == []
    assert [request.path.partition("?")[0] for request in service.requests] == [
        "/users/ada@example.com/calendars",
        "/users/ada@example.com/calendar/calendarPermissions",
        "/users/ada@example.com/calendars/B%2B%2F/calendarPermissions",
    ]


def test_the_default_calendar_is_not_looked_for_before_its_permissions_are_asked_for() -> None:
    async def main() -> list[Row]:
        granted = asyncio.Event()

        async def answer(request: Request) -> Response:
            if "/calendars?" in request.path:
                await granted.wait()
                return Response(200, body={"value": [{"id": "A", "name": "Kalender"}]})
            granted.set()
            return Response(200, body={"value": [{"id": "p", "role": "read"}]})

        graph = Graph.of(ADA, Scripted(answer), BASE)
        return await collect(permissions_report.run(ADA, graph, check_options(permissions_report, {})))

    (row,) = run(main())
    assert (row["calendar_id"], row["default"], row["role"]) == ("A", True, "read")


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_a_calendar_that_does_not_tell_its_permissions_does_not_keep_the_others(status: int) -> None:
    def answer(request: Request) -> Response:
        if "/calendars?" in request.path:
            listed = [{"id": "A", "isDefaultCalendar": True}, {"id": "B", "name": "Holidays"}, {"id": "C"}]
            return Response(200, body={"value": listed})
        if "/calendars/B/" in request.path:
            return Response(status, body={"error": {"code": "x"}})
        return Response(200, body={"value": [{"id": "p", "role": "read"}]})

    def told(name: str, **options: Any) -> list[Row]:
        task = find(name, Path())
        graph = Graph.of(ADA, Scripted(answer), BASE, planning=True)
        return run(collect(task.run(ADA, graph, check_options(task, {"calendars": "all", **options}))))

    if status == 500:
        with pytest.raises(GraphError):
            told("calendar.permissions.report")
        return
    rows = told("calendar.permissions.report")
    assert [(row["calendar_id"], row["kind"]) for row in rows] == [
        ("A", "public"),
        ("B", "unreadable"),
        ("C", "public"),
    ]
    assert all(["mailbox", *row] == list(COLUMNS) for row in rows)
    rows = told("calendar.permissions.apply", roles={"alan@contoso.com": "read"})
    assert [(row["calendar"], row["state"]) for row in rows] == [
        ("Holidays", "unreadable"), ("", "planned"), ("", "planned"),
    ]  # fmt: skip
    assert all(["mailbox", *row] == list(APPLY_COLUMNS) for row in rows)


def test_all_of_a_tenant_and_the_least_permission(tmp_path: Path) -> None:
    with open_tenant(tmp_path, Settings(mailboxes=60, **CALM)) as tenant:
        tenant.grant("Calendars.Read")
        done = tenant.run("calendar.permissions.report", tmp_path / "a")
        assert done.code == 0
        told = sorted((row["mailbox"], row["permission_id"], row["role"]) for row in done.rows)
        held = [
            (one, row["id"], row["role"]) for one in tenant.addresses() for row in tenant.contents("permissions", one)
        ]
        assert told == sorted(held)
        assert {row["default"] for row in done.rows} == {True, False}
        short = tenant.run("calendar.permissions.report", tmp_path / "b", options={"calendars": "default"})
        assert short.manifest["sums"]["requests"] == 60
        tenant.grant("Calendars.ReadBasic", "User.ReadBasic.All")
        done = tenant.run("calendar.permissions.report", tmp_path / "c", options={"calendars": "default"})
        assert done.code == 4
        assert "Calendars.Read" in done.err
