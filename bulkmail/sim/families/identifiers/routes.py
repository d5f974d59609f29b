"""`translateExchangeIds`: ids that change with a move into those that do not, and back."""

from bulkmail.sim.families.identifiers.content import translated
from bulkmail.sim.families.identifiers.kind import FORMS, MOST, READ
from bulkmail.sim.graph.call import Answer, Call, bad_request
from bulkmail.sim.graph.table import Route
from bulkmail.sim.world import World


def translate(_: World, call: Call) -> Answer:
    wish = call.parameters()
    given, target = wish.get("inputids"), wish.get("targetidtype")
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given) or len(given) > MOST:
        raise bad_request("The InputIds are missing, or too many.", "ErrorInvalidRequest")
    if target not in FORMS or wish.get("sourceidtype") not in FORMS:
        raise bad_request("A type of ids is missing or not known.", "ErrorInvalidRequest")
    found = ((text, translated(text, immutable=target == FORMS[1])) for text in given)
    rows = [{"sourceId": text, "targetId": other} for text, other in found if other is not None]
    context = f"{call.base}/$metadata#Collection(microsoft.graph.convertIdResult)"
    return Answer(200, {"@odata.context": context, "value": rows})


ROUTES = (Route("POST", "/users/{}/translateExchangeIds", translate, READ),)
