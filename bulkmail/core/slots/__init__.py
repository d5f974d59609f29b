"""Who is next: the slots, budgets and fences of each mailbox. Decides at once, and is told the time."""
