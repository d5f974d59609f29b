"""Mail folders."""

from bulkmail.sim.families.folders.kind import FOLDER
from bulkmail.sim.families.folders.routes import ROUTES, WAYS
from bulkmail.sim.graph.family import Family

FAMILY = Family(ROUTES, (FOLDER,), ways=WAYS)
