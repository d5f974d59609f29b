"""Contacts: a shared list kept in a folder of each mailbox."""

from bulkmail.tasks.contacts.sync import contacts_sync

TASKS = (contacts_sync,)
