"""Categories of the master list, as a kind of thing in a mailbox, and who may read and change them."""

from bulkmail.sim.families.categories.content import categories
from bulkmail.sim.graph.kind import Kind
from bulkmail.sim.graph.table import roles

READ = roles("MailboxSettings.Read MailboxSettings.ReadWrite")
WRITE = roles("MailboxSettings.ReadWrite")
CATEGORY = Kind(
    "categories", "outlook/masterCategories", "#microsoft.graph.outlookCategory", categories, page=1000, versioned=False
)
