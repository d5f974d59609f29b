"""Inbox rules, as a kind of thing in a mailbox, and who may read and change them."""

from bulkmail.sim.families.rules.content import rules
from bulkmail.sim.graph.kind import Kind
from bulkmail.sim.graph.table import roles

READ = roles("MailboxSettings.Read MailboxSettings.ReadWrite")
WRITE = roles("MailboxSettings.ReadWrite")
RULE = Kind("rules", "mailFolders('inbox')/messageRules", "#microsoft.graph.messageRule", rules, 7, versioned=False)
