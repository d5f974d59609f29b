"""Messages and their attachments, as kinds of things in a mailbox, and who may read, change and send them."""

from bulkmail.sim.families.folders.kind import FOLDER
from bulkmail.sim.families.messages.content import messages
from bulkmail.sim.graph.kind import Kind, none
from bulkmail.sim.graph.table import roles

BASIC = roles("Mail.ReadBasic.All Mail.ReadBasic Mail.Read Mail.ReadWrite")
READ = roles("Mail.Read Mail.ReadWrite")
WRITE = roles("Mail.ReadWrite")
SEND = roles("Mail.Send")
MESSAGE = Kind("messages", "messages", "#microsoft.graph.message", messages, 2, parents=FOLDER.ids)
ATTACHMENT = Kind("attachments", "attachments", "#microsoft.graph.fileAttachment", none, 8, versioned=False)
"""Those of all messages: the parent is the number of the message. Those that came with one are not in the store."""
