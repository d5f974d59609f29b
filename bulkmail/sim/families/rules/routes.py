"""Inbox rules: in order of sequence, each part replaced as a whole, read-only ones as they are."""

import orjson

from bulkmail.sim.families.folders.content import INBOX
from bulkmail.sim.families.folders.kind import FOLDER
from bulkmail.sim.families.folders.routes import folder_of
from bulkmail.sim.families.rules.checks import PARTS, checked
from bulkmail.sim.families.rules.content import rule_id
from bulkmail.sim.families.rules.kind import READ, RULE, WRITE
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request
from bulkmail.sim.graph.items import delete, find, one, page, whole
from bulkmail.sim.graph.table import Route
from bulkmail.sim.tenant.mailbox import Mailbox
from bulkmail.sim.tenant.store import Item, Store
from bulkmail.sim.world import World

QUOTA = 256 * 1024  # bytes of all rules of a mailbox
BLANK: Json = {"displayName": "", "sequence": 1, "isEnabled": True, "hasError": False, "isReadOnly": False}
NEEDED = ("displayName", "sequence", "actions")


def _mailbox(world: World, call: Call, *, write: bool = False) -> Mailbox:
    """Only the inbox has rules; it goes by its name or its id."""
    if folder_of(world, call, call.keys[1]).number != INBOX:
        raise bad_request("Rules are only in the inbox.", "ErrorInvalidRequest")
    return world.mailboxes.write(call.user) if write else world.mailboxes.read(call.user)


def _shown(mailbox: Mailbox, item: Item) -> Json:
    """A rule that moves mail to a folder that is not there any more is in error."""
    actions = item.props["actions"]
    targets = [actions[name] for name in ("moveToFolder", "copyToFolder") if name in actions]
    lost = any(FOLDER.of(mailbox).find(target) is None for target in targets)
    return whole(RULE, RULE.of(mailbox), item) | ({"hasError": True} if lost else {})


def all_rules(world: World, call: Call) -> Answer:
    mailbox = _mailbox(world, call)
    ordered = sorted(RULE.of(mailbox), key=lambda item: (item.props["sequence"], item.number))
    return page(world, call, RULE, ordered, row=lambda item: _shown(mailbox, item))


def _rule(world: World, call: Call) -> Item:
    _mailbox(world, call)
    return find(world, call, RULE, call.keys[2])


def _changeable(world: World, call: Call) -> Item:
    item = _rule(world, call)
    if item.props["isReadOnly"]:
        raise Refusal(403, "ErrorAccessDenied", "The rule is read-only and cannot be changed by the API.")
    return item


def _one(world: World, call: Call, item: Item, status: int = 200) -> Answer:
    answer = one(world, call, RULE, item, status)
    error = _shown(world.mailboxes.read(call.user), item)["hasError"]
    return Answer(status, answer.body | ({"hasError": error} if "hasError" in answer.body else {}))


def read(world: World, call: Call) -> Answer:
    return _one(world, call, _rule(world, call))


def _check_filled(props: Json) -> None:
    """What a rule cannot do without is not empty where it is named."""
    if not all(props[name] for name in NEEDED if name in props):
        raise bad_request("A rule needs displayName, sequence and actions.", "ErrorInvalidRequest")


def _check_quota(store: Store, props: Json, instead: Item | None = None) -> None:
    others = sum(len(orjson.dumps(item.props)) for item in store if item is not instead)
    if others + len(orjson.dumps(props)) > QUOTA:
        raise bad_request("The rules of this mailbox take more room than there is.", "ErrorRulesOverQuota")


def _make_room(store: Store, sequence: int, mine: Item | None = None) -> None:
    """A rule takes the place that it asks for: the one that had it, and those right behind it, move down by one."""
    taken = {item.props["sequence"]: item for item in store if item is not mine}
    while (item := taken.get(sequence)) is not None:
        sequence += 1
        store.change(item, {"sequence": sequence})


def add(world: World, call: Call) -> Answer:
    mailbox = _mailbox(world, call)
    props = checked(call.json(), mailbox)
    if not set(NEEDED) <= props.keys():
        raise bad_request("A rule needs displayName, sequence and actions.", "ErrorInvalidRequest")
    made = BLANK | _without_null_parts(props)
    _check_filled(props)
    _check_quota(RULE.of(mailbox), made)
    store = RULE.of(_mailbox(world, call, write=True))
    _make_room(store, made["sequence"])
    item = store.add(made, 0)
    item.props = {"id": rule_id(call.user, item.number)} | item.props
    return _one(world, call, item, 201)


def change(world: World, call: Call) -> Answer:
    """What is not named stays; conditions, exceptions and actions that are named are replaced as a whole."""
    item, mailbox = _changeable(world, call), _mailbox(world, call)
    props = checked(call.json(), mailbox)
    after = _without_null_parts(item.props | {"hasError": False} | props)
    _check_filled(props)
    _check_quota(RULE.of(mailbox), after, item)
    store = RULE.of(_mailbox(world, call, write=True))
    _make_room(store, after["sequence"], item)
    item.props = after
    store.change(item, {})
    return _one(world, call, item)


def _without_null_parts(props: Json) -> Json:
    return {name: value for name, value in props.items() if value is not None or name not in PARTS}


def remove(world: World, call: Call) -> Answer:
    return delete(world, call, RULE, _changeable(world, call))


PATH = "/users/{}/mailFolders/{}/messageRules"
ROUTES = (
    Route("GET", PATH, all_rules, READ),
    Route("POST", PATH, add, WRITE),
    Route("GET", PATH + "/{}", read, READ),
    Route("PATCH", PATH + "/{}", change, WRITE),
    Route("DELETE", PATH + "/{}", remove, WRITE),
)
