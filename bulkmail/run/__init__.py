"""One run: mailboxes in, outcomes and rows out."""
