"""Everything that can be asked of messages."""

from bulkmail.sim.families.messages import attachments, drafts, reading, replies, sending, uploads

ROUTES = reading.ROUTES + drafts.ROUTES + sending.ROUTES + replies.ROUTES + attachments.ROUTES + uploads.ROUTES
