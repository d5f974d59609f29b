"""Messages: read, written, moved, sent, and what is attached to them."""

from bulkmail.sim.families.messages.delivery import deliver
from bulkmail.sim.families.messages.kind import ATTACHMENT, MESSAGE
from bulkmail.sim.families.messages.routes import ROUTES
from bulkmail.sim.families.messages.sending import sent, touched
from bulkmail.sim.families.messages.uploads import SIGNED
from bulkmail.sim.graph.family import Family

FAMILY = Family(
    ROUTES,
    (MESSAGE, ATTACHMENT),
    uses=("folders",),
    signed=SIGNED,
    views={"sent": sent, "touched": touched},
    changes={"deliver": deliver},
)
