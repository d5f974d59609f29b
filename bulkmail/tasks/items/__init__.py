"""Whole items of mailboxes, of every kind, as streams that lose nothing: exported, brought back, and compared."""

from bulkmail.tasks.items.export import items_export

TASKS = (items_export,)
