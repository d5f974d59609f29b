"""Whole items of mailboxes, of every kind, as streams that lose nothing: exported, brought back, and compared."""

from bulkmail.tasks.items.export import items_export
from bulkmail.tasks.items.imports import items_import
from bulkmail.tasks.items.verify import items_verify

TASKS = (items_export, items_import, items_verify)
