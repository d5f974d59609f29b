"""The choices that a mailbox has, and who may read them."""

from bulkmail.sim.graph.table import roles

READ = roles("User.Read.All User.ReadBasic.All User.ReadWrite.All")
STANDARDS = ("windows", "iana")  # of the names of time zones
