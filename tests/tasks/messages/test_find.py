"""Messages are found as a selection says, all of them and nothing else, and told a row each or counted."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bulkmail.errors import ConfigError, GraphError
from bulkmail.model import Request, Response
from bulkmail.sim import Fault, Settings
from bulkmail.tasks import check_options
from bulkmail.tasks.messages.find import COLUMNS, messages_find, needs
from bulkmail.testing.tenant import Tenant, open_tenant
from tests.tasks.messages.mail import BASE, Shelf, body, message, rows

TENANT = Settings(mailboxes=14, seed=7, absent=0.0, denied=0.0, moving=0.0, tls=False)


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    with open_tenant(tmp_path_factory.mktemp("tenant"), TENANT) as opened:
        yield opened


def there(tenant: Tenant, holds: Callable[[Mapping[str, Any]], bool]) -> set[tuple[str, str]]:
    """Mailbox and id of the messages outside the recoverable items, out of the simulator's own books."""
    return {
        (address, row["immutableId"])
        for address in tenant.addresses()
        for row in tenant.contents("messages", address)
        if row["parent"] != 10 and holds(row)
    }


def address_of(row: Mapping[str, Any]) -> str:
    return str(row["from"]["emailAddress"]["address"])


SELECTIONS: list[tuple[dict[str, Any], Callable[[Mapping[str, Any]], bool]]] = [
    ({"subject_contains": "INVOICE"}, lambda row: "invoice" in row["subject"].lower()),
    ({"subject": "re: DELIVERY"}, lambda row: row["subject"] == "Re: delivery"),
    ({"subject_starts": ["re:", "fwd:"]}, lambda row: row["subject"].lower().startswith(("re:", "fwd:"))),
    ({"sender": "@partner.example"}, lambda row: address_of(row).endswith("@partner.example")),
    ({"sender": ["amber.brook@tenant.example", "D'AULNE.brook@partner.example"]},
     lambda row: address_of(row) in ("amber.brook@tenant.example", "d'aulne.brook@partner.example")),
    ({"received_from": "2024-06-01", "received_to": "2025-05-31"},
     lambda row: "2024-06-01" <= row["receivedDateTime"] < "2025-06-01"),
    ({"is_read": False, "has_attachments": True}, lambda row: not row["isRead"] and row["hasAttachments"]),
    ({"category": "red CATEGORY"}, lambda row: "Red category" in row["categories"]),
    ({"importance": "high", "max_size": 50_000}, lambda row: row["importance"] == "high" and row["bytes"] <= 50_000),
    ({"min_size": 60_000, "sent_from": "2025-01-01T00:00:00Z"},
     lambda row: row["bytes"] >= 60_000 and row["sentDateTime"] >= "2025"),
    ({"recipient": "@partner.example"},
     lambda row: any(one["emailAddress"]["address"].endswith("@partner.example") for one in row["toRecipients"])),
    ({"folders": "inbox"}, lambda row: row["parent"] == 2),
    ({"folders": ["inbox", "archive"], "is_read": True}, lambda row: row["parent"] in (2, 7) and row["isRead"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "holds"), SELECTIONS, ids=lambda one: ",".join(one) if isinstance(one, dict) else ""
)
def test_all_that_is_meant_and_nothing_else(
    options: dict[str, Any], holds: Callable[[Mapping[str, Any]], bool], tenant: Tenant, tmp_path: Path
) -> None:
    done = tenant.run("messages.find", tmp_path, options=options)
    assert done.code == 0, done.err
    wanted = there(tenant, holds)
    assert wanted
    assert {(row["mailbox"], row["id"]) for row in done.rows} == wanted
    assert len(done.rows) == len(wanted)


def test_what_the_columns_say(tenant: Tenant, tmp_path: Path) -> None:
    done = tenant.run("messages.find", tmp_path, options={"folders": "inbox", "received_from": "2025-01-01"})
    whole = {row["immutableId"]: row for address in tenant.addresses() for row in tenant.contents("messages", address)}
    assert done.rows
    for row in done.rows:
        truth = whole[row["id"]]
        assert list(row) == list(COLUMNS)
        assert row["folder"] in ("Inbox", "Posteingang")
        assert (row["subject"], row["size"], row["is_read"]) == (truth["subject"], truth["bytes"], truth["isRead"])
        assert (row["sender"], row["received"]) == (address_of(truth), truth["receivedDateTime"])
        assert row["internet_message_id"] == truth["internetMessageId"]


def test_a_count_is_a_row_a_mailbox_none_left_out(tenant: Tenant, tmp_path: Path) -> None:
    done = tenant.run("messages.find", tmp_path, options={"subject_contains": "parcel", "count": True})
    wanted = there(tenant, lambda row: "parcel" in row["subject"])
    counted = {row["mailbox"]: row["count"] for row in done.rows}
    assert len(counted) == len(done.rows)
    assert counted == {a: sum(one == a for one, _ in wanted) for a in tenant.addresses()}


def test_one_request_a_mailbox_in_which_there_is_nothing(tenant: Tenant, tmp_path: Path) -> None:
    before = tenant.books()["requests"]
    done = tenant.run("messages.find", tmp_path, options={"internet_message_id": "<none@x.example>"})
    assert (done.code, done.rows) == (0, [])
    assert tenant.books()["requests"] - before == len(tenant.addresses())


@pytest.mark.parametrize(
    ("options", "least"),
    [
        ({"sender": "@x.example"}, "Mail.Read"),
        ({"sender": "@x.example", "sizes": False}, "Mail.ReadBasic.All"),
        ({"recipient": "@tenant.example", "count": True}, "Mail.ReadBasic.All"),
        ({"attachment_name": "x", "count": True}, "Mail.Read"),
        ({"min_size": 1, "sizes": False, "count": True}, "Mail.Read"),
    ],
)
def test_the_least_permission(options: dict[str, Any], least: str) -> None:
    checked: Any = check_options(messages_find, options)
    assert list(needs(checked).names()) == [least]


@pytest.mark.parametrize(
    "options",
    [
        {"received_from": "yesterday"}, {"received_from": "2026-02-01", "received_to": "2026-01-01"}, {"sender": []},
        {"sender": " "}, {"min_size": -1}, {"importance": "urgent"}, {"received_to": "9999-12-31"}, {"senders": "x"},
    ],
)  # fmt: skip
def test_what_cannot_be_asked(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        check_options(messages_find, options)


def test_options_come_back_out_of_a_manifest() -> None:
    given = {"sender": "a@x.example", "received_from": "2026-01-31T08:00:00+02:00", "received_to": "2026-02-01"}
    options: Any = check_options(messages_find, given)
    assert options.received_from == "2026-01-31T06:00:00Z"
    assert check_options(messages_find, options.model_dump(mode="json")) == options


def test_all_folders_are_not_a_folder() -> None:
    options: Any = check_options(messages_find, {"folders": "All"})
    assert (options.folders, options.bounded) == (None, False)
    named: Any = check_options(messages_find, {"folders": ["all", "inbox"]})
    assert named.folders == ("all", "inbox")


def test_what_the_service_lets_through_is_judged_here() -> None:
    shelf = Shelf(message("1"), message("2", subject="Re: Invoice"), message("3", subject=None), None, 5)
    assert [row["id"] for row in rows(shelf, subject="invoice")] == ["1"]


def test_a_filter_that_is_refused_is_made_wider() -> None:
    shelf = Shelf(message("1"), message("2", subject="Other"))

    def refusing(request: Request) -> Response:
        if "contains" in request.path:
            return Response(400, body={"error": {"code": "InefficientFilter", "message": "too complex"}})
        return shelf(request)

    assert [row["id"] for row in rows(refusing, subject_contains="voice")] == ["1"]
    assert "receivedDateTime%20ge%201900-01-01" in shelf.asked[0]


def test_a_refusal_of_all_filters_is_told() -> None:
    with pytest.raises(GraphError, match="InefficientFilter"):
        rows(lambda _: Response(400, body={"error": {"code": "InefficientFilter", "message": "no"}}), subject="x")


def test_a_folder_that_is_not_there_holds_nothing_and_a_mailbox_that_is_not_there_is_no_such_folder() -> None:
    def gone(code: str) -> Callable[[Request], Response]:
        return lambda _: Response(404, body={"error": {"code": code, "message": "no"}})

    assert rows(gone("ErrorItemNotFound"), folders="archive", is_read=True) == []
    assert rows(gone("ErrorItemNotFound"), folders=["Old/2019"], is_read=True) == []
    with pytest.raises(GraphError, match="MailboxNotEnabledForRESTAPI"):
        rows(gone("MailboxNotEnabledForRESTAPI"), folders="archive", is_read=True)


def test_a_message_that_comes_twice_because_pages_have_shifted_is_told_once() -> None:
    assert [row["id"] for row in rows(Shelf(message("1"), message("2"), message("1")), is_read=False)] == ["1", "2"]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"attachment_name": ".HTM"}, ["1"]),
        ({"attachment_type": "image/"}, ["2"]),
        ({"attachment_min_size": 500, "attachment_max_size": 500}, ["1"]),
        ({"attachment_name": "b", "attachment_type": "text/"}, []),
    ],
)
def test_attachments_are_looked_at_where_there_are_any(options: dict[str, Any], wanted: list[str]) -> None:
    listed = {"1": {"name": "a.htm", "contentType": "text/html", "size": 500},
              "2": {"name": "b.png", "contentType": "Image/PNG", "size": 90}}  # fmt: skip
    shelf = Shelf(message("1", hasAttachments=True), message("2", hasAttachments=True), message("3"))

    def answer(request: Request) -> Response:
        if "/attachments" in request.path:
            return body(listed[request.path.split("/")[4]])
        return shelf(request)

    assert [row["id"] for row in rows(answer, **options)] == wanted
    assert "hasAttachments%20eq%20true" in shelf.asked[0]


