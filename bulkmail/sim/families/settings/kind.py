"""The parts of `mailboxSettings`, the values that they take, and who may read and change them."""

from collections.abc import Mapping

from bulkmail.sim.graph.table import roles

READ = roles("MailboxSettings.Read MailboxSettings.ReadWrite")
WRITE = roles("MailboxSettings.ReadWrite")
PARTS = (
    "archiveFolder", "automaticRepliesSetting", "dateFormat", "delegateMeetingMessageDeliveryOptions", "language",
    "timeFormat", "timeZone", "userPurpose", "workingHours",
)  # fmt: skip
ENUMS: Mapping[str, tuple[str, ...]] = {
    "status": ("disabled", "alwaysEnabled", "scheduled"),
    "externalAudience": ("none", "contactsOnly", "all"),
    "delegateMeetingMessageDeliveryOptions": (
        "sendToDelegateAndInformationToPrincipal",
        "sendToDelegateAndPrincipal",
        "sendToDelegateOnly",
    ),
}
DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
