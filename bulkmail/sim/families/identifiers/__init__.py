"""Ids of things in a mailbox, and their other forms."""

from bulkmail.sim.families.identifiers.routes import ROUTES
from bulkmail.sim.graph.family import Family

FAMILY = Family(ROUTES)
