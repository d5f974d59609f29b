"""One call tells the usage of the whole tenant; no token goes to where it is redirected."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from bulkmail.address import Address
from bulkmail.errors import BulkmailError, GraphError, LinkRefused, Unanswered
from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Response, Row
from bulkmail.sim import Fault, Settings
from bulkmail.tasks import check_options
from bulkmail.tasks.usage.options import UsageReportOptions
from bulkmail.tasks.usage.report import COLUMNS, LARGEST, ask_once, needs, row_of, usage_report
from bulkmail.testing import Scripted, collect, run
from bulkmail.testing.tenant import Tenant, open_tenant
from tests.tasks.folders.forest import asked

CALM: dict[str, Any] = {"mailboxes": 700, "seed": 11, "absent": 0.0, "denied": 0.0, "moving": 0.0, "tls": False}
FEW = 12
LACKS = Fault("status", match="/reports/", status=400, code="BadRequest")


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    with open_tenant(tmp_path_factory.mktemp("tenant"), Settings(**CALM)) as found:
        found.grant("Reports.Read.All")
        yield found


def test_one_request_for_the_whole_tenant(tenant: Tenant, tmp_path: Path) -> None:
    before = asked(tenant)
    done = tenant.run("usage.report", tmp_path, addresses=[*tenant.addresses(), "nobody@tenant.example"])
    assert done.code == 0
    assert asked(tenant) - before == 1
    *rows, missing = sorted(done.rows, key=lambda row: row["source"] == "missing")
    assert [*rows[0]] == [*COLUMNS]
    assert {row["mailbox"] for row in rows} == {*tenant.addresses()}
    assert {(row["source"], row["state"], row["last_activity"]) for row in rows} == {("report", "ok", "2026-01-29")}
    assert all(row["size"] > 0 and row["items"] > 0 and row["quota"] > row["size"] for row in rows)
    assert (missing["mailbox"], missing["source"], missing["size"]) == ("nobody@tenant.example", "missing", None)
    assert tenant.books()["links_leaked"] == 0
    assert tenant.books()["foreign"]["with_token"] == 0
    told = "".join(path.read_text(errors="replace") for path in done.folder.rglob("*") if path.is_file())
    assert "/_reports/" not in told + done.err


def test_mailboxes_of_the_directory_are_found_whatever_their_mail_address_is(tenant: Tenant, tmp_path: Path) -> None:
    tenant.grant("Reports.Read.All", "User.ReadBasic.All")
    try:
        done = tenant.run("usage.report", tmp_path, settings={"input.path": "", "input.users": ""})
    finally:
        tenant.grant("Reports.Read.All")
    assert done.code == 0
    assert {row["source"] for row in done.rows} == {"report"}


def test_where_the_cloud_has_none_folders_are_summed_up(tmp_path: Path) -> None:
    with open_tenant(tmp_path, Settings(**CALM, faults=(LACKS,))) as tenant:
        tenant.grant("Reports.Read.All", "Mail.ReadBasic.All")
        few = tenant.addresses(FEW)
        sums = tenant.run("folders.report", tmp_path / "a", addresses=few, options={"only": "total", "hidden": True})
        done = tenant.run("usage.report", tmp_path / "b", addresses=few)
        apart = tenant.run("usage.report", tmp_path / "c", addresses=few, options={"source": "folders"})
        assert (done.code, apart.code) == (0, 0)
        expected = {row["mailbox"]: (row["items"], row["size"], "folders", "") for row in sums.rows}
        for rows in (done.rows, apart.rows):
            assert {
                row["mailbox"]: (row["items"], row["size"], row["source"], row["state"]) for row in rows
            } == expected
        tenant.grant("Reports.Read.All")
        refused = tenant.run("usage.report", tmp_path / "d", addresses=few)
        assert refused.code == 4
        assert "Mail.ReadBasic.All" in (refused.folder / "outcomes.ndjson").read_text()


def test_concealed_names_are_told(tmp_path: Path) -> None:
    with open_tenant(tmp_path, Settings(**CALM, concealed=True)) as tenant:
        done = tenant.run("usage.report", tmp_path / "run")
        assert done.code == 4
        assert "conceals names" in done.err
        assert "admin center" in done.err
        assert 'source = "folders"' in done.err
        assert not done.rows
        assert set(done.statuses().values()) <= {"not_run"}


def told_of(mailbox: Mailbox) -> Row:
    options = asked_once(Host(CONTENT))
    graph = Graph(Scripted(lambda _: Response(500)), "https://graph.example/v1.0")
    (row,) = run(collect(usage_report.run(mailbox, graph, options)))
    return row


@pytest.mark.parametrize(
    ("address", "columns", "items"),
    [
        ("ADA@contoso.com", {}, 3),
        ("ada@contoso.com", {"User principal name": "bo@contoso.com"}, 4),
        ("ada.l@contoso.com", {"UPN": "ada@contoso.com", "Team": "bo@contoso.com"}, 3),
        ("ada@contoso.com", {"upn": " "}, 3),
        ("eve@contoso.com", {"Team": "bo@contoso.com"}, None),
    ],
)
def test_a_mailbox_is_found_by_its_user_principal_name(
    address: str, columns: dict[str, str], items: int | None
) -> None:
    row = told_of(Mailbox(address, 2, columns=columns))
    assert (row["items"], row["source"]) == (items, "report" if items else "missing")


class Host:
    """Where reports lie. Each reading is answered by the next of `answers`: content, or an error half way."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self.answers = [*answers]
        self.read_from: list[str] = []

    async def read(self, address: Address, /, *, most: int, start: int = 0) -> AsyncIterator[bytes]:
        assert (most, start) == (LARGEST, 0)
        self.read_from.append(address.reveal())
        answer = self.answers.pop(0)
        yield CONTENT[:40]
        if isinstance(answer, Exception):
            raise answer
        yield answer[40:]


