"""What a task is: its declaration, and what is common to those that change mailboxes. Knows no task by name."""
