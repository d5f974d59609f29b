"""Exactly the rules that are meant are taken away, once; and come back as they were, in their order."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bulkmail.errors import ConfigError, GraphError
from bulkmail.sim import Fault, Settings
from bulkmail.sim.families.rules.content import OUTSIDE
from bulkmail.sim.tenant.people import DOMAIN
from bulkmail.tasks import check_options
from bulkmail.tasks.rules.fields import FORWARDS
from bulkmail.tasks.rules.remove import needs, rules_remove
from bulkmail.testing.tenant import Tenant, open_tenant
from tests.tasks.rig import Bench, Deadly, Killed, on_bench

CALM: Mapping[str, Any] = {"seed": 11, "latency": 0.002, "absent": 0.0, "denied": 0.0, "moving": 0.0, "tls": False}
EXTERNAL: dict[str, Any] = {"select": "external", "internal_domains": [DOMAIN]}
BY_NAME: dict[str, Any] = {"names": ["Tidy up", "newsletters", "=RULE", "."]}


def rules(bench: Bench, number: int) -> list[dict[str, Any]]:
    """The rules of a mailbox in their order, without what the service finds out by itself."""
    rows = bench.desk.sim.contents("rules", bench.mailbox(number).address)
    return sorted(({k: v for k, v in row.items() if k not in SERVICE} for row in rows), key=lambda row: row["sequence"])


SERVICE = ("hasError", "createdDateTime", "lastModifiedDateTime", "parentFolderId", "key")


def anew(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "id": ""} for row in rows]


def sends_outside(rule: Mapping[str, Any]) -> bool:
    sent = [one["emailAddress"]["address"] for name in FORWARDS for one in rule["actions"].get(name, [])]
    return any(one in OUTSIDE for one in sent)


@pytest.mark.parametrize("options", [EXTERNAL, BY_NAME], ids=["external", "names"])
@pytest.mark.parametrize("how", ["disable", "delete"])
def test_there_and_back(how: str, options: dict[str, Any], tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        touched = 0
        for number in range(40):
            mailbox, before = bench.mailbox(number), rules(bench, number)
            meant = [
                rule
                for rule in before
                if (sends_outside(rule) if options is EXTERNAL else rule["displayName"].casefold() in LOWER)
                and (rule["isEnabled"] or how == "delete")
            ]
            free = [rule["id"] for rule in meant if not rule["isReadOnly"]]
            planned = await bench.plan(mailbox)
            assert rules(bench, number) == before
            told = await bench.run(mailbox)
            made = bench.made
            assert [{**row, "state": "planned"} for row in told if row["state"] == "done"] == [
                row for row in planned if row["state"] != "read_only"
            ]
            assert [row["rule_id"] for row in told] == [rule["id"] for rule in meant]
            assert [row["rule_id"] for row in told if row["state"] == "done"] == free
            after = rules(bench, number)
            if how == "delete":
                assert after == [rule for rule in before if rule["id"] not in free]
            else:
                assert after == [rule | {"isEnabled": rule["isEnabled"] and rule["id"] not in free} for rule in before]
            assert [row for row in await bench.run(mailbox) if row["state"] != "read_only"] == []
            assert bench.writes == []
            assert {row["result"] for row in await bench.undo(mailbox, made)} <= {"restored"}
            assert anew(rules(bench, number)) == anew(before)
            assert how == "delete" or rules(bench, number) == before
            assert {row["result"] for row in await bench.undo(mailbox, made)} <= {"already"}
            assert bench.writes == []
            touched += len(free)
        assert touched > 8

    books = on_bench("rules.remove", tmp_path, act, {**options, "how": how}, **CALM)
    assert books["breaches"] == {}


LOWER = {name.casefold() for name in BY_NAME["names"]}


async def with_free_rules(bench: Bench, many: int) -> int:
    """The first mailbox with so many rules that would be taken away."""
    for number in range(150):
        rows = await bench.plan(bench.mailbox(number))
        if sum(row["state"] == "planned" for row in rows) >= many:
            return number
    raise AssertionError("no mailbox has as many")


@pytest.mark.parametrize("how", ["disable", "delete"])
def test_a_killed_run_comes_to_the_same_end_and_leads_back(how: str, tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        number = await with_free_rules(bench, 2)
        mailbox, before = bench.mailbox(number), rules(bench, number)
        for fatal in (1, 2, 3):
            for answered in (False, True):
                wanted = await bench.plan(mailbox)
                with pytest.raises(Killed):
                    await bench.run_through(Deadly(bench.writing, fatal, answered), mailbox)
                earlier = bench.made
                told = await bench.run(mailbox, earlier=earlier)
                assert sorted(row["name"] for row in told) == sorted(row["name"] for row in wanted)
                assert {row["state"] for row in told} <= {"done", "read_only"}
                made = earlier + bench.made
                await bench.undo(mailbox, made)
                assert anew(rules(bench, number)) == anew(before)

    on_bench("rules.remove", tmp_path, act, {**EXTERNAL, "how": how}, **CALM)


def test_what_others_changed_since_is_left_alone(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        number = await with_free_rules(bench, 1)
        mailbox = bench.mailbox(number)
        (row, *_) = await bench.run(mailbox)
        made = bench.made
        path = f"{bench.desk.user(number)}/mailFolders/inbox/messageRules/{row['rule_id']}"
        await bench.desk.ask("DELETE", path)
        results = {told["key"]: told["result"] for told in await bench.undo(mailbox, made)}
        assert results[f"rule:{row['rule_id']}"] == "gone"

    on_bench("rules.remove", tmp_path, act, EXTERNAL, **CALM)


def test_a_lost_answer_makes_no_rule_twice(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        number = await with_free_rules(bench, 1)
        mailbox, before = bench.mailbox(number), rules(bench, number)
        await bench.run(mailbox)
        made = bench.made
        await bench.desk.control(faults=[{"kind": "lost", "match": "POST .*messageRules", "total": 1}])
        assert {row["result"] for row in await bench.undo(mailbox, made)} == {"restored"}
        assert anew(rules(bench, number)) == anew(before)

    books = on_bench("rules.remove", tmp_path, act, {**EXTERNAL, "how": "delete"}, **CALM)
    assert books["faults"] == {"lost": 1}


def test_a_refusal_of_one_rule_does_not_keep_the_others(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        number = await with_free_rules(bench, 2)
        mailbox = bench.mailbox(number)
        fault = {"kind": "status", "status": 400, "code": "ErrorInvalidRequest", "match": "PATCH ", "total": 1}
        await bench.desk.control(faults=[fault])
        with pytest.raises(GraphError, match="ErrorInvalidRequest"):
            await bench.run(mailbox)
        assert len(bench.made) == len(bench.writes) - 1 > 0

    on_bench("rules.remove", tmp_path, act, EXTERNAL, **CALM)


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    with open_tenant(tmp_path_factory.mktemp("tenant"), Settings(mailboxes=60, **CALM)) as found:
        yield found


def test_the_reviewed_report_says_which(tenant: Tenant, tmp_path: Path) -> None:
    report = tenant.run("rules.report", tmp_path / "report", options={"only": "external", "folders": "id"})
    text = (report.folder / "records.csv").read_text(encoding="utf-8")
    heading, *lines = text.splitlines(keepends=True)
    (tmp_path / "reviewed.csv").write_text(heading + "".join(lines[:5]), encoding="utf-8")
    options: dict[str, Any] = {"list": str(tmp_path / "reviewed.csv"), "how": "delete"}
    done = tenant.run("rules.remove", tmp_path / "remove", options=options)
    meant = [(row["mailbox"], row["rule_id"]) for row in report.rows[:5]]
    assert sorted((row["mailbox"], row["rule_id"]) for row in done.rows) == sorted(meant)
    assert done.manifest["changes"] == {"planned": sum(row["state"] == "planned" for row in done.rows)}


def test_least_permissions(tmp_path: Path) -> None:
    with open_tenant(tmp_path, Settings(mailboxes=30, **CALM)) as tenant:
        for number, options in enumerate([{"select": "external"}, EXTERNAL]):
            checked: Any = check_options(rules_remove, options)
            least = list(needs(checked).names())
            assert least[1:] == ([] if "internal_domains" in options else ["Domain.Read.All"])
            tenant.grant(*least)
            given: Any = {"task.apply": True}
            assert tenant.run("rules.remove", tmp_path / f"{number}", options=options, settings=given).code == 0
            for lacking in least:
                tenant.grant(*(name for name in least if name != lacking), "User.ReadBasic.All")
                folder = tmp_path / f"{number} {lacking}"
                done = tenant.run("rules.remove", folder, options=options)
                assert done.code == 4
                assert lacking in done.err


def test_faults_and_a_second_apply(tmp_path: Path) -> None:
    faults = (
        Fault("throttle", share=0.05),
        Fault("status", status=503, share=0.01),
        Fault("reset-before", share=0.01),
    )
    with open_tenant(tmp_path, Settings(mailboxes=60, faults=faults, **CALM)) as tenant:
        before = {a: {rule["id"]: rule for rule in tenant.contents("rules", a)} for a in tenant.addresses()}
        done = tenant.run("rules.remove", tmp_path / "a", options=EXTERNAL, settings={"task.apply": True})
        assert done.code == 0
        for address, there in before.items():
            for rule in tenant.contents("rules", address):
                then = there[rule["id"]]
                off = sends_outside(then) and not then["isReadOnly"]
                assert rule["isEnabled"] == (then["isEnabled"] and not off)
        done = tenant.run("rules.remove", tmp_path / "b", options=EXTERNAL, settings={"task.apply": True})
        assert (done.code, done.manifest["changes"]) == (0, {})
        done = tenant.run("rules.report", tmp_path / "c", options={"folders": "id"}, settings={"task.drift": True})
        assert done.code == (8 if any(row["severity"] == "high" for row in done.rows) else 0)
        assert all(row["read_only"] for row in done.rows if row["severity"] == "high")


@pytest.mark.parametrize("options", [{}, {"select": "external", "names": ["x"]}, {"names": [" "]}, {"select": "all"}])
def test_options_that_say_too_little_or_too_much(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        check_options(rules_remove, options)


def test_a_list_without_ids_is_refused(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("mailbox,name\nada@contoso.com,x\n", encoding="utf-8")
    with pytest.raises(Exception, match=r"row 2 has no mailbox and rule_id"):
        check_options(rules_remove, {"list": "l.csv"}, tmp_path)
