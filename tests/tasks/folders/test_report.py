"""The report of folders has each folder once, under its own path, for as few requests as can be."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Response, Row
from bulkmail.sim import Fault, Settings
from bulkmail.sim.families.folders.content import WELL_KNOWN
from bulkmail.tasks import check_options
from bulkmail.tasks.folders.report import COLUMNS, folders_report
from bulkmail.tasks.kit.paths import joined, parted
from bulkmail.tasks.kit.tree import IN_TREE
from bulkmail.testing import Scripted, collect, run
from bulkmail.testing.tenant import Done, Tenant, open_tenant
from tests.tasks.folders.forest import DEPTH, asked, parents, plant, planted

TENANT = Settings(mailboxes=40, seed=11, latency=0.001, absent=0.0, denied=0.0, moving=0.0, tls=False)
SIZE = 1200  # of the forest: more than one page
ADA = Mailbox("ada@contoso.com", 2)


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    with open_tenant(tmp_path_factory.mktemp("tenant"), TENANT) as found:
        found.grant("Mail.ReadBasic.All")
        plant(found, 0, SIZE)
        yield found


def folders(done: Done) -> dict[str, Row]:
    rows = [row for row in done.rows if row["kind"] != "total"]
    assert len({row["folder_id"] for row in rows}) == len(rows)
    return {row["folder_id"]: row for row in rows}


@pytest.mark.parametrize("batch", [False, True])
def test_a_large_tree_is_told_whole_for_a_request_a_thousand(tenant: Tenant, batch: bool, tmp_path: Path) -> None:
    before = asked(tenant)
    done = tenant.run(
        "folders.report", tmp_path, addresses=tenant.addresses(1), options={"hidden": True},
        settings={"limits.batch": batch},
    )  # fmt: skip
    truth = [*planted(tenant, 0)]
    assert max(len(one.names) for one in truth) == DEPTH
    assert {(row["folder_id"], row["path"]) for row in folders(done).values()} == {
        (one.id, joined(one.names)) for one in truth
    }
    assert len(truth) == SIZE
    assert asked(tenant) - before == 2 + len(IN_TREE)
    assert tenant.books()["breaches"] == {}


def test_what_is_hidden_is_left_out_with_all_that_lies_in_it(tenant: Tenant, tmp_path: Path) -> None:
    truth = {one.id for one in planted(tenant, 0) if not one.hidden}
    options: dict[str, Any]
    for walk, least in (("delta", 2), ("children", 1 + parents(tenant, 0, hidden=False))):
        before = asked(tenant)
        options = {"walk": walk, "well_known": False}
        done = tenant.run("folders.report", tmp_path / walk, addresses=tenant.addresses(1), options=options)
        assert folders(done).keys() == truth
        assert asked(tenant) - before == least + 1  # the inbox, which tells the root
        assert not any(row["well_known"] for row in done.rows)


def test_rows_of_every_mailbox_counts_and_sums(tenant: Tenant, tmp_path: Path) -> None:
    done = tenant.run("folders.report", tmp_path, addresses=tenant.addresses()[1:], options={"hidden": True})
    assert done.code == 0
    assert {tuple(row) for row in done.rows} == {tuple(COLUMNS)}
    kinds = set[str]()
    for number, address in enumerate(tenant.addresses()[1:], 1):
        *rows, total = [row for row in done.rows if row["mailbox"] == address]
        kinds |= {row["kind"] for row in rows}
        assert {row["folder_id"] for row in rows} == {one.id for one in planted(tenant, number)}
        real = [row for row in rows if row["kind"] == "folder"]
        assert (total["kind"], total["folders"]) == ("total", len(real))
        for name in ("items", "unread", "size"):
            assert total[name] == sum(row[name] for row in real)
        names = {row["well_known"]: row["name"] for row in rows if row["well_known"]}
        expected = {one.name: one for one in WELL_KNOWN.values() if one.parent}
        assert names.keys() == expected.keys()
        assert all(names[name] in (one.english, one.german) for name, one in expected.items())
    assert kinds == {"folder", "search"}
    assert all(
        sum(row[name] for row in done.rows if row["kind"] == "total") > 0 for name in ("items", "unread", "size")
    )
    german = [row for row in done.rows if row["well_known"] == "sentitems" and row["name"] == "Gesendete Elemente"]
    assert german


def test_the_sums_alone_cost_two_requests_a_mailbox(tenant: Tenant, tmp_path: Path) -> None:
    before = asked(tenant)
    done = tenant.run("folders.report", tmp_path, addresses=tenant.addresses()[1:], options={"only": "total"})
    assert [row["kind"] for row in done.rows] == ["total"] * 39
    assert asked(tenant) - before == 2 * 39


def test_faults_and_a_cloud_without_delta(tmp_path: Path) -> None:
    faults = (
        Fault("status", match="mailFolders/delta", status=400, code="BadRequest", share=0.3),
        Fault("throttle", share=0.05),
        Fault("status", status=503, share=0.01),
        Fault("reset-before", share=0.01),
        Fault("page-repeat", share=0.1),
    )
    settings = Settings(mailboxes=25, seed=5, absent=0.0, denied=0.0, moving=0.0, tls=False, faults=faults)
    with open_tenant(tmp_path, settings) as tenant:
        done = tenant.run("folders.report", tmp_path / "run", options={"hidden": True})
        assert done.code == 0
        assert folders(done).keys() == {one.id for number in range(25) for one in planted(tenant, number)}


def test_the_least_permission_is_enough_and_without_it_the_hint_names_it(tmp_path: Path) -> None:
    with open_tenant(tmp_path, TENANT) as tenant:
        (least,) = folders_report.needs(folders_report.options()).names()
        tenant.grant(least)
        assert tenant.run("folders.report", tmp_path / "a").code == 0
        tenant.grant("User.ReadBasic.All")
        done = tenant.run("folders.report", tmp_path / "b")
        assert done.code == 4
        assert least in done.err


def rows(*bodies: dict[str, Any], **options: Any) -> list[Row]:
    def answer(request: Any) -> Response:
        if "/delta" in request.path:
            return Response(200, body={"value": list(bodies)})
        name = request.path.partition("/mailFolders/")[2].partition("?")[0]
        if name in ("inbox", "syncissues", "conflicts"):
            return Response(200, body={"id": name, "displayName": name, "parentFolderId": "root"})
        return Response(404, body={"error": {"code": "ErrorItemNotFound", "message": "no"}})

    graph = Graph.of(ADA, Scripted(answer), "https://graph.example/v1.0")
    return run(collect(folders_report.run(ADA, graph, check_options(folders_report, options))))


def folder(name: str, parent: str = "root", **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "displayName": name,
        "parentFolderId": parent,
        "totalItemCount": 2,
        "unreadItemCount": 1,
        **more,
    }


def test_a_sum_of_which_a_part_is_not_known_is_not_known() -> None:
    size: dict[str, Any] = {"singleValueExtendedProperties": [{"id": "Long 0xe08", "value": "9"}]}
    *_, total = rows(folder("a", **size), folder("b", totalItemCount=None, **size))
    assert (total["items"], total["unread"], total["size"]) == (None, 2, 18)
    assert rows()[-1]["items"] == 0


def test_folders_in_sync_issues_are_asked_for_where_there_are_some() -> None:
    found = {
        row["folder_id"]: row["well_known"] for row in rows(folder("syncissues"), folder("conflicts", "syncissues"))
    }
    assert found == {"syncissues": "syncissues", "conflicts": "conflicts", "": ""}


def test_names_are_told_apart() -> None:
    first, below, slashed, *_ = rows(folder("a"), folder("b", "a"), folder("a/b"), folder("a\tb"))
    assert [first["path"], below["path"], slashed["path"]] == ["a", "a/b", "a\\u0009b"]
    assert parted(slashed["path"]) == ["a\tb"]
