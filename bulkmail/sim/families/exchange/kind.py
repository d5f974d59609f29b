"""Who may list, export and import the items of a mailbox, and how Exchange's own interface names the mailbox."""

from bulkmail.sim.graph.table import roles
from bulkmail.sim.world import World

FOLDERS = roles("MailboxFolder.Read.All MailboxFolder.ReadWrite.All")
CHANGE_FOLDERS = roles("MailboxFolder.ReadWrite.All")
ITEMS = roles("MailboxItem.Read.All MailboxItem.ReadWrite.All")
CHANGE_ITEMS = roles("MailboxItem.ReadWrite.All")
EXPORT = roles("MailboxItem.Export.All MailboxItem.ImportExport.All")
IMPORT = roles("MailboxItem.ImportExport.All")
SETTINGS = roles("User.Read.All User.ReadWrite.All Directory.Read.All")


def mailbox_id(world: World, user: int) -> str:
    return f"MBX:{world.tenant.guid(user)}@{world.tenant.id}"
