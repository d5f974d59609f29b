"""Everything that can be asked of messages."""

from bulkmail.sim.families.messages import attachments, drafts, reading, sending

ROUTES = reading.ROUTES + drafts.ROUTES + sending.ROUTES + attachments.ROUTES
