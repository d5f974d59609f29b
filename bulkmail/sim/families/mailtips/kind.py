"""The tips that can be asked for, and who may ask."""

from bulkmail.sim.graph.table import roles

READ = roles("Mail.Read Mail.ReadWrite MailTips.ReadBasic.All")
OPTIONS = (
    "automaticReplies", "mailboxFullStatus", "customMailTip", "externalMemberCount", "totalMemberCount",
    "maxMessageSize", "deliveryRestriction", "moderationStatus", "recipientScope", "recipientSuggestions",
)  # fmt: skip
MOST = 100  # addresses of one request
