"""What a mailbox may be set to: languages and time zones."""

from bulkmail.sim.families.outlook.routes import ROUTES
from bulkmail.sim.graph.family import Family

FAMILY = Family(ROUTES)
