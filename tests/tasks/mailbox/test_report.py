"""A sweep of several reports has the rows of each, for no more requests than they cost alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bulkmail.errors import ConfigError
from bulkmail.model import Row
from bulkmail.sim import Fault, Settings
from bulkmail.tasks import check_options
from bulkmail.tasks.mailbox.parts import PARTS, begun
from bulkmail.tasks.mailbox.report import columns, finding, mailbox_report, needs
from bulkmail.testing.tenant import Tenant, open_tenant
from tests.tasks.folders.forest import asked

TENANT = Settings(mailboxes=40, seed=11, latency=0.001, absent=0.0, denied=0.0, moving=0.0, tls=False)


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    with open_tenant(tmp_path_factory.mktemp("tenant"), TENANT) as found:
        yield found


@pytest.fixture(scope="module")
def alone(tenant: Tenant, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[list[Row], int, int]]:
    """Of each part by itself: its rows, the mailboxes with findings, and what it costs."""
    found = {}
    for part, report in PARTS.items():
        before = asked(tenant)
        done = tenant.run(report.name, tmp_path_factory.mktemp("alone"))
        assert done.code == 0
        found[part] = done.rows, done.manifest["sums"]["findings"], asked(tenant) - before
    return found


def by_part(rows: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {part: [] for part in PARTS}
    for row in rows:
        found[row["part"]].append({name: cell for name, cell in row.items() if name != "part"})
    return found


@pytest.mark.parametrize("batch", [False, True])
def test_four_parts_at_once(
    tenant: Tenant, alone: dict[str, tuple[list[Row], int, int]], batch: bool, tmp_path: Path
) -> None:
    before = asked(tenant)
    done = tenant.run("mailbox.report", tmp_path, settings={"limits.batch": batch, "task.drift": True})
    cost = asked(tenant) - before
    assert done.code == 8  # rules send mail outside
    assert sum(findings for _, findings, _ in alone.values()) == done.manifest["sums"]["findings"] > 0
    assert cost < sum(cost for _, _, cost in alone.values())
    for part, rows in by_part(done.rows).items():
        assert sorted(rows, key=repr) == sorted(alone[part][0], key=repr)
    assert tenant.books()["breaches"] == {}


@pytest.mark.parametrize("formats", [["csv"], ["ndjson", "csv"], ["ndjson"]])
def test_each_part_has_a_sheet_of_its_own(tenant: Tenant, formats: list[str], tmp_path: Path) -> None:
    few, settings = tenant.addresses(10), {"output.format": formats}
    options: dict[str, Any] = {"parts": ["rules", "folders", "calendar.permissions"]}
    done = tenant.run("mailbox.report", tmp_path / "all", addresses=few, options=options, settings=settings)
    sheets = {path.name for path in done.folder.glob("records.*.csv")}
    if "csv" not in formats:
        assert sheets == set()
        return
    assert sheets == {f"records.{part}.csv" for part in options["parts"]}
    for part in options["parts"]:
        alone = tenant.run(PARTS[part].name, tmp_path / part, addresses=few, settings=settings)
        there, own = ((folder / name).read_bytes().splitlines() for folder, name in (
            (alone.folder, "records.csv"), (done.folder, f"records.{part}.csv")
        ))  # fmt: skip
        assert own[0] == there[0]
        assert sorted(own) == sorted(there)
        digest = done.manifest["outputs"][f"records.{part}.csv"]
        assert digest["bytes"] == (done.folder / f"records.{part}.csv").stat().st_size


def test_folders_that_rules_name_cost_nothing_beside_the_folders(tenant: Tenant, tmp_path: Path) -> None:
    costs = []
    for number, parts in enumerate((["folders"], ["rules", "folders"], ["folders", "rules"])):
        before = asked(tenant)
        assert tenant.run("mailbox.report", tmp_path / f"{number}", options={"parts": parts}).code == 0
        costs.append(asked(tenant) - before)
    assert costs[1] == costs[2] <= costs[0] + 40 + 1 + 40  # rules and domains, and now and then a folder outside


def test_the_folder_that_settings_name_costs_nothing_beside_the_settings(tenant: Tenant, tmp_path: Path) -> None:
    costs = []
    for number, parts in enumerate((["folders"], ["settings", "folders"], ["folders", "settings"])):
        before = asked(tenant)
        done = tenant.run("mailbox.report", tmp_path / f"{number}", options={"parts": parts})
        assert sum(row.get("well_known") == "archive" for row in done.rows) == 40
        costs.append(asked(tenant) - before)
    assert costs[0] == costs[1] == costs[2]


def test_rows_come_in_the_order_of_the_parts_with_their_own_columns(tenant: Tenant, tmp_path: Path) -> None:
    done = tenant.run(
        "mailbox.report", tmp_path, options={"parts": ["rules", "settings"]}, addresses=tenant.addresses(9)
    )
    assert {row["part"] for row in done.rows} == {"rules", "settings"}
    for address in tenant.addresses(9):
        parts = [row["part"] for row in done.rows if row["mailbox"] == address]
        assert parts == sorted(parts)
        assert parts.count("settings") == 1
    for row in done.rows:
        report = PARTS[row["part"]]
        own = [name for name in report.columns(report.options()) if name != "mailbox"]
        assert [*row] == ["mailbox", "part", *own]


def test_options_of_a_part(tenant: Tenant, tmp_path: Path) -> None:
    folder = tmp_path / "job"
    folder.mkdir()
    done = tenant.run(
        "mailbox.report", folder, addresses=tenant.addresses(5), options={"parts": ["settings", "folders"]},
        settings={"task.options": {"folders": {"only": "total"}, "settings": {"columns": "seed"}}},
    )  # fmt: skip
    assert done.code == 0
    assert [row["kind"] for row in done.rows if row["part"] == "folders"] == ["total"] * 5
    assert {tuple(row)[2:] for row in done.rows if row["part"] == "settings"} == {
        ("MailboxName", "Language", "Locale", "TimeZone", "AutomaticReplyStatus")
    }


def options(**given: Any) -> Any:
    return check_options(mailbox_report, given)


def test_options_come_back_out_of_a_manifest() -> None:
    given = options(parts=["rules"], options={"rules": {"only": "external", "internal_domains": ["contoso.example"]}})
    again: Any = check_options(mailbox_report, given.model_dump(mode="json"))
    assert again == given
    assert again.of("rules").only == "external"
    assert type(again.of("rules")) is PARTS["rules"].options


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"parts": ["rulez"]}, r"'rulez' is not one of settings, rules, folders.*did you mean rules"),
        ({"parts": []}, "a list of at least 1"),
        ({"options": {"rulez": {}}}, "there is no part 'rulez'"),
        ({"parts": ["rules"], "options": {"folders": {}}}, "there is no part 'folders'"),
        ({"options": {"rules": {"onli": "all"}}}, r"rules.onli is not an option of rules.report.*did you mean only"),
        ({"options": {"rules": {"only": "some"}}}, r"rules.only should be one of 'all' or 'external'"),
        ({"options": {"rules": 5}}, "rules should be a table"),
        ({"options": 5}, "a table of tables"),
    ],
)
def test_what_is_wrong_is_named(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        options(**given)


def test_each_permission_is_needed_once() -> None:
    assert needs(options()).text == "MailboxSettings.Read and Mail.ReadBasic.All and Domain.Read.All and Calendars.Read"
    few = options(parts=["rules", "settings"], options={"rules": {"folders": "id", "internal_domains": ["a.example"]}})
    assert needs(few).text == "MailboxSettings.Read"


def test_columns_say_of_which_part_they_are() -> None:
    found = columns(options(parts=["rules", "folders"]))
    assert [*found][:3] == ["mailbox", "part", "rule_id"]
    assert found["name"].startswith("rules: name of the rule. folders: name")
    assert found["path"].startswith("folders: ")


def test_a_finding_is_one_of_its_part() -> None:
    assert finding({"part": "rules", "severity": "high"})
    assert not finding({"part": "rules", "severity": "low"})
    assert not finding({"part": "settings"})


def test_what_asks_again_begins_first_and_then_what_others_can_use() -> None:
    assert begun(["folders", "settings", "rules"]) == ["rules", "settings", "folders"]
    assert begun([*PARTS]) == ["calendar.permissions", "rules", "settings", "folders"]


def test_no_part_is_what_a_part_cannot_be() -> None:
    for report in PARTS.values():
        assert not report.writes
        assert not report.wants_columns
        assert report.target is None


def test_a_part_does_not_go_on_from_the_last_run() -> None:
    with pytest.raises(ConfigError, match=r"folders\.since goes on from the last run"):
        check_options(mailbox_report, {"options": {"folders": {"since": "last"}}})


def test_the_least_permissions_are_enough_and_one_less_is_not(tmp_path: Path) -> None:
    with open_tenant(tmp_path, TENANT) as tenant:
        least = list(needs(options()).names())
        tenant.grant(*least)
        few = tenant.addresses(8)
        assert tenant.run("mailbox.report", tmp_path / "all", addresses=few).code == 0
        for lacking in least:
            tenant.grant(*(name for name in least if name != lacking), "User.ReadBasic.All")
            done = tenant.run("mailbox.report", tmp_path / lacking, addresses=few)
            assert done.code == 4
            assert lacking in done.err


def test_faults(tmp_path: Path, alone: dict[str, tuple[list[Row], int, int]]) -> None:
    faults = (
        Fault("throttle", share=0.05),
        Fault("status", status=503, share=0.01),
        Fault("reset-before", share=0.01),
    )
    settings = Settings(mailboxes=40, seed=11, absent=0.0, denied=0.0, moving=0.0, tls=False, faults=faults)
    with open_tenant(tmp_path, settings) as tenant:
        few = set(tenant.addresses(15))
        done = tenant.run("mailbox.report", tmp_path / "run", addresses=sorted(few))
        assert done.code == 0
        for part, rows in by_part(done.rows).items():
            assert sorted(rows, key=repr) == sorted((row for row in alone[part][0] if row["mailbox"] in few), key=repr)
