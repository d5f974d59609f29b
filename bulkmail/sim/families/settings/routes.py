"""`mailboxSettings`: the whole, one part of it, and PATCH with the service's rules and error codes."""

from copy import deepcopy

from bulkmail.sim.families.outlook.content import lacking
from bulkmail.sim.families.settings.checks import CHECKS, check_supported, check_texts
from bulkmail.sim.families.settings.content import context, packed, settings_in, settings_of
from bulkmail.sim.families.settings.kind import PARTS, READ, WRITE
from bulkmail.sim.graph.call import Answer, Call, bad_request
from bulkmail.sim.graph.odata import select
from bulkmail.sim.graph.table import Route
from bulkmail.sim.world import World


def read(world: World, call: Call) -> Answer:
    if "$select" not in call.options:
        return Answer(200, packed(world, call.user, call.base))
    chosen = select(settings_of(world, call.user), call.options, ())
    return Answer(200, {"@odata.context": context(world, call.user, call.base)} | chosen)


def read_part(world: World, call: Call) -> Answer:
    """A complex property comes as itself, a simple one under `value`."""
    name = next((part for part in PARTS if part.lower() == call.keys[1].lower()), "")
    if not name:
        raise bad_request(f"Resource not found for the segment '{call.keys[1][:80]}'.")
    value = settings_of(world, call.user)[name]
    told = f"{context(world, call.user, call.base)}/{name}"
    return Answer(body={"@odata.context": told} | (value if isinstance(value, dict) else {"value": value}))


def patch(world: World, call: Call) -> Answer:
    """Answers with the changed properties only. Nothing is changed unless all of it can be."""
    wanted = {name: value for name, value in call.json().items() if not name.startswith("@")}
    if not wanted or not wanted.keys() <= CHECKS.keys():
        raise bad_request("The OData request is not supported.", "ErrorInvalidRequest")
    before = settings_of(world, call.user)
    changed = {name: CHECKS[name](deepcopy(before[name]), value) for name, value in wanted.items()}
    check_supported(changed, lacking(world.tenant.seed, call.user))
    if world.settings.strict_replies and "automaticRepliesSetting" in changed:
        check_texts(changed["automaticRepliesSetting"])
    settings_in(world.mailboxes.write(call.user)).update(changed)
    return Answer(body={"@odata.context": context(world, call.user, call.base)} | changed)


ROUTES = (
    Route("GET", "/users/{}/mailboxSettings", read, READ),
    Route("PATCH", "/users/{}/mailboxSettings", patch, WRITE),
    Route("GET", "/users/{}/mailboxSettings/{}", read_part, READ),
)
