"""Roles are given as the job says, what cannot be given back is left, and undo puts back what still stands."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import ConfigError, GraphError, InputError
from bulkmail.sim import Fault, Settings
from bulkmail.sim.families.calendars.content import BOSS
from bulkmail.tasks import check_options
from bulkmail.tasks.calendar.apply import COLUMNS, permissions_apply, steps
from bulkmail.tasks.calendar.grants import CUSTOM, ORGANIZATION, ROLES, Grant
from bulkmail.tasks.calendar.options import EXTERNAL, REMOVE
from bulkmail.testing.tenant import open_tenant
from tests.tasks.rig import Bench, Deadly, Killed, on_bench

CALM: Mapping[str, Any] = {"seed": 11, "latency": 0.002, "absent": 0.0, "denied": 0.0, "moving": 0.0, "tls": False}
NEW = "hazel.pond@tenant.example"
OPTIONS: dict[str, Any] = {
    "calendars": "all",
    "roles": {ORGANIZATION: "limitedRead", NEW: "read", BOSS.upper(): "remove", "external": "freeBusyRead"},
}
PARTNER = "partner@elsewhere.example"


def held(bench: Bench, number: int) -> dict[tuple[int, str], str]:
    """The roles in a mailbox, by calendar and grantee."""
    rows = bench.desk.sim.contents("permissions", bench.mailbox(number).address)
    return {(row["parent"], row["emailAddress"].get("address", ORGANIZATION)): row["role"] for row in rows}


def wanted(there: Mapping[tuple[int, str], str]) -> dict[tuple[int, str], str]:
    """What OPTIONS come to, told in another way than by the task."""
    found = {key: role for key, role in there.items() if key[1] != BOSS or role == CUSTOM}
    for calendar in {calendar for calendar, _ in there}:
        found |= {(calendar, ORGANIZATION): "limitedRead", (calendar, NEW): "read"}
    return found | {key: "freeBusyRead" for key in there if key[1] == PARTNER}


def test_a_first_time_a_second_time_and_back(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        changed = 0
        for number in range(30):
            mailbox, before = bench.mailbox(number), held(bench, number)
            planned = await bench.plan(mailbox)
            assert held(bench, number) == before
            told = await bench.run(mailbox)
            made = bench.made
            assert [{**row, "state": "planned"} for row in told] == planned
            assert all(["mailbox", *row] == list(COLUMNS) for row in told)
            assert held(bench, number) == wanted(before)
            assert await bench.run(mailbox) == []
            assert bench.writes == []
            assert {row["result"] for row in await bench.undo(mailbox, made)} == {"restored"}
            assert held(bench, number) == before
            assert {row["result"] for row in await bench.undo(mailbox, made)} == {"already"}
            assert bench.writes == []
            changed += len(made)
        assert changed > 60

    books = on_bench("calendar.permissions.apply", tmp_path, act, OPTIONS, **CALM)
    assert books["breaches"] == {}


async def with_row(bench: Bench, state: str) -> dict[str, Any]:
    for number in range(100):
        for row in await bench.plan(bench.mailbox(number)):
            if row["state"] == state:
                before = held(bench, number)
                assert row in await bench.run(bench.mailbox(number))
                assert {key: role for key, role in held(bench, number).items() if before.get(key) != role} == {}
                return row
    raise AssertionError(f"no mailbox comes to {state}")


@pytest.mark.parametrize(
    ("roles", "state"),
    [
        ({"external": "write"}, "not_allowed"),
        ({ORGANIZATION: "delegateWithPrivateEventAccess"}, "not_allowed"),
        ({"cedar.dale.2@tenant.example": "remove"}, "custom"),
        ({"cedar.dale.2@tenant.example": "read"}, "custom"),
    ],
)
def test_what_the_service_does_not_allow_is_told_and_left(roles: dict[str, str], state: str, tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        row = await with_row(bench, state)
        assert row["before"]
        assert row["grantee"]

    on_bench("calendar.permissions.apply", tmp_path, act, {"roles": roles}, **CALM)


@pytest.mark.parametrize("fatal", range(1, 5))
@pytest.mark.parametrize("answered", [False, True])
def test_a_killed_run_comes_to_the_same_end_and_leads_back(fatal: int, answered: bool, tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        number = next(n for n in range(60) if held(bench, n).get((1, BOSS)) and held(bench, n).get((1, PARTNER)))
        mailbox, before = bench.mailbox(number), held(bench, number)
        planned = await bench.plan(mailbox)
        with pytest.raises(Killed):
            await bench.run_through(Deadly(bench.writing, fatal, answered), mailbox)
        earlier = bench.made
        told = await bench.run(mailbox, earlier=earlier)
        key = lambda row: (row["calendar"], row["grantee"])  # noqa: E731
        assert sorted(({**row, "state": "planned"} for row in told), key=key) == sorted(planned, key=key)
        assert held(bench, number) == wanted(before)
        await bench.undo(mailbox, earlier + bench.made)
        assert held(bench, number) == before

    options = OPTIONS | {"calendars": "default"}
    on_bench("calendar.permissions.apply", tmp_path, act, options, **CALM)


def test_a_lost_answer_gives_no_permission_twice(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await bench.desk.control(faults=[{"kind": "lost", "match": "POST .*calendarPermissions", "total": 1}])
        told = await bench.run(bench.mailbox())
        assert [row["action"] for row in told if row["grantee"] == NEW] == ["create"]
        assert held(bench, 0)[1, NEW] == "read"

    books = on_bench("calendar.permissions.apply", tmp_path, act, OPTIONS, **CALM)
    assert books["faults"] == {"lost": 1}


def test_a_refusal_of_one_permission_does_not_keep_the_others(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        with pytest.raises(GraphError, match="allowedRoles"):
            await bench.run(bench.mailbox())
        assert held(bench, 0)[1, NEW] == "read"

    roles = {"ada@contoso.com": "write", NEW: "read"}
    on_bench("calendar.permissions.apply", tmp_path, act, {"roles": roles}, **CALM)


def test_what_others_changed_since_is_left_alone(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        path = f"{bench.desk.user()}/calendar/calendarPermissions"
        await bench.run(bench.mailbox())
        made = bench.made
        (row,) = (one for one in (await bench.desk.get(path)).body["value"] if one["emailAddress"]["name"] == NEW)
        await bench.desk.ask("PATCH", f"{path}/{row['id']}", {"role": "write"})
        results = {told["key"]: told for told in await bench.undo(bench.mailbox(), made)}
        assert results[f"permission:default:{NEW}"]["result"] == "changed"
        assert results[f"permission:default:{NEW}"]["found"] == "write"

    on_bench("calendar.permissions.apply", tmp_path, act, OPTIONS | {"calendars": "default"}, **CALM)


def test_the_permissions_of_a_calendar_that_is_gone_are_gone(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        other = (await bench.desk.ask("POST", f"{bench.desk.user()}/calendars", {"name": "Ours"})).body["id"]
        await bench.run(bench.mailbox())
        made = bench.made
        await bench.desk.ask("DELETE", f"{bench.desk.user()}/calendars/{other}")
        results = {told["result"] for told in await bench.undo(bench.mailbox(), made) if other in told["key"]}
        assert results == {"gone"}

    on_bench("calendar.permissions.apply", tmp_path, act, OPTIONS, **CALM)


def test_faults_a_second_apply_and_the_least_permission(tmp_path: Path) -> None:
    faults = (Fault("throttle", share=0.05), Fault("status", status=503, share=0.01), Fault("lost", share=0.02))
    with open_tenant(tmp_path, Settings(mailboxes=40, faults=faults, **CALM)) as tenant:
        tenant.grant("Calendars.ReadWrite")
        given: Any = {"options": {"roles": OPTIONS["roles"]}, "settings": {"task.apply": True, "limits.settle": 0.1}}
        assert tenant.run("calendar.permissions.apply", tmp_path / "a", **given).code == 0
        for address in tenant.addresses():
            rows = tenant.contents("permissions", address)
            assert next(row["role"] for row in rows if not row["emailAddress"].get("address")) == "limitedRead"
            assert sum(row["emailAddress"].get("address") == NEW for row in rows) == 1
        again = tenant.run("calendar.permissions.apply", tmp_path / "b", **given)
        assert (again.code, again.manifest["changes"]) == (0, {})
        tenant.grant("Calendars.Read", "User.ReadBasic.All")
        roles: Any = {"roles": {ORGANIZATION: "none"}}
        less = tenant.run("calendar.permissions.apply", tmp_path / "c", options=roles, settings={"task.apply": True})
        assert less.code == 4
        assert "Calendars.ReadWrite" in less.err


GRANTS = st.lists(
    st.builds(
        Grant,
        id=st.just("x"),
        name=st.just("n"),
        address=st.sampled_from(["", "a@b.example", "C@d.example"]),
        role=st.sampled_from([*ROLES, CUSTOM, "newToUs"]),
        allowed=st.lists(st.sampled_from(ROLES)).map(tuple),
        removable=st.booleans(),
        inside=st.booleans(),
    ),
    unique_by=lambda grant: grant.grantee.casefold(),
)
RULES = st.dictionaries(
    st.sampled_from([ORGANIZATION, EXTERNAL, "A@B.example", "e@f.example"]), st.sampled_from([*ROLES, REMOVE])
)


@given(GRANTS, RULES)
def test_steps_touch_what_is_named_once_and_never_what_cannot_be_given_back(
    there: list[Grant], roles: dict[str, str]
) -> None:
    found = list(steps(roles, there))
    assert len({step.grantee.casefold() for step in found}) == len(found)
    named = {grantee.casefold() for grantee in roles}
    for step in found:
        outside = step.grant is not None and not step.grant.inside and EXTERNAL in roles
        assert step.grantee.casefold() in named or outside
        if step.grant is not None:
            assert step.role != step.grant.role
            written = not step.left
            assert not (written and step.grant.role == CUSTOM)
            assert not (written and not step.role and not step.grant.removable)
            assert not (written and step.role and step.grant.allowed and step.role not in step.grant.allowed)


def test_the_owner_of_a_mailbox_is_left_out(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        for number, made in ((0, 0), (1, 1)):
            address = bench.mailbox(0).address.upper()
            rows = await bench.run(bench.mailbox(number), roles={address: "read"})
            assert len(rows) == made

    on_bench("calendar.permissions.apply", tmp_path, act, {"roles": {ORGANIZATION: "none"}}, **CALM)


def test_a_grantee_may_be_a_column_of_the_mailboxs_own_row(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        mailbox = bench.mailbox(0, {"Assistant": f" {NEW} ", "Second": " "})
        told = await bench.run(mailbox)
        assert [(row["grantee"], row["after"]) for row in told if row["action"] == "create"] == [(NEW, "write")]
        assert await bench.run(mailbox) == []
        wrong = {"no column 'Assistant'": {"Second": ""}, "'me' is not": {"Assistant": "me", "Second": ""},
                 "has two rules": {"Assistant": NEW, "Second": NEW}}  # fmt: skip
        for said, cells in wrong.items():
            with pytest.raises(InputError, match=said):
                await bench.run(bench.mailbox(1, cells))
            assert bench.requests == []

    roles = {"{Assistant}": "write", "{Second}": "read", ORGANIZATION: "none"}
    on_bench("calendar.permissions.apply", tmp_path, act, {"roles": roles}, **CALM)


@pytest.mark.parametrize(
    "roles",
    [{}, {"{a": "read"}, {"ada": "read"}, {"a@b.example": "owner"}, {"a@b.example": "custom"}, {ORGANIZATION: "remove"},
     {"a@b.example": "read", "A@B.example": "write"}, {"my organization": "none", ORGANIZATION: "read"}],
)  # fmt: skip
def test_rules_that_make_no_sense(roles: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="roles"):
        check_options(permissions_apply, {"roles": roles})


def test_roles_in_any_case_come_back_out_of_a_manifest() -> None:
    options = check_options(permissions_apply, {"roles": {"my organization": "LIMITEDREAD", "External": "Remove"}})
    assert options.model_dump()["roles"] == {ORGANIZATION: "limitedRead", EXTERNAL: REMOVE}
    assert check_options(permissions_apply, options.model_dump(mode="json")) == options
