"""Contacts and contact folders."""

from bulkmail.sim.families.contacts.kind import CONTACT, FOLDER
from bulkmail.sim.families.contacts.routes import ROUTES, WAYS
from bulkmail.sim.graph.family import Family

FAMILY = Family(ROUTES, (FOLDER, CONTACT), ways=WAYS)
