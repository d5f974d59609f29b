"""Sending mail: directly, as MIME, or a draft. 202 says that it was taken, no more; the copy arrives when it is due."""

import base64
import binascii
from collections.abc import Iterator

from bulkmail.sim.families.folders.content import SENT
from bulkmail.sim.families.messages.drafts import keep, new_message
from bulkmail.sim.families.messages.kind import MESSAGE, SEND
from bulkmail.sim.families.messages.reading import FOLDERS, message_of
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request
from bulkmail.sim.graph.items import stamp
from bulkmail.sim.graph.table import Route
from bulkmail.sim.tenant.mailbox import Mailbox
from bulkmail.sim.tenant.people import recipient
from bulkmail.sim.witness.marks import key_of, row
from bulkmail.sim.world import World


def send(world: World, call: Call) -> Answer:
    if call.headers.get("content-type", "").lower().startswith("text/plain"):
        body: Json = {"message": _from_mime(call.body)}
    else:
        body = call.parameters()
    if not isinstance(body.get("message"), dict):
        raise bad_request("The message is missing.", "ErrorInvalidRequest")
    return send_out(world, call, new_message(body["message"]), saved=bool(body.get("savetosentitems", True)))


def send_out(world: World, call: Call, props: Json, *, saved: bool) -> Answer:
    """Sends a new message; `saved` puts a copy into Sent Items, when it is due."""
    _check_recipients(props)
    due = call.now + _held(world, call)
    call.key = key_of(props)
    if saved:
        mailbox = world.mailboxes.write(call.user)
        keep(call, mailbox, props | _gone_out(mailbox.address), SENT, due)
    return Answer(202)


def send_draft(world: World, call: Call) -> Answer:
    item = message_of(world, call)
    if not item.props["isDraft"]:
        raise bad_request("The message is not a draft.", "ErrorInvalidRequest")
    _check_recipients(item.props)
    mailbox = world.mailboxes.write(call.user)
    MESSAGE.of(mailbox).change(item, _gone_out(mailbox.address))
    MESSAGE.of(mailbox).move(item, SENT)
    item.due = call.now + _held(world, call)
    return Answer(202)


def _gone_out(address: str) -> Json:
    now = stamp()
    sender = recipient(address)
    return {"isDraft": False, "sentDateTime": now, "receivedDateTime": now, "sender": sender, "from": sender}


def _held(world: World, call: Call) -> float:
    """Seconds until the copy is in Sent Items: a delay as usual, and more for who sends too many in a minute."""
    meter = world.throttle.meters[call.grant.app_id, call.user]
    return world.settings.send_delay + world.throttle.send(meter, call.now)


def _check_recipients(props: Json) -> None:
    everyone = [r for name in ("toRecipients", "ccRecipients", "bccRecipients") for r in props[name] or ()]
    if not everyone:
        raise bad_request("At least one recipient must be specified.", "ErrorInvalidRecipients")
    for person in everyone:
        inner = person.get("emailAddress") if isinstance(person, dict) else None
        address = inner.get("address") if isinstance(inner, dict) else None
        if not isinstance(address, str) or "@" not in address:
            raise bad_request("At least one recipient isn't valid.", "ErrorInvalidRecipients")
    if len(everyone) > MOST_RECIPIENTS:
        raise Refusal(400, "ErrorExceededMaxRecipientLimit", "The message has too many recipients.")


MOST_RECIPIENTS = 500  # the default of Exchange Online


def _from_mime(body: bytes) -> Json:
    try:
        text = base64.b64decode(body, validate=True).decode("utf-8", "replace")
    except binascii.Error:
        raise bad_request("Invalid base64 string for MIME content.", "ErrorMimeContentInvalidBase64String") from None
    head, _, content = text.replace("\r\n", "\n").partition("\n\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head.split("\n"))}
    recipients = [recipient(address.strip()) for address in fields.get("to", "").split(",") if address.strip()]
    subject = fields.get("subject", "")
    return {"subject": subject, "toRecipients": recipients, "body": {"contentType": "text", "content": content}}


def sent(mailbox: Mailbox) -> Iterator[Json]:
    """For a witness: what the API sent. What was in Sent Items from the beginning was never changed: version 0."""
    store = MESSAGE.of(mailbox)
    for item in store:
        if item.parent == SENT and item.version > 0 and not item.props["isDraft"]:
            yield row(store, item)


def touched(mailbox: Mailbox) -> Iterator[Json]:
    """For a witness: the messages that have come, moved or changed since the rehearsal began, wherever they lie now."""
    store = MESSAGE.of(mailbox)
    return (row(store, item) for item in store if item.version > 0)


ROUTES = (
    Route("POST", "/users/{}/sendMail", send, SEND),
    Route("POST", "/users/{}/messages/{}/send", send_draft, SEND),
    Route("POST", FOLDERS + "/{}/send", send_draft, SEND),
)
