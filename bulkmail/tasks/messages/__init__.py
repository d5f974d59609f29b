"""Messages: found, taken away and given back, moved, put into categories and marked."""

from bulkmail.tasks.messages.find import messages_find

TASKS = (messages_find,)
