"""Inbox rules: what they may say, what PATCH replaces, their order, those that stay, and their variety."""

from typing import Any

import pytest

from bulkmail.sim.families.rules.kind import ACTIONS, PREDICATES
from tests.sim.desk import Desk, rehearse

PATH = "/mailFolders/inbox/messageRules"
ADA: dict[str, Any] = {"emailAddress": {"name": "Ada", "address": "ada@contoso.com"}}
EXAMPLES: dict[str, Any] = {"texts": ["quay"], "switch": True, "recipients": [ADA], "sizes": {"minimumSize": 5}}
RULE: dict[str, Any] = {"displayName": "Ours", "sequence": 2, "actions": {"stopProcessingRules": True}}


def example(form: Any, folder: str) -> Any:
    return form[-1] if isinstance(form, tuple) else EXAMPLES.get(form, folder)


async def empty(desk: Desk) -> str:
    """The path of the rules of a mailbox that has none."""
    for number in range(200):
        path = f"{desk.user(number)}{PATH}"
        if not (await desk.get(path)).body["value"]:
            return path
    raise AssertionError("every mailbox has rules")


async def archive(desk: Desk, path: str) -> str:
    return str((await desk.get(f"{path.removesuffix(PATH)}/mailFolders/archive")).body["id"])


def test_every_documented_predicate_and_action_is_kept() -> None:
    async def act(desk: Desk) -> None:
        path = await empty(desk)
        folder = await archive(desk, path)
        predicates = {name: example(form, folder) for name, form in PREDICATES.items()}
        actions = {name: example(form, folder) for name, form in ACTIONS.items()}
        wish = RULE | {"conditions": predicates, "exceptions": predicates, "actions": actions}
        made = (await desk.ask("POST", path, wish)).body
        kept = predicates | {"senderContains": ["QUAY"]}  # the service gives senders back in capital letters
        assert (made["conditions"], made["exceptions"], made["actions"]) == (kept, kept, actions)
        assert (made["isEnabled"], made["hasError"], made["isReadOnly"]) == (True, False, False)
        context = made.pop("@odata.context")
        assert context.endswith("/messageRules/$entity")
        assert (await desk.get(path)).body["value"] == [made]
        assert len(predicates) == 30
        assert len(actions) == 11

    rehearse(act)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"displayName": ""}, "ErrorInvalidRequest"),
    ({"displayName": 5}, "RequestBodyRead"),
    ({"sequence": 0}, "ErrorInvalidRequest"),
    ({"sequence": True}, "RequestBodyRead"),
    ({"sequence": 1 << 31}, "RequestBodyRead"),
    ({"actions": {}}, "ErrorInvalidRequest"),
    ({"actions": {"stopProcessingRules": None}}, "ErrorInvalidRequest"),
    ({"actions": {"explode": True}}, "RequestBodyRead"),
    ({"actions": {"delete": "yes"}}, "RequestBodyRead"),
    ({"actions": {"forwardTo": ADA}}, "RequestBodyRead"),
    ({"actions": {"forwardTo": ["ada@contoso.com"]}}, "RequestBodyRead"),
    ({"actions": {"redirectTo": [{"emailAddress": {"name": "Ada"}}]}}, "RequestBodyRead"),
    ({"actions": {"markImportance": "urgent"}}, "RequestBodyRead"),
    ({"actions": {"moveToFolder": "archive"}}, "ErrorInvalidIdMalformed"),
    ({"conditions": {"subjectContains": "enter to win"}}, "RequestBodyRead"),
    ({"conditions": {"moveToFolder": "x"}}, "RequestBodyRead"),
    ({"conditions": {"withinSizeRange": {"minimumSize": "5"}}}, "RequestBodyRead"),
    ({"exceptions": {"importance": 2}}, "RequestBodyRead"),
    ({"colour": "red"}, "RequestBodyRead"),
    ({"isReadOnly": True}, "ErrorInvalidPropertySet"),
    ({"hasError": False}, "ErrorInvalidPropertySet"),
    ({"id": "AQAAAA=="}, "ErrorInvalidPropertySet"),
]


