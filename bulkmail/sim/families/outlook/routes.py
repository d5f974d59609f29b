"""`outlook/supportedLanguages` and `outlook/supportedTimeZones`, these by either standard of names."""

from bulkmail.sim.families.outlook.content import languages, time_zones
from bulkmail.sim.families.outlook.kind import READ, STANDARDS
from bulkmail.sim.graph.call import Answer, Call, Json, bad_request
from bulkmail.sim.graph.table import Route
from bulkmail.sim.world import World


def _answer(call: Call, kind: str, rows: list[Json]) -> Answer:
    return Answer(200, {"@odata.context": f"{call.base}/$metadata#Collection(microsoft.graph.{kind})", "value": rows})


def all_languages(world: World, call: Call) -> Answer:
    return _answer(call, "localeInfo", languages(world.tenant.seed, call.user))


def all_zones(world: World, call: Call) -> Answer:
    standard = call.keys[1].lower() if len(call.keys) > 1 else "windows"
    if standard not in STANDARDS:
        raise bad_request("The time zone standard is Windows or Iana.", "ErrorInvalidParameter")
    return _answer(call, "timeZoneInformation", time_zones(standard, world.tenant.seed, call.user))


PATH = "/users/{}/outlook"
ROUTES = (
    Route("GET", PATH + "/supportedLanguages", all_languages, READ),
    Route("GET", PATH + "/supportedTimeZones", all_zones, READ),
    Route("GET", PATH + "/supportedTimeZones/{}", all_zones, READ),
)
