"""Replies and forwards: as drafts to be completed, or sent at once."""

from typing import Any

from bulkmail.sim.families.folders.content import DRAFTS
from bulkmail.sim.families.messages.drafts import keep, new_message
from bulkmail.sim.families.messages.kind import MESSAGE, SEND, WRITE
from bulkmail.sim.families.messages.reading import FOLDERS, message_of
from bulkmail.sim.families.messages.sending import send_out
from bulkmail.sim.graph.call import Answer, Call, Json, bad_request
from bulkmail.sim.graph.items import arrival, one
from bulkmail.sim.graph.table import Route
from bulkmail.sim.tenant.people import recipient
from bulkmail.sim.tenant.store import Item
from bulkmail.sim.world import World

PREFIXES = {"reply": "RE: ", "replyall": "RE: ", "forward": "FW: "}


def _wish(call: Call) -> Json:
    """What is said on top of the original: a comment or a message with a body, not both."""
    wish = call.parameters() if call.body else {}
    message, comment = wish.get("message") or {}, wish.get("comment")
    if not isinstance(message, dict) or not isinstance(comment, str | None):
        raise bad_request("The property 'message' has a value that cannot be read.", "RequestBodyRead")
    if comment is not None and "body" in message:
        raise bad_request("A comment and a body cannot be given at the same time.", "ErrorInvalidRequest")
    strange = wish.keys() - {"message", "comment", "torecipients"}
    if strange:
        raise bad_request(f"The parameter '{min(strange)[:60]}' is not known.", "RequestBodyRead")
    return wish | {"message": message}


def _answering(world: World, call: Call) -> Json:
    """The properties of the new message, by the last segment of the path: reply, createReplyAll, forward, …"""
    original, wish = message_of(world, call), _wish(call)
    way = call.segments[-1].lower().removeprefix("create")
    quoted = original.props["body"]["content"]
    body = {"contentType": "html", "content": f"<html><body>{wish.get('comment') or ''}<hr>{quoted}</body></html>"}
    told: Json = {"subject": _subject(PREFIXES[way], original.props["subject"] or ""), "body": body}
    told |= _recipients(way, original, world.tenant.address(call.user))
    if way == "forward" and wish.get("torecipients") is not None:
        told["toRecipients"] = wish["torecipients"]
    props = new_message(told | wish["message"])
    return props | {"conversationId": original.props["conversationId"]}


def _subject(prefix: str, subject: str) -> str:
    return subject if subject.upper().startswith(prefix.strip()) else prefix + subject


def _recipients(way: str, original: Item, own: str) -> dict[str, list[Any]]:
    if way == "forward":
        return {}
    sender = [original.props["from"] or recipient(own)]
    if way == "reply":
        return {"toRecipients": sender}
    others = [person for person in original.props["toRecipients"] if _address(person) != own.lower()]
    return {"toRecipients": sender + others, "ccRecipients": list(original.props["ccRecipients"])}


def _address(person: Any) -> str:
    return str(person["emailAddress"].get("address", "")).lower()


def draft(world: World, call: Call) -> Answer:
    props = _answering(world, call)
    item = keep(call, world.mailboxes.write(call.user), props, DRAFTS, arrival(call))
    return one(world, call, MESSAGE, item, 201)


def send(world: World, call: Call) -> Answer:
    return send_out(world, call, _answering(world, call), saved=True)


ROUTES = tuple(
    Route("POST", f"{path}/{name}", work, rights)
    for path in ("/users/{}/messages/{}", FOLDERS + "/{}")
    for name, work, rights in (
        ("createReply", draft, WRITE),
        ("createReplyAll", draft, WRITE),
        ("createForward", draft, WRITE),
        ("reply", send, SEND),
        ("replyAll", send, SEND),
        ("forward", send, SEND),
    )
)
