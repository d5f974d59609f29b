"""The report of rules finds every forward out of the tenant and nothing else, whatever the service does meanwhile."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bulkmail.errors import PermissionMissing, TaskMistake
from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Response, Row
from bulkmail.sim import Fault, Settings
from bulkmail.sim.families.rules.content import OUTSIDE
from bulkmail.sim.tenant.people import DOMAIN
from bulkmail.tasks import check_options
from bulkmail.tasks.rules.domains import with_domains
from bulkmail.tasks.rules.fields import FORWARDS
from bulkmail.tasks.rules.report import COLUMNS, needs, rules_report
from bulkmail.testing import Scripted, collect, run
from bulkmail.testing.tenant import Done, Tenant, open_tenant

TENANT = Settings(mailboxes=120, seed=11, latency=0.002, absent=0.0, denied=0.0, moving=0.0, tls=False)
ALL = "MailboxSettings.Read", "Mail.ReadBasic.All", "Domain.Read.All"
GIVEN: list[dict[str, Any]] = [{}, {"folders": "id"}, {"folders": "id", "internal_domains": [DOMAIN]}]
ADA = Mailbox("ada@contoso.com", 2)


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    with open_tenant(tmp_path_factory.mktemp("tenant"), TENANT) as found:
        found.grant(*ALL)
        yield found


def planted(tenant: Tenant) -> dict[tuple[str, str], list[str]]:
    """Mailbox and rule to the recipients outside, out of the simulator's own books."""
    found = {}
    for address in tenant.addresses():
        for rule in tenant.contents("rules", address):
            sent = [one["emailAddress"]["address"] for name in FORWARDS for one in rule["actions"].get(name, [])]
            if outside := [one for one in sent if one in OUTSIDE]:
                found[address, rule["id"]] = outside
    return found


def told(done: Done) -> dict[tuple[str, str], list[str]]:
    return {(row["mailbox"], row["rule_id"]): row["external"] for row in done.rows if row["external"]}


def test_every_forward_outside_and_nothing_else(tenant: Tenant, tmp_path: Path) -> None:
    done = tenant.run("rules.report", tmp_path)
    assert done.code == 0
    truth = planted(tenant)
    assert len(truth) > 20
    assert told(done) == truth
    whole = {address: tenant.contents("rules", address) for address in tenant.addresses()}
    assert len(done.rows) == sum(map(len, whole.values()))
    assert all(list(row) == list(COLUMNS) for row in done.rows)
    for row in done.rows:
        rule = next(one for one in whole[row["mailbox"]] if one["id"] == row["rule_id"])
        assert row["actions_json"] == rule["actions"]
        assert (row["severity"] == "high") == bool(row["external"] and rule["isEnabled"])
    assert {purpose for row in done.rows for purpose in row["purpose"]} == {"forwards", "deletes", "hides"}
    assert tenant.books()["breaches"] == {}


def test_folders_by_their_path_and_purpose_in_every_language(tenant: Tenant, tmp_path: Path) -> None:
    rows = tenant.run("rules.report", tmp_path).rows
    paths = {row["actions"]: row["purpose"] for row in rows if row["actions_json"].keys() & {"moveToFolder"}}
    assert {text.partition(";")[0] for text in paths} >= {"move to Archive", "move to Archiv"}
    for text, purpose in paths.items():
        deletes = text.startswith(("move to Deleted", "move to Gelöschte"))
        assert purpose == (["deletes"] if deletes else ["hides"]), text


def test_only_external(tenant: Tenant, tmp_path: Path) -> None:
    done = tenant.run("rules.report", tmp_path, options={"only": "external", "folders": "id"})
    assert told(done) == planted(tenant)
    assert len(done.rows) == len(planted(tenant))


def test_drift_ends_with_8_and_the_summary_counts_mailboxes(tenant: Tenant, tmp_path: Path) -> None:
    done = tenant.run("rules.report", tmp_path / "a", settings={"task.drift": True})
    with_finding = {row["mailbox"] for row in done.rows if row["severity"] == "high"}
    assert done.code == 8
    assert done.manifest["sums"]["findings"] == len(with_finding) > 0
    clean = [address for address in tenant.addresses() if address not in with_finding]
    done = tenant.run("rules.report", tmp_path / "b", addresses=clean, settings={"task.drift": True})
    assert (done.code, done.manifest["sums"]["findings"]) == (0, 0)


def test_domains_of_the_job_are_not_asked_for(tenant: Tenant, tmp_path: Path) -> None:
    before = tenant.books()["requests"]
    options: dict[str, Any] = {"folders": "id", "internal_domains": [DOMAIN.upper(), "partner.example"]}
    done = tenant.run("rules.report", tmp_path, options=options)
    assert not [one for one in done.rows if any("partner.example" in address for address in one["external"])]
    assert tenant.books()["requests"] - before == len(tenant.addresses())


