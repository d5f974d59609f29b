"""Who may read groups and their members."""

from bulkmail.sim.graph.table import roles

READ = roles(
    "GroupMember.ReadBasic.All GroupMember.Read.All GroupMember.ReadWrite.All Group.Read.All Group.ReadWrite.All "
    "Directory.Read.All Directory.ReadWrite.All"
)
