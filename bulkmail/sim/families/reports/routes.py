"""Usage reports: a redirect to a pre-signed address, and the CSV that is found there."""

import secrets

from bulkmail.sim.families.reports.content import lines
from bulkmail.sim.families.reports.kind import PERIODS, READ
from bulkmail.sim.graph.call import Answer, Call, Refusal, bad_request
from bulkmail.sim.graph.table import NOBODY, Route
from bulkmail.sim.world import World


def mailbox_usage(world: World, call: Call) -> Answer:
    days = PERIODS.get(call.keys[0].upper())
    if days is None:
        raise bad_request("The period is not valid; use D7, D30, D90 or D180.")
    name = secrets.token_urlsafe(24)
    world.links[name] = days
    location = f"{world.signed}/_reports/{name}"
    return Answer(302, b"", {"Location": location, "Content-Type": "text/plain"})


def told(world: World, call: Call) -> Answer:
    days = world.links.get(call.keys[0])
    if days is None:
        raise Refusal(404, "NotFound", "The address of the report has expired.")
    return Answer(200, lines(world, days), {"Content-Type": "application/octet-stream"})


ROUTES = (Route("GET", "/reports/getMailboxUsageDetail/{}", mailbox_usage, READ, "other"),)
SIGNED = (Route("GET", "/_reports/{}", told, NOBODY, "signed"),)
