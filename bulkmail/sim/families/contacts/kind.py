"""Contacts and their folders, as kinds of things in a mailbox, and who may read and change them."""

from bulkmail.sim.families.contacts.content import contact_folders, contacts
from bulkmail.sim.graph.kind import Kind
from bulkmail.sim.graph.table import roles

READ = roles("Contacts.Read Contacts.ReadWrite")
WRITE = roles("Contacts.ReadWrite")
FOLDER = Kind(
    "contact_folders", "contactFolders", "#microsoft.graph.contactFolder", contact_folders, 4, steady=True, parents=4,
    versioned=False,
)  # fmt: skip
CONTACT = Kind("contacts", "contacts", "#microsoft.graph.contact", contacts, 3, parents=FOLDER.ids)
