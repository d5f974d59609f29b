"""The settings of a mailbox."""

from bulkmail.sim.families.settings.content import settings_in
from bulkmail.sim.families.settings.routes import ROUTES
from bulkmail.sim.graph.family import Family

FAMILY = Family(ROUTES, uses=("folders", "outlook"), views={"settings": lambda mailbox: [settings_in(mailbox)]})
