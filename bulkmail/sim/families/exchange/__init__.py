"""Mailbox import and export."""

from bulkmail.sim.families.exchange.imports import SIGNED
from bulkmail.sim.families.exchange.routes import ROUTES
from bulkmail.sim.graph.family import Family

FAMILY = Family(ROUTES, uses=("folders", "messages"), signed=SIGNED)
