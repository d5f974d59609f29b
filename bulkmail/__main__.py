"""`python -m bulkmail` is `bulkmail`."""

from bulkmail.cli import main

main()
