"""Who may read and change applications, and what is fixed about them.

learn.microsoft.com/graph/api/application-post-applications, serviceprincipal-post-serviceprincipals and
serviceprincipal-post-approleassignments
"""

from bulkmail.sim.graph.table import roles

READ = roles("Application.Read.All Application.ReadWrite.All Directory.Read.All Directory.ReadWrite.All")
WRITE = roles("Application.ReadWrite.All Directory.ReadWrite.All")
GRANT = roles("AppRoleAssignment.ReadWrite.All")
TENANT = READ | roles("Organization.Read.All User.Read.All User.ReadBasic.All")

GRAPH_APP = "00000003-0000-0000-c000-000000000000"
WRITABLE = frozenset({"displayName", "keyCredentials", "requiredResourceAccess", "signInAudience", "tags", "notes"})
"""Properties of an application that the simulator keeps; what else is written is taken, and not kept."""

LAG = 2
"""Requests that name a new application before the rest of the directory knows it."""
