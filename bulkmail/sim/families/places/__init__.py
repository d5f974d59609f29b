"""Rooms, and the lists that they are in."""

from bulkmail.sim.families.places.routes import ROUTES
from bulkmail.sim.graph.family import Family

FAMILY = Family(ROUTES)
