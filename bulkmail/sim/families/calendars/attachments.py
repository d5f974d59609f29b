"""What is attached to an event: kept as it was sent, by itself or through an upload session."""

from functools import partial

from bulkmail.sim.families.calendars.events import EVENTS, event_of
from bulkmail.sim.families.calendars.kind import ATTACHMENT, EVENT, FULL_READ, WRITE
from bulkmail.sim.families.messages.enclosures import enclosure
from bulkmail.sim.families.messages.uploads import session
from bulkmail.sim.graph.call import Answer, Call, Json, item_not_found
from bulkmail.sim.graph.items import create, find, listing, one
from bulkmail.sim.graph.table import Route
from bulkmail.sim.tenant.store import Item
from bulkmail.sim.world import World


def every(world: World, call: Call) -> Answer:
    event = event_of(world, call)
    store = ATTACHMENT.of(world.mailboxes.read(call.user))
    return listing(world, call, ATTACHMENT, [item for item in store if item.parent == event.number])


def _attachment(world: World, call: Call) -> Item:
    item = find(world, call, ATTACHMENT, call.keys[-1])
    if item.parent != event_of(world, call, -2).number:
        raise item_not_found()
    return item


def read(world: World, call: Call) -> Answer:
    return one(world, call, ATTACHMENT, _attachment(world, call))


def add(world: World, call: Call) -> Answer:
    event, props = event_of(world, call), enclosure(call.json())
    answer = create(world, call, ATTACHMENT, props, event.number)
    _settle(world, call, event)
    return answer


def remove(world: World, call: Call) -> Answer:
    item, event = _attachment(world, call), event_of(world, call, -2)
    ATTACHMENT.of(world.mailboxes.write(call.user)).remove(item)
    _settle(world, call, event)
    return Answer(204)


def _settle(world: World, call: Call, event: Item) -> None:
    """Says of an event whether it has attachments."""
    mailbox = world.mailboxes.write(call.user)
    left = any(item.parent == event.number for item in ATTACHMENT.of(mailbox))
    EVENT.of(mailbox).change(event, {"hasAttachments": left})


def begin(world: World, call: Call) -> Answer:
    return session(world, call, partial(_keep, number=event_of(world, call).number))


def _keep(world: World, call: Call, props: Json, *, number: int) -> str:
    mailbox = world.mailboxes.write(call.user)
    event = EVENT.of(mailbox).items.get(number)
    if event is None:
        raise item_not_found()
    item = ATTACHMENT.of(mailbox).add(props, number)
    _settle(world, call, event)
    return f"Events('{EVENT.of(mailbox).id_of(event)}')/Attachments('{ATTACHMENT.of(mailbox).id_of(item)}')"


ROUTES = tuple(
    Route(method, f"{path}/{{}}/attachments{end}", work, rights)
    for path in EVENTS
    for method, end, work, rights in (
        ("GET", "", every, FULL_READ),
        ("POST", "", add, WRITE),
        ("POST", "/createUploadSession", begin, WRITE),
        ("GET", "/{}", read, FULL_READ),
        ("DELETE", "/{}", remove, WRITE),
    )
)
