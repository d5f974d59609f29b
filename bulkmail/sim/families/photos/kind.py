"""The photo of a user, computed and never changed; and who may read it."""

from bulkmail.sim.graph.table import roles

READ = roles("ProfilePhoto.Read.All ProfilePhoto.ReadWrite.All User.Read.All User.ReadBasic.All User.ReadWrite.All")
