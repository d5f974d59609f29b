"""Relations of users, computed and never changed; and who may read them."""

from bulkmail.sim.graph.table import roles

MEMBERS = roles("Directory.Read.All Directory.ReadWrite.All Group.ReadBasic.All GroupMember.ReadBasic.All")
REPORTS = roles("User.Read.All User.ReadWrite.All Directory.Read.All Directory.ReadWrite.All")
LICENCES = roles("LicenseAssignment.Read.All User.Read.All Directory.Read.All Directory.ReadWrite.All")
