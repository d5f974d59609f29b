"""Items that come back in, by a pre-signed address that is good for a while: new ones, or in place of old ones.

What a mailbox takes in counts for its limits as what is sent to Graph does.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from bulkmail.sim.families.exchange.streams import digest, unpacked
from bulkmail.sim.families.folders.kind import FOLDER
from bulkmail.sim.families.messages.kind import MESSAGE
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request, item_not_found
from bulkmail.sim.graph.items import change_key
from bulkmail.sim.graph.table import KEYED, Route
from bulkmail.sim.limits.throttle import Refused, retry_after
from bulkmail.sim.tenant.mailbox import Mailbox
from bulkmail.sim.tenant.store import Item
from bulkmail.sim.world import World

IMPORTED = "imported"


@dataclass(frozen=True, slots=True)
class Session:
    """Leave to import into a mailbox; `until` is in seconds of the loop's clock."""

    user: int
    app: str
    until: float


def session(world: World, call: Call) -> Answer:
    name, life = secrets.token_urlsafe(24), world.settings.session_life
    world.links[name] = Session(call.user, call.grant.app_id, call.now + life)
    context = f"{call.base}/$metadata#microsoft.graph.mailboxItemImportSession"
    url = f"{world.signed}/_import?authtoken={name}"
    until = (datetime.now(UTC) + timedelta(seconds=life)).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    return Answer(200, {"@odata.context": context, "importUrl": url, "expirationDateTime": until})


def take_in(world: World, call: Call) -> Answer:
    """One item. Knows the mailbox by the address."""
    found = world.links.get(call.options.get("authtoken", ""))
    if not isinstance(found, Session) or call.now >= found.until:
        raise Refusal(401, "ErrorInvalidAuthToken", "The import session is not known or has expired.")
    call.user = found.user
    _meter(world, call, found.app)
    try:
        wish = orjson.loads(call.body)
        props, mode, place = unpacked(wish["Data"]), wish["Mode"], wish["FolderId"]
    except (ValueError, KeyError, TypeError):
        raise bad_request("The item to import cannot be read.", "ErrorInvalidRequest") from None
    mailbox = world.mailboxes.write(call.user)
    target = FOLDER.of(mailbox).find(str(place))
    if target is None:
        raise item_not_found()
    taken = _taken(mailbox, wish, props, target)
    _enter(world, call, mailbox, taken, mode)
    return Answer(200, {"itemId": MESSAGE.of(mailbox).id_of(taken), "changeKey": change_key(taken)})


def _meter(world: World, call: Call, app: str) -> None:
    world.answers.came(call.asked, app)  # the address stands for the application
    meter = world.throttle.admit(app, call.user, len(call.body), call.now, call.asked)
    if isinstance(meter, Refused):
        text = f"Application is over its {meter.limit} limit."
        raise Refusal(429, "ApplicationThrottled", text, retry_after(world.throttle.limits, meter.wait))
    world.throttle.release(meter)


def _taken(mailbox: Mailbox, wish: Json, props: Json, target: Item) -> Item:
    store = MESSAGE.of(mailbox)
    if wish["Mode"] == "create":
        return store.add(props, target.number)
    before = store.find(str(wish.get("ItemId")))
    if before is None:
        raise item_not_found()
    if wish.get("ChangeKey") not in (None, change_key(before)):
        raise Refusal(409, "ErrorIrresolvableConflict", "The change key is out of date.")
    return store.change(before, props)


def _enter(world: World, call: Call, mailbox: Mailbox, taken: Item, mode: str) -> None:
    """Into the books: what was taken in, and how often the same."""
    found = digest(taken.props)
    entries = mailbox.objects.setdefault(IMPORTED, {"items": []})["items"]
    entries.append({"number": taken.number, "mode": mode, "sha256": found, "parent": taken.parent})
    world.books.effect(call.user, "POST /_import", found)


def imported(mailbox: Mailbox) -> Iterator[Json]:
    """Everything that was taken in, in order, with its hash."""
    yield from mailbox.objects.get(IMPORTED, {"items": []})["items"]


SIGNED = (Route("POST", "/_import", take_in, KEYED, "signed"),)
