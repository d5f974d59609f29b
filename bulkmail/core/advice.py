"""What to do about the refusals that administrators meet: a table by the service's code. Decides nothing.

Codes and meanings: learn.microsoft.com/graph/errors, the ResponseCode of Exchange web services
(learn.microsoft.com/exchange/client-developer), and issue threads of microsoftgraph/microsoft-graph-docs and the SDKs.
"""

from collections.abc import Mapping

from bulkmail.errors import SignInError

ABSENT: Mapping[str, str] = {
    "MailboxNotEnabledForRESTAPI": "A guest, a user without a licence, or a mailbox on premises or inactive: there is "
    "nothing to do, unless it should have one.",
    "MailboxNotSupportedForRESTAPI": "A mailbox on premises, or of a kind that Graph does not serve.",
    "MailboxNotHostedInExchangeOnline": "The mailbox is on premises: Graph reaches it once it is migrated.",
    "ResourceNotFound": "No mailbox could be found for it: a user without a licence, or one that was just created.",
    "Request_ResourceNotFound": "The directory has no such user: look at the address, or whether it was deleted.",
    "ErrorInvalidUser": "The address resolves to no one: look at its spelling, or at when the user was deleted.",
    "ErrorNonExistentMailbox": "The address has no mailbox: a licence may be missing, or the mailbox was removed.",
    "ErrorMissingEmailAddress": "The user has no mail address, and so no mailbox.",
}
"""404s that mean that there is no mailbox, and what that may come from. Any other 404 is about something inside it."""

_OTHERS: Mapping[str, str] = {
    "OrganizationFromTenantGuidNotFound": "The tenant has no Exchange Online: it needs a licence with it (a new one "
    "takes hours to be felt). The certificate and the registration are fine; or app.tenant_id names the wrong tenant.",
    "NotAsPlanned": "It was changed since it was planned, and left alone: plan once more and look at the difference.",
    "UnknownError": "A mailbox on premises of a hybrid tenant often answers so; take it off the list, or migrate it.",
    "InvalidAuthenticationToken": "Check the clock, and that app.cloud, app.tenant_id and the endpoints fit.",
    "AuthenticationError": "Check the clock, and that app.cloud, app.tenant_id and the endpoints fit.",
    "ErrorAccessDenied": "The application may not touch this mailbox: its role in Exchange or an application access "
    "policy leaves it out, or the permission has no admin consent. A change takes up to two hours to be felt.",
    "Authorization_RequestDenied": "A permission of the directory is missing, such as User.ReadBasic.All: add it as an "
    "application permission and grant admin consent.",
    "Authorization_IdentityNotFound": "The application is not in this tenant: create its service principal "
    "(az ad sp create --id CLIENT_ID), or check app.tenant_id.",
    "accessDenied": "The application may not do this: look at its permissions, or at a policy of the tenant.",
    "AccessDenied": "The application may not do this: look at its permissions, or at a policy of the tenant.",
    "ErrorSendAsDenied": "The sender may not send in that name: mail.send takes the mailbox itself, or grant Send As.",
    "ErrorItemNotFound": "Something in the mailbox went away meanwhile: run the mailbox again.",
    "ErrorFolderNotFound": "A folder went away meanwhile: run the mailbox again.",
    "FolderNotUnique": "Two contact folders have the job's name: rename or remove the one that is not bulkmail's.",
    "ErrorFolderExists": "A folder of that name was made meanwhile: run the mailbox again.",
    "ErrorIrresolvableConflict": "Someone else changed the same thing at the same time, again and again: run it again.",
    "ErrorQuotaExceeded": "The mailbox is full: archive or delete something, or raise its quota.",
    "ErrorMessageSizeExceeded": "The message is larger than the mailbox may send or receive.",
    "ErrorExceededMessageLimit": "The mailbox has sent as many messages as it may in a day: run it again tomorrow.",
    "ErrorMessageSubmissionBlocked": "The mailbox may not send any more, often because it was taken for a source of "
    "spam: see Restricted entities in the Defender portal.",
    "ErrorInvalidRecipients": "A recipient is not an address that the service takes: see to and suppress.",
    "ErrorMailboxMoveInProgress": "The mailbox is being moved: run it again when that is done.",
    "ErrorMailboxStoreUnavailable": "The mailbox cannot be reached for the moment: run it again later.",
    "MailboxInfoStale": "The mailbox is moving. If it stays so, give its directory id in the list beside the address.",
    "ErrorInternalServerTransientError": "A fault of the service: run it again later.",
    "InvalidTimeZone": "There is no such time zone: write a Windows or an IANA name, such as W. Europe Standard Time.",
    "ErrorInvalidTimeSettings": "The end of the working hours is before their start.",
    "RequestBodyRead": "The service does not take a value in this form: see the message in failed.csv.",
    "ErrorPropertyValidationFailure": "The service does not take a value, often for its length: see failed.csv.",
    "TooManyRequests": "The service was asked too often; the waits say which limit it was.",
    "ApplicationThrottled": "The mailbox was asked too often: run no second program with the same application.",
    "ThrottledOut": "The service asked for a longer wait than limits.max_wait: run the mailbox again later.",
    "OutcomeUnknown": "Its answer was lost, so whether it was done is not known: look there before it is done again.",
    "Unreachable": "Nothing could be sent: look at the network, the proxy and the firewall.",
    "InputError": "The list or the job has for them what cannot be used: the message in failed.csv says what.",
    "TaskError": "A mistake in the task: its author should see the log.",
    "404": "A 404 without a code: whether the mailbox or something in it is missing is open.",
}

ADVICE: Mapping[str, str] = {**ABSENT, **_OTHERS}
"""Code to what to do."""

UNKNOWN_404 = "bulkmail does not know this 404: whether the mailbox or something in it is missing is open"

_MISMATCH = "Check that cloud, tenant and Graph endpoint belong together, and that the application is enabled."


def token_refused(code: str, message: str) -> SignInError:
    """The error for a token that Graph does not take, whichever mailbox is asked for."""
    said = ": ".join(part for part in (code, message) if part) or "no reason given"
    return SignInError(f"Graph refuses the token: {said}", hint=ADVICE.get(code, _MISMATCH), code=code)
