"""Inbox rules. PATCH replaces whole `conditions` and `actions`; read-only ones stay as they are."""

from bulkmail.sim.families.rules.kind import READ, RULE, WRITE
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request
from bulkmail.sim.graph.items import create, delete, find, known, listing, one, patch
from bulkmail.sim.graph.table import Route
from bulkmail.sim.tenant.store import Item
from bulkmail.sim.world import World

PROPERTIES: Json = {
    "displayName": "", "sequence": 0, "isEnabled": True, "hasError": True, "isReadOnly": True, "conditions": {},
    "actions": {}, "exceptions": {},
}  # fmt: skip


def _inbox_only(call: Call) -> None:
    if call.keys[1].lower() != "inbox":
        raise bad_request("Rules are only in the inbox.", "ErrorInvalidRequest")


def _rule(world: World, call: Call) -> Item:
    _inbox_only(call)
    return find(world, call, RULE, call.keys[2])


def _changeable(item: Item) -> Item:
    if item.props["isReadOnly"]:
        raise Refusal(403, "ErrorAccessDenied", "The rule is read-only and cannot be changed by the API.")
    return item


def all_rules(world: World, call: Call) -> Answer:
    _inbox_only(call)
    return listing(world, call, RULE, RULE.of(world.mailboxes.read(call.user)))


def read(world: World, call: Call) -> Answer:
    return one(world, call, RULE, _rule(world, call))


def add(world: World, call: Call) -> Answer:
    _inbox_only(call)
    props = _checked(call.json())
    if not {"displayName", "sequence", "actions"} <= props.keys() or not props["actions"]:
        raise bad_request("A rule needs displayName, sequence and actions.", "ErrorInvalidRequest")
    blank: Json = {"isEnabled": True, "hasError": False, "isReadOnly": False, "conditions": {}}
    return create(world, call, RULE, blank | props, 0)


def change(world: World, call: Call) -> Answer:
    return patch(world, call, RULE, _changeable(_rule(world, call)), _checked(call.json()))


def remove(world: World, call: Call) -> Answer:
    return delete(world, call, RULE, _changeable(_rule(world, call)))


def _checked(body: Json) -> Json:
    return known(body, PROPERTIES, "microsoft.graph.messageRule")


PATH = "/users/{}/mailFolders/{}/messageRules"
ROUTES = (
    Route("GET", PATH, all_rules, READ),
    Route("POST", PATH, add, WRITE),
    Route("GET", PATH + "/{}", read, READ),
    Route("PATCH", PATH + "/{}", change, WRITE),
    Route("DELETE", PATH + "/{}", remove, WRITE),
)
