"""`/domains`: all of the tenant's, on one page."""

from bulkmail.sim.families.domains.content import domains
from bulkmail.sim.families.domains.kind import READ
from bulkmail.sim.graph.call import Answer, Call
from bulkmail.sim.graph.odata import select
from bulkmail.sim.graph.table import Route
from bulkmail.sim.world import World


def listing(_world: World, call: Call) -> Answer:
    rows = [select(one, call.options) for one in domains()]
    return Answer(200, {"@odata.context": f"{call.base}/$metadata#domains", "value": rows})


ROUTES = (Route("GET", "/domains", listing, READ, "directory"),)
