"""Mail folders, as a kind of thing in a mailbox, and who may read and change them."""

from bulkmail.sim.families.folders.content import folders
from bulkmail.sim.graph.kind import Kind
from bulkmail.sim.graph.table import roles

READ = roles("Mail.ReadBasic.All Mail.ReadBasic Mail.Read Mail.ReadWrite")
WRITE = roles("Mail.ReadWrite")
FOLDER = Kind(
    "folders", "mailFolders", "#microsoft.graph.mailFolder", folders, 1, steady=True, parents=1, versioned=False
)
