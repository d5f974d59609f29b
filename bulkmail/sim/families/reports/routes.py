"""Usage reports: a redirect to a pre-signed address, and the CSV that is found there."""

import re
import secrets

from bulkmail.sim.families.reports.content import lines
from bulkmail.sim.families.reports.kind import BY_DATE, COLUMNS, PERIODS, READ
from bulkmail.sim.graph.call import Answer, Call, Refusal, bad_request
from bulkmail.sim.graph.table import KEYED, Route
from bulkmail.sim.world import World

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
NAMES = {name.lower(): name for name in COLUMNS}


def report(world: World, call: Call) -> Answer:
    """The address of the report that the path names, of a period or, where the report has that, of one day."""
    name = NAMES[call.pattern.split("/")[2].lower()]
    days = PERIODS.get(call.keys[0].upper())
    if name in BY_DATE and _DATE.fullmatch(call.keys[0]):
        days = 0
    if days is None:
        raise bad_request("The period is not valid; use D7, D30, D90 or D180.")
    token = secrets.token_urlsafe(24)
    world.links[token] = (name, days)
    return Answer(302, b"", {"Location": f"{world.signed}/_reports/{token}", "Content-Type": "text/plain"})


def told(world: World, call: Call) -> Answer:
    found = world.links.get(call.keys[0])
    if not isinstance(found, tuple):
        raise Refusal(404, "NotFound", "The address of the report has expired.")
    return Answer(200, lines(world, *found), {"Content-Type": "application/octet-stream"})


ROUTES = tuple(Route("GET", f"/reports/{name}/{{}}", report, READ, "other") for name in COLUMNS)
SIGNED = (Route("GET", "/_reports/{}", told, KEYED, "signed"),)
