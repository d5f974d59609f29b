"""Items that come back in, by a pre-signed address: new ones, or in place of old ones."""

import secrets

import orjson

from bulkmail.sim.families.exchange.content import unpacked
from bulkmail.sim.families.folders.kind import FOLDER
from bulkmail.sim.families.messages.kind import MESSAGE
from bulkmail.sim.graph.call import Answer, Call, Refusal, bad_request, item_not_found
from bulkmail.sim.graph.items import change_key
from bulkmail.sim.graph.table import NOBODY, Route
from bulkmail.sim.world import World


def session(world: World, call: Call) -> Answer:
    name = secrets.token_urlsafe(24)
    world.links[name] = call.user
    context = f"{call.base}/$metadata#microsoft.graph.mailboxItemImportSession"
    url = f"{world.signed}/_import?authtoken={name}"
    return Answer(200, {"@odata.context": context, "importUrl": url, "expirationDateTime": "2099-12-31T00:00:00Z"})


def take_in(world: World, call: Call) -> Answer:
    """One item. Knows the mailbox by the address."""
    user = world.links.get(call.options.get("authtoken", ""))
    if not isinstance(user, int):
        raise Refusal(401, "ErrorInvalidAuthToken", "The import session is not known or has expired.")
    try:
        wish = orjson.loads(call.body)
        props, mode, place = unpacked(wish["Data"]), wish["Mode"], wish["FolderId"]
    except (ValueError, KeyError, TypeError):
        raise bad_request("The item to import cannot be read.", "ErrorInvalidRequest") from None
    mailbox = world.mailboxes.write(user)
    target, store = FOLDER.of(mailbox).find(str(place)), MESSAGE.of(mailbox)
    if target is None:
        raise item_not_found()
    if mode == "create":
        taken = store.add(props, target.number)
    else:
        before = store.find(str(wish.get("ItemId")))
        if before is None:
            raise item_not_found()
        taken = store.change(before, props)
    return Answer(200, {"itemId": store.id_of(taken), "changeKey": change_key(taken)})


SIGNED = (Route("POST", "/_import", take_in, NOBODY, "signed"),)