def test_a_wrong_rule_is_refused_and_nothing_is_changed() -> None:
    async def act(desk: Desk) -> None:
        path = await empty(desk)
        made = (await desk.ask("POST", path, RULE)).body
        before = (await desk.get(path)).body
        for wish, code in WRONG:
            for reply in (
                await desk.ask("POST", path, RULE | wish),
                await desk.ask("PATCH", f"{path}/{made['id']}", wish),
            ):
                assert (reply.status, reply.code) == (400, code), wish
        for name in RULE:
            lacking = {key: value for key, value in RULE.items() if key != name}
            assert (await desk.ask("POST", path, lacking)).code == "ErrorInvalidRequest"
        gone = {"actions": {"copyToFolder": (await archive(desk, path)).replace("AAMkAD", "AAMkAE")}}
        assert (await desk.ask("POST", path, RULE | gone)).status in {400, 404}
        assert (await desk.get(path)).body == before
        assert (await desk.ask("PATCH", f"{path}/AQAAAJ5dZqA=", {"isEnabled": False})).status == 404
        elsewhere = path.replace("/inbox/", "/archive/")
        assert (await desk.ask("POST", elsewhere, RULE)).status == 400

    rehearse(act)


def test_a_change_replaces_whole_parts_and_leaves_the_others() -> None:
    async def act(desk: Desk) -> None:
        path = await empty(desk)
        parts: dict[str, Any] = {
            "conditions": {"senderContains": ["adele"], "sentToMe": True},
            "exceptions": {"hasAttachments": True},
            "actions": {"forwardTo": [ADA], "stopProcessingRules": True},
        }
        made = (await desk.ask("POST", path, RULE | parts)).body
        own = f"{path}/{made['id']}"
        changed = (await desk.ask("PATCH", own, {"displayName": "New", "actions": {"markImportance": "High"}})).body
        assert changed["actions"] == {"markImportance": "high"}
        assert (changed["conditions"], changed["exceptions"]) == (made["conditions"], made["exceptions"])
        changed = (await desk.ask("PATCH", own, {"conditions": {"sentCcMe": True}, "exceptions": None})).body
        assert changed["conditions"] == {"sentCcMe": True}
        assert "exceptions" not in changed
        assert changed["actions"] == {"markImportance": "high"}
        assert {key: value for key, value in changed.items() if key != "@odata.context"} in (
            (await desk.get(path)).body["value"]
        )
        by_id = path.replace(
            "/inbox/", f"/{(await desk.get(f'{path.removesuffix(PATH)}/mailFolders/inbox')).body['id']}/"
        )
        assert len((await desk.get(by_id)).body["value"]) == 1

    rehearse(act)


def test_rules_are_listed_in_their_order_and_a_taken_place_is_made_free() -> None:
    async def act(desk: Desk) -> None:
        path = await empty(desk)
        ids = {}
        for name, sequence in (("a", 1), ("b", 2), ("c", 2), ("d", 9)):
            wish = RULE | {"displayName": name, "sequence": sequence}
            reply = await desk.ask("POST", path, wish)
            assert reply.body["sequence"] == sequence
            ids[name] = reply.body["id"]
        assert await order(desk, path) == [("a", 1), ("c", 2), ("b", 3), ("d", 9)]
        await desk.ask("PATCH", f"{path}/{ids['d']}", {"sequence": 1})
        assert await order(desk, path) == [("d", 1), ("a", 2), ("c", 3), ("b", 4)]
        assert (await desk.ask("DELETE", f"{path}/{ids['a']}")).status == 204
        assert await order(desk, path) == [("d", 1), ("c", 3), ("b", 4)]
        assert (await desk.ask("POST", path, RULE)).body["id"] not in ids.values()

    rehearse(act)


async def order(desk: Desk, path: str) -> list[tuple[str, int]]:
    return [(rule["displayName"], rule["sequence"]) for rule in (await desk.get(path)).body["value"]]


