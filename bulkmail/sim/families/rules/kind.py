"""Inbox rules, as a kind of thing in a mailbox: what they are made of, and who may read and change them."""

from collections.abc import Mapping

from bulkmail.sim.families.rules.content import rules
from bulkmail.sim.graph.kind import Kind
from bulkmail.sim.graph.table import roles

READ = roles("MailboxSettings.Read MailboxSettings.ReadWrite")
WRITE = roles("MailboxSettings.ReadWrite")
RULE = Kind("rules", "mailFolders('inbox')/messageRules", "#microsoft.graph.messageRule", rules, versioned=False)

IMPORTANCE = ("low", "normal", "high")
SENSITIVITY = ("normal", "personal", "private", "confidential")
FLAGS = (
    "any", "call", "doNotForward", "followUp", "fyi", "forward", "noResponseNecessary", "read", "reply", "replyToAll",
    "review",
)  # fmt: skip

_TEXTS = "bodyContains bodyOrSubjectContains categories headerContains recipientContains senderContains subjectContains"
_SWITCHES = (
    "hasAttachments isApprovalRequest isAutomaticForward isAutomaticReply isEncrypted isMeetingRequest "
    "isMeetingResponse isNonDeliveryReport isPermissionControlled isReadReceipt isSigned isVoicemail notSentToMe "
    "sentCcMe sentOnlyToMe sentToMe sentToOrCcMe"
)
PREDICATES: Mapping[str, str | tuple[str, ...]] = {  # name -> the form of its value, or the values that there are
    **dict.fromkeys(_TEXTS.split(), "texts"),
    **dict.fromkeys(_SWITCHES.split(), "switch"),
    "fromAddresses": "recipients",
    "sentToAddresses": "recipients",
    "importance": IMPORTANCE,
    "sensitivity": SENSITIVITY,
    "messageActionFlag": FLAGS,
    "withinSizeRange": "sizes",
}
ACTIONS: Mapping[str, str | tuple[str, ...]] = {
    "assignCategories": "texts",
    "copyToFolder": "folder",
    "delete": "switch",
    "forwardAsAttachmentTo": "recipients",
    "forwardTo": "recipients",
    "markAsRead": "switch",
    "markImportance": IMPORTANCE,
    "moveToFolder": "folder",
    "permanentDelete": "switch",
    "redirectTo": "recipients",
    "stopProcessingRules": "switch",
}
