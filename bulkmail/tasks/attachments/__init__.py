"""What is attached to messages: saved as files, and taken out of the messages once it is saved."""

from bulkmail.tasks.attachments.save import attachments_save
from bulkmail.tasks.attachments.strip import attachments_strip

TASKS = (attachments_save, attachments_strip)
