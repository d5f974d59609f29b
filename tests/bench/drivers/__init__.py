"""Ways to read the settings of many mailboxes: bulkmail's, and those that it is measured against.

Each is run as `python -m tests.bench.drivers.NAME '{"graph": …, "mailboxes": …}'` and prints one line of JSON: how many
mailboxes it has an answer for, and the seconds from its first request to its last line written.
"""
