"""Many processes work through one run: the only room that knows Dask, which starts them and connects them.

The coordinator is the process of a run alone: input, journal, ledger, alarm and stop are there, and nowhere else. A
worker has what a mailbox needs (a token, connections, limits) and runs the same sweep as a run alone, with ends that
lead to the coordinator in the places of its source, its writer and its ledger.
"""
