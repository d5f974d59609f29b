"""Large attachments: a session of its own address, to which ranges are put in order, without a token."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from bulkmail.sim.families.messages.attachments import keep, settle
from bulkmail.sim.families.messages.enclosures import LARGEST as SMALL
from bulkmail.sim.families.messages.enclosures import attachment
from bulkmail.sim.families.messages.kind import ATTACHMENT, MESSAGE, WRITE
from bulkmail.sim.families.messages.reading import FOLDERS, message_of
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request, item_not_found
from bulkmail.sim.graph.items import stamp
from bulkmail.sim.graph.table import KEYED, Route
from bulkmail.sim.world import World

LARGEST = 150 * 1024 * 1024  # bytes of an attachment
PIECE = 4 * 1024 * 1024  # bytes of one range
NEVER = "2099-12-31T00:00:00Z"
_RANGE = re.compile(r"bytes (\d{1,12})-(\d{1,12})/(\d{1,12})")
FORMS = {"name": str, "size": int, "contentType": str, "contentId": str, "isInline": bool, "attachmentType": str}


@dataclass(slots=True)
class Session:
    """An attachment on its way: `user` is a number, `size` is in bytes. `done` keeps it, and returns its place."""

    user: int
    size: int
    props: Json
    done: Callable[[World, Call, Json], str]
    content: bytearray = field(default_factory=bytearray)


def _item(call: Call) -> Json:
    """The attachment as it is announced. Raises Refusal."""
    given = call.parameters().get("attachmentitem")
    if not isinstance(given, dict):
        raise bad_request("The AttachmentItem is missing.", "ErrorInvalidRequest")
    item = {name: value for name, value in given.items() if value is not None and "@" not in name}
    for name, value in item.items():
        if name not in FORMS or type(value) is not FORMS[name]:
            raise bad_request(f"The property '{name[:60]}' has a value that cannot be read.", "RequestBodyRead")
    if item.get("attachmentType", "").lower() not in {"file", "item"} or not item.get("name") or "size" not in item:
        raise bad_request("An attachment needs a type, a name and a size.", "ErrorInvalidRequest")
    return item


def begin(world: World, call: Call) -> Answer:
    return session(world, call, partial(_keep, number=message_of(world, call).number))


def session(world: World, call: Call, done: Callable[[World, Call, Json], str]) -> Answer:
    """A new session for the attachment that the call announces."""
    item = _item(call)
    size = item.pop("size")
    if size < SMALL:
        text = "The attachment is smaller than what an upload session is for."
        raise bad_request(text, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize")
    if size > LARGEST:
        raise Refusal(413, "ErrorAttachmentSizeLimitExceeded", "The attachment is too large.")
    del item["attachmentType"]
    name = secrets.token_urlsafe(24)
    world.links[name] = Session(call.user, size, item, done)
    context = f"{call.base}/$metadata#microsoft.graph.uploadSession"
    url = f"{world.signed}/_attachments?authtoken={name}"
    told = {"uploadUrl": url, "expirationDateTime": NEVER, "nextExpectedRanges": ["0-"]}
    return Answer(201, {"@odata.context": context} | told)


def _open(world: World, call: Call) -> Session:
    found = world.links.get(call.options.get("authtoken", ""))
    if not isinstance(found, Session):
        raise Refusal(404, "ErrorInvalidAuthToken", "The upload session is not known or has expired.")
    return found


def put(world: World, call: Call) -> Answer:
    """One range: the very next one, and no more than was announced. The last one makes the attachment."""
    session = _open(world, call)
    found = _RANGE.fullmatch(call.headers.get("content-range", ""))
    if found is None:
        raise bad_request("The Content-Range header cannot be read.", "ErrorInvalidRequest")
    first, last, size = map(int, found.groups())
    if size != session.size or last >= size or last - first + 1 != len(call.body):
        raise bad_request("The Content-Range does not fit the content.", "ErrorInvalidRequest")
    if len(call.body) > PIECE:
        raise Refusal(413, "RequestEntityTooLarge", "The maximum request length supported is 4MB.")
    if first != len(session.content):
        raise Refusal(416, "ErrorInvalidRange", f"The next range begins at {len(session.content)}.")
    session.content += call.body
    if len(session.content) < size:
        ranges = [f"{len(session.content)}-"]
        return Answer(200, {"ExpirationDateTime": NEVER, "NextExpectedRanges": ranges})
    return _done(world, call, session)


def _done(world: World, call: Call, session: Session) -> Answer:
    call.user = session.user
    place = session.done(world, call, attachment(session.props, bytes(session.content), stamp()))
    del world.links[call.options["authtoken"]]
    return Answer(201, None, {"Location": f"{world.signed}/Users('{world.tenant.guid(session.user)}')/{place}"})


def _keep(world: World, call: Call, props: Json, *, number: int) -> str:
    mailbox = world.mailboxes.write(call.user)
    messages, attachments = MESSAGE.of(mailbox), ATTACHMENT.of(mailbox)
    message = messages.items.get(number)
    if message is None:
        raise item_not_found()
    keep(world, call, message)
    item = attachments.add(props, number)
    settle(world, call, message)
    return f"Messages('{messages.id_of(message)}')/Attachments('{attachments.id_of(item)}')"


def give_up(world: World, call: Call) -> Answer:
    _open(world, call)
    del world.links[call.options["authtoken"]]
    return Answer(204)


ROUTES = tuple(
    Route("POST", f"{path}/attachments/createUploadSession", begin, WRITE)
    for path in ("/users/{}/messages/{}", FOLDERS + "/{}")
)
SIGNED = (
    Route("PUT", "/_attachments", put, KEYED, "signed"),
    Route("DELETE", "/_attachments", give_up, KEYED, "signed"),
)
