"""Mail: letters that mailboxes send."""

from bulkmail.tasks.mail.send import mail_send

TASKS = (mail_send,)
