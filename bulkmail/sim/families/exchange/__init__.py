"""Mailbox import and export."""

from bulkmail.sim.families.exchange.exports import streams
from bulkmail.sim.families.exchange.imports import IMPORTED, SIGNED, imported
from bulkmail.sim.families.exchange.routes import ROUTES
from bulkmail.sim.graph.family import Family

FAMILY = Family(ROUTES, uses=("folders", "messages"), signed=SIGNED, views={"streams": streams, IMPORTED: imported})
