"""What every resource of Graph has in common: routes, calls and answers, query options, batches, items, deltas."""
