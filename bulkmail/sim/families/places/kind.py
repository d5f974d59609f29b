"""Rooms and room lists of the tenant: sizes of pages, and who may read them."""

from bulkmail.sim.graph.table import roles

READ = roles("Place.Read.All Place.ReadWrite.All")
PAGE, MOST = 100, 1000
LISTS = ("Harbour", "Orchard")  # each room is in one of them
