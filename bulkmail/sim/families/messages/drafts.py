"""Messages as they are written and rewritten: what a request may say of one, and what comes with it."""

from typing import Any
from uuid import uuid4

from bulkmail.sim.families.folders.content import DRAFTS
from bulkmail.sim.families.folders.routes import folder_of
from bulkmail.sim.families.messages.content import blank_message
from bulkmail.sim.families.messages.enclosures import enclosure
from bulkmail.sim.families.messages.kind import ATTACHMENT, MESSAGE, WRITE
from bulkmail.sim.families.messages.reading import FOLDERS, message_of
from bulkmail.sim.graph.call import Answer, Call, Json, bad_request
from bulkmail.sim.graph.items import arrival, known, merge_extended, one, patch, stamp
from bulkmail.sim.graph.table import Route
from bulkmail.sim.tenant.mailbox import Mailbox
from bulkmail.sim.tenant.people import DOMAIN
from bulkmail.sim.tenant.store import Item
from bulkmail.sim.witness.marks import EXTENDED, key_of
from bulkmail.sim.world import World

ANY_TIME: Json = {  # what may be changed on a message that is not a draft
    "categories": [], "flag": {}, "isRead": True, "importance": "", "inferenceClassification": "",
    "isDeliveryReceiptRequested": True, "isReadReceiptRequested": True, EXTENDED: [],
}  # fmt: skip
DRAFT_ONLY: Json = {
    "subject": "", "body": {"content": ""}, "toRecipients": [], "ccRecipients": [], "bccRecipients": [], "replyTo": [],
    "internetMessageId": "", "sender": {}, "from": {}, "internetMessageHeaders": [],
    "multiValueExtendedProperties": [],
}  # fmt: skip
NEW: Json = ANY_TIME | DRAFT_ONLY | {"attachments": []}
RECIPIENTS = frozenset({"toRecipients", "ccRecipients", "bccRecipients", "replyTo"})
HEADERS = 5  # of the client's own, in one message


def new_message(body: Json) -> Json:
    """A message's properties out of a request's, its attachments among them. Raises Refusal."""
    props = _checked(body, NEW)
    props["attachments"] = [enclosure(part) for part in props.get("attachments", ())]
    blank = blank_message(stamp()) | {"isRead": True, "bytes": 2000 + len(str(body))}
    blank["internetMessageId"] = f"<{uuid4()}@{DOMAIN}>"
    return blank | props | {"hasAttachments": bool(props["attachments"])}


def keep(call: Call, mailbox: Mailbox, props: Json, folder: int, due: float = 0.0) -> Item:
    """Puts a new message into a folder, and what is attached to it where attachments are kept."""
    enclosed = props.pop("attachments")
    item = MESSAGE.of(mailbox).add(props, folder, due)
    for row in enclosed:
        ATTACHMENT.of(mailbox).add(row, item.number)
    call.key = key_of(props)
    return item


def draft(world: World, call: Call) -> Answer:
    folder = folder_of(world, call, call.keys[1]).number if len(call.keys) > 1 else DRAFTS
    props = new_message(call.json())
    return one(world, call, MESSAGE, keep(call, world.mailboxes.write(call.user), props, folder, arrival(call)), 201)


def change(world: World, call: Call) -> Answer:
    item = message_of(world, call)
    props = _checked(call.json(), ANY_TIME | DRAFT_ONLY)
    if not item.props["isDraft"] and props.keys() & DRAFT_ONLY.keys():
        name = min(props.keys() & DRAFT_ONLY.keys())
        raise bad_request(f"The property '{name}' can be changed on drafts only.", "ErrorInvalidPropertySet")
    props = merge_extended(item.props, props) | {"lastModifiedDateTime": stamp()}
    return patch(world, call, MESSAGE, item, props)


def _checked(body: Json, examples: Json) -> Json:
    props = known(body, examples, "microsoft.graph.message")
    _check_headers(props.get("internetMessageHeaders", ()))
    for name in RECIPIENTS & props.keys():
        props[name] = [_named(recipient) for recipient in props[name]]
    if "body" in props:
        props["body"] = {"contentType": "text", "content": ""} | props["body"]
        if not isinstance(props["body"]["content"], str):
            raise bad_request("The property 'content' has a value that cannot be read.", "RequestBodyRead")
        props["bodyPreview"] = props["body"]["content"][:255]
    return props


def _named(recipient: Any) -> Any:
    """A recipient without a name is called by the address."""
    inner = recipient.get("emailAddress") if isinstance(recipient, dict) else None
    if not isinstance(inner, dict) or "address" not in inner:
        return recipient
    return {"emailAddress": {"name": inner["address"], **inner}}


def _check_headers(headers: Any) -> None:
    """Only names that begin with x-, and a handful of them."""
    if len(headers) > HEADERS:
        text = f"Maximum number of headers in one message should be less than or equal to {HEADERS}."
        raise bad_request(text, "InvalidInternetMessageHeaderCollection")
    for header in headers:
        name, value = (header.get("name"), header.get("value")) if isinstance(header, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(value, str) or not name.lower().startswith("x-"):
            text = f"The internet message header name '{str(name)[:60]}' should start with 'x-' or 'X-'."
            raise bad_request(text, "InvalidInternetMessageHeader")


ROUTES = (
    Route("POST", "/users/{}/messages", draft, WRITE),
    Route("POST", FOLDERS, draft, WRITE),
    Route("PATCH", "/users/{}/messages/{}", change, WRITE),
    Route("PATCH", FOLDERS + "/{}", change, WRITE),
)