def test_faults(tmp_path: Path) -> None:
    faults = (Fault("throttle", share=0.05), Fault("status", status=503, share=0.01), Fault("reset-before", share=0.01))
    with open_tenant(tmp_path, Settings(mailboxes=14, seed=7, absent=0.0, denied=0.0, moving=0.0, tls=False,
                                        faults=faults)) as tenant:  # fmt: skip
        done = tenant.run("messages.find", tmp_path / "run", options={"subject_contains": "invoice"})
        assert done.code == 0
        wanted = there(tenant, lambda row: "invoice" in row["subject"].lower())
        assert {(row["mailbox"], row["id"]) for row in done.rows} == wanted


def test_folders_below_those_that_are_named(tmp_path: Path) -> None:
    with open_tenant(tmp_path, Settings(mailboxes=9, seed=7, absent=0.0, denied=0.0, moving=0.0, tls=False)) as tenant:
        address = tenant.addresses()[0]
        rows = tenant.run(
            "messages.find", tmp_path / "a", options={"folders": "msgfolderroot", "subfolders": True}
        ).rows
        everything = there(tenant, lambda _: True)
        assert {(row["mailbox"], row["id"]) for row in rows} == everything
        found = tenant.run(
            "messages.find", tmp_path / "b", options={"folders": ["Inbox", "inbox"], "recoverable": True}
        )
        mine = [row["id"] for row in found.rows if row["mailbox"] == address]
        assert len(mine) == len(set(mine))
        assert {(address, id_) for id_ in mine} <= everything


def test_a_walk_that_breaks_off_in_the_middle_is_told() -> None:
    shelf = Shelf(message("1"))

    def breaking(request: Request) -> Response:
        if "skiptoken" in request.path:
            return Response(404, body={"error": {"code": "ErrorItemNotFound", "message": "no"}})
        found = shelf(request)
        link = f"{BASE}/users/ada@contoso.com/mailFolders/inbox/messages?$skiptoken=2"
        listed = "/messages?" in request.path
        return Response(200, body={**found.body, "@odata.nextLink": link}) if listed else found

    with pytest.raises(GraphError, match="ErrorItemNotFound"):
        rows(breaking, folders="inbox", is_read=False)
