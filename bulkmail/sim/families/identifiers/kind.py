"""The forms of ids that can be translated, and who may ask."""

from bulkmail.sim.graph.table import roles

READ = roles("User.Read.All User.ReadWrite.All")
MOST = 1000  # ids of one request
FORMS = ("restId", "restImmutableEntryId")
"""Those of the five documented ones that the simulator gives things."""