CONTENT = b"User Principal Name,Item Count\nada@contoso.com,3\nbo@contoso.com,4\n"
BROKEN = Unanswered("the content ended early")


def asked_once(host: Host, *answers: Response) -> UsageReportOptions:
    told = iter(answers or [Response(302, {"location": f"https://reports.example/{place}"}) for place in range(9)])
    graph = Graph(Scripted(lambda _: next(told)), "https://graph.example/v1.0", direct=host)
    return run(ask_once(graph, UsageReportOptions()))


@pytest.mark.parametrize("error", [BROKEN, GraphError(404, "x", "expired"), GraphError(503, "x", "no")])
def test_a_report_that_breaks_off_is_fetched_again_by_a_new_address(error: Exception) -> None:
    host = Host(error, error, CONTENT)
    options = asked_once(host)
    assert options.detail is not None
    assert (len(options.detail), options.detail.of("ada@contoso.com")) == (2, {"items": 3})
    assert host.read_from == [f"https://reports.example/{place}" for place in range(3)]


@pytest.mark.parametrize(
    ("errors", "told"),
    [([BROKEN] * 3, "ended early"), ([GraphError(403, "x", "not yours")], "not yours"),
     ([LinkRefused("elsewhere")], "elsewhere")],
)  # fmt: skip
def test_a_report_that_cannot_be_had_is_an_error_and_no_lack_of_reports(errors: list[Exception], told: str) -> None:
    with pytest.raises(BulkmailError, match=told):
        asked_once(Host(*errors))


@pytest.mark.parametrize("status", [400, 404, 405, 501])
def test_what_a_cloud_without_reports_says(status: int) -> None:
    assert asked_once(Host(), Response(status, body={"error": {"code": "x", "message": "no"}})).detail is None


def test_a_service_that_is_not_well_is_no_cloud_without_reports() -> None:
    with pytest.raises(GraphError, match="503"):
        asked_once(Host(), Response(503, body={"error": {"code": "x", "message": "no"}}))


def test_the_least_permission_is_enough_and_without_it_the_hint_names_it(tenant: Tenant, tmp_path: Path) -> None:
    built_in: Any = usage_report.options()
    assert needs(built_in).text == "Reports.Read.All"
    summing: Any = check_options(usage_report, {"source": "folders"})
    assert needs(summing).text == "Mail.ReadBasic.All"
    tenant.grant("User.Read.All", "Mail.Read")
    try:
        done = tenant.run("usage.report", tmp_path, addresses=tenant.addresses(FEW))
    finally:
        tenant.grant("Reports.Read.All")
    assert done.code == 4
    assert "Reports.Read.All" in done.err


@pytest.mark.parametrize(
    ("size", "quotas", "state", "used"),
    [
        (5, (10, 20, 30), "ok", 16.7),
        (10, (10, 20, 30), "warning", 33.3),
        (20, (10, 20, 30), "no_send", 66.7),
        (31, (10, 20, 30), "full", 103.3),
        (None, (10, 20, 30), "", None),
        (5, (None, 0, None), "", None),
        (30, (None, None, 30), "full", 100.0),
    ],
)
def test_states_and_findings(size: int | None, quotas: tuple[int | None, ...], state: str, used: float | None) -> None:
    names = ("warning_quota", "send_quota", "quota")
    row = row_of("report", {"size": size, **dict(zip(names, quotas, strict=True))})
    assert (row["state"], row["used"]) == (state, used)
    assert usage_report.finding is not None
    assert usage_report.finding(row) == (state in ("warning", "no_send", "full"))
