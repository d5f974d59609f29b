"""People around a user, computed and never changed; and who may read them."""

from bulkmail.sim.graph.kind import Kind, none
from bulkmail.sim.graph.table import roles

READ = roles("People.Read.All")
PERSON = Kind("people", "people", "#microsoft.graph.person", none, versioned=False)