def test_the_least_permissions_are_enough_and_one_less_is_not(tmp_path: Path) -> None:
    with open_tenant(tmp_path, TENANT) as tenant:
        for number, options in enumerate(GIVEN):
            checked: Any = check_options(rules_report, options)
            least = list(needs(checked).names())
            tenant.grant(*least)
            assert tenant.run("rules.report", tmp_path / f"{number}", options=options).code == 0
            for lacking in least:
                tenant.grant(*(name for name in least if name != lacking), "User.ReadBasic.All")
                done = tenant.run("rules.report", tmp_path / f"{number} {lacking}", options=options)
                if lacking != "Mail.ReadBasic.All":
                    assert done.code == 4
                    assert lacking in done.err
                else:
                    refused = [line["error"]["message"] for line in done.lines("outcomes.ndjson") if "error" in line]
                    assert done.code in (3, 4)
                    assert refused
                    assert all(lacking in message for message in refused)


def test_faults(tmp_path: Path) -> None:
    faults = (
        Fault("throttle", share=0.05),
        Fault("status", status=503, share=0.01),
        Fault("reset-before", share=0.01),
    )
    with open_tenant(tmp_path, Settings(mailboxes=60, seed=5, latency=0.002, absent=0.0, denied=0.0, moving=0.0,
                                        tls=False, faults=faults)) as tenant:  # fmt: skip
        done = tenant.run("rules.report", tmp_path / "run")
        assert done.code == 0
        assert told(done) == planted(tenant)


def rows(*rules: Mapping[str, Any], **options: Any) -> list[Row]:
    given = {"internal_domains": ["contoso.com"], "folders": "id", **options}
    service = Scripted(lambda _: Response(200, body={"value": list(rules)}))
    graph = Graph.of(ADA, service, "https://graph.example/v1.0")
    return run(collect(rules_report.run(ADA, graph, check_options(rules_report, given))))


def rule(**changed: Any) -> dict[str, Any]:
    return {"id": "1", "displayName": "n", "sequence": 1, "isEnabled": True, "actions": {"delete": True}, **changed}


def to(*addresses: str) -> list[dict[str, Any]]:
    return [{"emailAddress": {"name": "N", "address": one}} for one in addresses]


@pytest.mark.parametrize(
    ("changed", "severity", "purposes"),
    [
        ({"actions": {"forwardTo": to("a@elsewhere.example")}}, "high", ["forwards"]),
        ({"actions": {"redirectTo": to("a@elsewhere.example")}, "isEnabled": False}, "low", ["forwards"]),
        ({"actions": {"forwardAsAttachmentTo": to("/o=x/cn=y")}}, "medium", ["forwards"]),
        ({"actions": {"forwardTo": to("a@contoso.com")}}, "low", ["forwards"]),
        ({"actions": {"delete": True}}, "low", ["deletes"]),
        ({"conditions": {"subjectContains": ["Your INVOICE"]}}, "medium", ["deletes"]),
        ({"actions": {"moveToFolder": "x", "markAsRead": True}}, "low", ["hides"]),
        ({"actions": {"moveToFolder": "x"}}, "none", []),
        ({"actions": {"forwardTo": []}, "conditions": {"subjectContains": ["invoice"]}}, "none", []),
        ({"actions": None, "conditions": 5, "displayName": None, "sequence": "x"}, "none", []),
        ({"actions": {"forwardTo": [None, {"emailAddress": 5}, {}]}}, "medium", ["forwards"]),
    ],
)
def test_severity(changed: dict[str, Any], severity: str, purposes: list[str]) -> None:
    (row,) = rows(rule(**changed))
    assert (row["severity"], row["purpose"]) == (severity, purposes)
    assert list(row) == [name for name in COLUMNS if name != "mailbox"]


def test_words() -> None:
    (row,) = rows(rule(
        conditions={"subjectContains": ["a", "b"], "sentToMe": True, "withinSizeRange": {"minimumSize": 5},
                    "importance": "high", "hasAttachments": False, "new": {"x": 1}},
        exceptions={"fromAddresses": to("a@contoso.com")},
        actions={"forwardTo": to("a@contoso.com", "b@contoso.com"), "stopProcessingRules": True, "copyToFolder": "id"},
    ))  # fmt: skip
    assert row["conditions"] == (
        'the subject contains "a" or "b"; was sent to me; the size is at least 5 KB; the importance is high; '
        'new: {"x":1}'
    )
    assert row["exceptions"] == "is from a@contoso.com"
    assert row["actions"] == "forward to a@contoso.com, b@contoso.com; stop processing more rules; copy to id"


def asked(answer: Response) -> Any:
    graph = Graph(Scripted(lambda _: answer), "https://graph.example/v1.0")
    return run(with_domains(graph, check_options(rules_report, {})))


def test_only_verified_domains_are_ones_own() -> None:
    found = [{"id": "Contoso.com", "isVerified": True}, {"id": "x.example", "isVerified": False}, {"id": 5}, None]
    assert asked(Response(200, body={"value": found})).internal_domains == ("contoso.com",)


def test_no_domain_is_no_answer_and_a_refusal_says_what_is_missing() -> None:
    with pytest.raises(Exception, match="no verified domain"):
        asked(Response(200, body={"value": []}))
    with pytest.raises(PermissionMissing) as refused:
        asked(Response(403, body={"error": {"code": "Authorization_RequestDenied", "message": "no"}}))
    assert "Domain.Read.All" in refused.value.hint


def test_nothing_is_judged_without_domains() -> None:
    with pytest.raises(TaskMistake, match="internal_domains"):
        rows(rule(), internal_domains=None)
