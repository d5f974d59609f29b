"""Inbox rules."""

from bulkmail.sim.families.rules.kind import RULE
from bulkmail.sim.families.rules.routes import ROUTES
from bulkmail.sim.graph.family import Family

FAMILY = Family(ROUTES, (RULE,), uses=("folders",))
