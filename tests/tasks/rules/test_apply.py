"""Every mailbox gets the rules of the job, compared by what they mean; a second apply writes nothing."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import ConfigError, GraphError
from bulkmail.sim.families.rules.kind import ACTIONS as SIM_ACTIONS
from bulkmail.sim.families.rules.kind import PREDICATES as SIM_PREDICATES
from bulkmail.tasks import check_options
from bulkmail.tasks.rules.apply import COLUMNS, needs, rules_apply, steps
from bulkmail.tasks.rules.fields import ACTIONS, PARTS, PREDICATES, RECIPIENTS, same, says
from bulkmail.tasks.rules.inbox import Rule
from tests.tasks.rig import Bench, Deadly, Killed, on_bench
from tests.tasks.rules.test_remove import CALM, rules

SCANS = {
    "name": "Scans",
    "enabled": True,
    "conditions": {"senderContains": ["scanner@contoso.com"], "hasAttachments": True},
    "actions": {"moveToFolder": "archive", "stopProcessingRules": True},
}
COPIES = {"name": "Copies", "sequence": 2, "actions": {"forwardTo": ["ada@contoso.com", "alan@contoso.com"]}}
OPTIONS: dict[str, Any] = {"rules": [SCANS, COPIES]}


def named(bench: Bench, number: int) -> dict[str, dict[str, Any]]:
    return {rule["displayName"]: rule for rule in rules(bench, number)}


def test_members_are_those_that_the_service_documents() -> None:
    assert frozenset(SIM_PREDICATES) == PREDICATES
    assert frozenset(SIM_ACTIONS) == ACTIONS


def test_a_first_time_a_second_time_and_back(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        for number in range(12):
            mailbox, before = bench.mailbox(number), rules(bench, number)
            planned = await bench.plan(mailbox)
            assert rules(bench, number) == before
            told = await bench.run(mailbox)
            made = bench.made
            assert [{**row, "state": "planned"} for row in told] == planned
            assert [["mailbox", *row] for row in told] == [list(COLUMNS)] * 2
            there = named(bench, number)
            assert there["Scans"]["conditions"] == {"senderContains": ["SCANNER@CONTOSO.COM"], "hasAttachments": True}
            assert there["Copies"]["sequence"] == 2
            assert there["Copies"]["isEnabled"]
            assert await bench.run(mailbox) == []
            assert bench.writes == []
            assert {row["result"] for row in await bench.undo(mailbox, made)} == {"restored"}
            assert [rule["id"] for rule in rules(bench, number)] == [rule["id"] for rule in before]

    assert on_bench("rules.apply", tmp_path, act, OPTIONS, **CALM)["breaches"] == {}


def test_what_differs_is_written_as_a_whole_and_put_back(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        mailbox = bench.mailbox()
        await bench.run(mailbox)
        rule = named(bench, 0)["Scans"]
        path = f"{bench.desk.user(0)}/mailFolders/inbox/messageRules/{rule['id']}"
        changed = {"isEnabled": False, "actions": {**rule["actions"], "delete": True, "markImportance": "low"}}
        await bench.desk.ask("PATCH", path, changed)
        before = rules(bench, 0)
        (row,) = await bench.run(mailbox)
        made = bench.made
        assert row["action"] == "update"
        assert row["before"] == changed
        assert row["after"] == {"isEnabled": True, "actions": rule["actions"]}
        assert named(bench, 0)["Scans"] == rule
        (undone,) = await bench.undo(mailbox, made)
        assert undone["result"] == "restored"
        assert rules(bench, 0) == before

    on_bench("rules.apply", tmp_path, act, OPTIONS, **CALM)


@pytest.mark.parametrize("fatal", range(1, 5))
@pytest.mark.parametrize("answered", [False, True])
def test_a_killed_run_makes_no_rule_twice(fatal: int, answered: bool, tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        mailbox, before = bench.mailbox(), rules(bench, 0)
        wanted = await bench.plan(mailbox)
        try:
            await bench.run_through(Deadly(bench.writing, fatal, answered), mailbox)
        except Killed:
            earlier = bench.made
            told = await bench.run(mailbox, earlier=earlier)
            made = earlier + bench.made
        else:
            raise AssertionError("the run outlived its death")
        assert sorted(row["name"] for row in told) == sorted(row["name"] for row in wanted)
        names = [rule["displayName"] for rule in rules(bench, 0)]
        assert (names.count("Scans"), names.count("Copies")) == (1, 1)
        await bench.undo(mailbox, made)
        assert [rule["id"] for rule in rules(bench, 0)] == [rule["id"] for rule in before]

    on_bench("rules.apply", tmp_path, act, OPTIONS, **CALM)


def test_a_folder_that_is_not_there_fails_before_anything_is_written(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        with pytest.raises(GraphError, match="no folder 'Inbox/Nowhere'"):
            await bench.run(bench.mailbox())
        assert bench.writes == []

    moved = {**SCANS, "actions": {"moveToFolder": "Inbox/Nowhere"}}
    on_bench("rules.apply", tmp_path, act, {"rules": [COPIES, moved]}, **CALM)


def test_a_folder_by_its_path(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        made = await bench.desk.ask(
            "POST", f"{bench.desk.user(0)}/mailFolders/inbox/childFolders", {"displayName": "A/B"}
        )
        await bench.run(bench.mailbox())
        assert named(bench, 0)["Scans"]["actions"]["moveToFolder"] == made.body["id"]

    moved = {**SCANS, "actions": {"moveToFolder": "inbox/a\\/b"}}
    on_bench("rules.apply", tmp_path, act, {"rules": [moved]}, **CALM)


def test_options_come_back_out_of_a_manifest(tmp_path: Path) -> None:
    options = check_options(rules_apply, OPTIONS, tmp_path)
    assert check_options(rules_apply, options.model_dump(mode="json"), tmp_path) == options


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"name": "", "actions": {"delete": True}}, "rules"),
        ({"name": "n", "actions": {}}, "rules"),
        ({"name": "n", "actions": {"forward": ["a@b.c"]}}, "did you mean forwardTo"),
        ({"name": "n", "actions": {"forwardTo": ["a"]}}, "is not an address"),
        ({"name": "n", "actions": {"forwardTo": [{}]}}, "is not an address"),
        ({"name": "n", "actions": {"delete": "yes"}}, "true or false"),
        ({"name": "n", "actions": {"moveToFolder": "/"}}, "should be a folder"),
        ({"name": "n", "actions": {"delete": True}, "conditions": {"subjectContains": "x"}}, "a list of texts"),
        ({"name": "n", "actions": {"delete": True}, "exceptions": {"delete": True}}, "not one of the conditions"),
        ({"name": "n", "actions": {"delete": True}, "sequence": 0}, "rules"),
    ],
)
def test_what_a_rule_cannot_be(rule: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        check_options(rules_apply, {"rules": [rule]})


def test_one_name_or_place_twice() -> None:
    with pytest.raises(ConfigError, match="two rules have the name"):
        check_options(rules_apply, {"rules": [SCANS, SCANS]})
    with pytest.raises(ConfigError, match="two rules have the same sequence"):
        check_options(rules_apply, {"rules": [COPIES, {**COPIES, "name": "Others"}]})


def test_places_are_kept_whatever_has_them(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        for number in range(12):
            mailbox, before = bench.mailbox(number), rules(bench, number)
            await bench.run(mailbox)
            there = [rule["displayName"] for rule in rules(bench, number)]
            assert there[:3] == ["First", "Second", "Third"]
            assert there[3:] == [rule["displayName"] for rule in before]
            assert await bench.run(mailbox) == []

    names = {"Third": 3, "First": 1, "Second": 2}
    wanted = [{"name": name, "sequence": place, "actions": {"delete": True}} for name, place in names.items()]
    on_bench("rules.apply", tmp_path, act, {"rules": wanted}, **CALM)


@pytest.mark.parametrize(
    ("options", "least"),
    [
        (OPTIONS, ("MailboxSettings.ReadWrite", "Mail.ReadBasic.All")),
        ({"rules": [COPIES]}, ("MailboxSettings.ReadWrite",)),
    ],
)
def test_the_least_permissions_are_enough_and_one_less_is_not(
    options: dict[str, Any], least: tuple[str, ...], tmp_path: Path
) -> None:
    checked: Any = check_options(rules_apply, options)
    assert tuple(needs(checked).names()) == least

    async def enough(bench: Bench) -> None:
        assert await bench.run(bench.mailbox())

    on_bench("rules.apply", tmp_path, enough, options, roles=least, **CALM)

    async def refused(bench: Bench) -> None:
        with pytest.raises(GraphError) as caught:
            await bench.run(bench.mailbox())
        assert caught.value.status == 403
        assert bench.made == []

    for lacking in least:
        roles = (*(name for name in least if name != lacking), "User.ReadBasic.All")
        on_bench("rules.apply", tmp_path, refused, options, roles=roles, **CALM)


PEOPLE = st.lists(
    st.sampled_from(["Ada@contoso.com", "alan@contoso.com"]).map(
        lambda address: {"emailAddress": {"name": "N", "address": address}}
    ),
    max_size=2,
)
PART = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {},
        optional={
            "subjectContains": st.lists(st.sampled_from(["a", "B"]), max_size=3),
            "senderContains": st.lists(st.sampled_from(["a", "B"]), max_size=3),
            "importance": st.sampled_from(["low", "High", None]),
            "hasAttachments": st.sampled_from([True, False, None]),
            "fromAddresses": PEOPLE,
            "withinSizeRange": st.sampled_from([None, {}, {"minimumSize": 5, "maximumSize": None}]),
        },
    ),
)


def disguised(part: dict[str, Any] | None) -> dict[str, Any] | None:
    """The same, written as the service may write it."""
    found: dict[str, Any] = {"@odata.type": "x", "sentToMe": False, "categories": [], "isSigned": None}
    for name, value in reversed((part or {}).items()):
        if name in RECIPIENTS:
            found[name] = [
                {"emailAddress": {"address": one["emailAddress"]["address"].swapcase()}} for one in reversed(value)
            ]
        elif name == "senderContains":
            found[name] = [text.upper() for text in reversed(value)]
        else:
            found[name] = (
                value[::-1] if isinstance(value, list) else value.upper() if name == "importance" and value else value
            )
    return found


@given(part=PART, other=PART)
def test_parts_are_compared_by_what_they_mean(part: dict[str, Any] | None, other: dict[str, Any] | None) -> None:
    for name in PARTS:
        assert same(name, part, part)
        assert same(name, part, disguised(part))
        assert same(name, part, other) == same(name, other, part)
        if same(name, part, other):
            assert same(name, disguised(other), part)
    assert isinstance(says(part or {}, {}), str)


@given(part=PART, name=st.sampled_from(sorted(PREDICATES - {"withinSizeRange"})))
def test_a_member_more_or_less_is_a_difference(part: dict[str, Any] | None, name: str) -> None:
    less = {key: value for key, value in (part or {}).items() if key != name}
    value: Any = (
        [{"emailAddress": {"address": "x@y.z"}}] if name in RECIPIENTS else ["x"] if "ontains" in name else True
    )
    assert not same("conditions", less, {**less, name: value})
    assert not same("conditions", {**less, name: value}, None)


@given(
    bodies=st.lists(st.tuples(st.sampled_from("abc"), PART), max_size=3, unique_by=lambda one: one[0]),
    there=st.lists(st.tuples(st.sampled_from("abcd"), PART, st.booleans()), max_size=5),
)
def test_steps_lead_to_what_is_wanted_and_then_there_are_none(
    bodies: list[tuple[str, Any]], there: list[tuple[str, Any, bool]]
) -> None:
    wanted = [{"displayName": name, "conditions": part or {}, "actions": {"delete": True}} for name, part in bodies]
    props = [
        {"id": f"{number}", "displayName": name, "sequence": number + 1, "conditions": part, "isReadOnly": fixed}
        for number, (name, part, fixed) in enumerate(there)
    ]
    for step in steps(wanted, [Rule.of(one) for one in props]):
        if step.rule is None:
            props.append({"id": f"new {step.name}", **step.after})
        elif not step.rule.read_only:
            next(one for one in props if one["id"] == step.rule.id).update(step.after)
    left = list(steps(wanted, [Rule.of(one) for one in props]))
    assert all(step.rule is not None and step.rule.read_only for step in left)
    assert len({one["sequence"] for one in props}) == len(props)
