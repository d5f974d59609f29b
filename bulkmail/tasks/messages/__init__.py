"""Messages: found, taken away and given back, moved, put into categories and marked."""

from bulkmail.tasks.messages.categorise import messages_categorise
from bulkmail.tasks.messages.find import messages_find
from bulkmail.tasks.messages.mark import messages_mark
from bulkmail.tasks.messages.move import messages_move
from bulkmail.tasks.messages.purge import messages_purge

TASKS = (messages_find, messages_purge, messages_move, messages_categorise, messages_mark)