def test_a_rule_is_in_error_once_its_folder_is_gone_and_a_change_mends_it() -> None:
    async def act(desk: Desk) -> None:
        path = await empty(desk)
        base = path.removesuffix(PATH)
        folder = (await desk.ask("POST", f"{base}/mailFolders", {"displayName": "Ours"})).body["id"]
        rule = (await desk.ask("POST", path, RULE | {"actions": {"moveToFolder": folder}})).body
        assert not rule["hasError"]
        assert (await desk.ask("POST", f"{base}/mailFolders/{folder}/permanentDelete")).status == 204
        assert (await desk.get(f"{path}/{rule['id']}")).body["hasError"]
        assert (await desk.get(path)).body["value"][0]["hasError"]
        mended = await desk.ask("PATCH", f"{path}/{rule['id']}", {"actions": {"delete": True}})
        assert not mended.body["hasError"]

    rehearse(act)


def test_the_rules_of_a_mailbox_have_a_quota() -> None:
    async def act(desk: Desk) -> None:
        path = await empty(desk)
        large = {"conditions": {"bodyContains": ["x" * 1000] * 200}}
        assert (await desk.ask("POST", path, RULE | large)).status == 201
        refused = await desk.ask("POST", path, RULE | large)
        assert (refused.status, refused.code) == (400, "ErrorRulesOverQuota")

    rehearse(act)


def test_read_only_rules_stay_as_they_are() -> None:
    async def act(desk: Desk) -> None:
        for number in range(200):
            path = f"{desk.user(number)}{PATH}"
            for rule in (await desk.get(path)).body["value"]:
                if rule["isReadOnly"]:
                    assert (await desk.ask("DELETE", f"{path}/{rule['id']}")).status == 403
                    assert (await desk.ask("PATCH", f"{path}/{rule['id']}", {"isEnabled": False})).status == 403
                    assert rule in (await desk.get(path)).body["value"]
                    return
        pytest.fail("the tenant has no read-only rule")

    rehearse(act)


@pytest.mark.parametrize(("role", "reads", "writes"), [
    ("MailboxSettings.ReadWrite", 200, 201), ("MailboxSettings.Read", 200, 403), ("Mail.ReadWrite", 403, 403),
])  # fmt: skip
def test_roles_open_rules(role: str, reads: int, writes: int) -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}{PATH}"
        assert (await desk.get(path)).status == reads
        assert (await desk.ask("POST", path, RULE)).status == writes

    rehearse(act, roles=(role,))


def test_a_tenant_has_rules_of_every_kind() -> None:
    """What an audit has to find: forwards of every way to every kind of address, intruders' folders, broken rules."""

    async def act(desk: Desk) -> None:
        rules = []
        for number in range(200):
            rules += (await desk.get(f"{desk.user(number)}{PATH}")).body["value"]
        assert {name for rule in rules for name in rule["actions"]} == ACTIONS.keys()
        assert len({name for rule in rules for name in rule.get("conditions", ())}) > 8
        told = [
            person["emailAddress"]["address"]
            for rule in rules
            for way in ("forwardTo", "redirectTo", "forwardAsAttachmentTo")
            for person in rule["actions"].get(way, ())
        ]
        assert {address.rpartition("@")[2].lower() for address in told} >= {
            "tenant.example", "mail.tenant.example", "tenant.example.attacker.example", "elsewhere.example", "",
        }  # fmt: skip
        assert any(address.startswith("/o=") for address in told)
        for name in ("isEnabled", "hasError", "isReadOnly"):
            assert {rule[name] for rule in rules} == {True, False}, name
        assert any("conditions" not in rule for rule in rules)
        assert any("exceptions" in rule for rule in rules)
        assert len({rule["id"] for rule in rules}) == len(rules)

    rehearse(act)


def test_documented_bodies_are_taken_and_answered() -> None:
    """The service's own example of a rule, made and then changed, in its answers' members and values."""

    async def act(desk: Desk) -> None:
        path = await empty(desk)
        wish = RULE | {
            "displayName": "From partner", "isEnabled": True, "conditions": {"senderContains": ["adele"]},
            "actions": {"forwardTo": [ADA], "stopProcessingRules": True},
        }  # fmt: skip
        made = (await desk.ask("POST", path, wish)).body
        assert made.items() >= {
            "displayName": "From partner", "sequence": 2, "isEnabled": True, "hasError": False, "isReadOnly": False,
            "conditions": {"senderContains": ["ADELE"]},
            "actions": {"forwardTo": [ADA], "stopProcessingRules": True},
        }.items()  # fmt: skip
        assert made["id"].startswith("AQAAA")

    rehearse(act)
