"""Domains of the tenant: who may read them. learn.microsoft.com/graph/api/domain-list"""

from bulkmail.sim.graph.table import roles

READ = roles("Domain.Read.All Domain.ReadWrite.All Directory.Read.All")
