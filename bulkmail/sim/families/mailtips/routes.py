"""`getMailTips`: the chosen tips about some addresses, by way of any mailbox."""

from typing import Any

from bulkmail.sim.families.mailtips.content import tips
from bulkmail.sim.families.mailtips.kind import MOST, OPTIONS, READ
from bulkmail.sim.graph.call import Answer, Call, bad_request
from bulkmail.sim.graph.table import Route
from bulkmail.sim.world import World


def mail_tips(world: World, call: Call) -> Answer:
    wish = call.parameters()
    addresses, options = wish.get("emailaddresses"), _options(wish.get("mailtipsoptions"))
    if not isinstance(addresses, list) or not addresses or not all(isinstance(text, str) for text in addresses):
        raise bad_request("The EmailAddresses are missing.", "ErrorInvalidRequest")
    if len(addresses) > MOST:
        raise bad_request(f"Too many addresses: {MOST} can be asked for at once.", "ErrorInvalidRequest")
    context = f"{call.base}/$metadata#Collection(microsoft.graph.mailTips)"
    return Answer(200, {"@odata.context": context, "value": [tips(world, text, options) for text in addresses]})


def _options(text: Any) -> list[str]:
    """Names, by commas, in any casing; without any, those that the service gives unasked."""
    if text is None:
        return list(OPTIONS[:2])
    if not isinstance(text, str):
        raise bad_request("The property 'MailTipsOptions' has a value that cannot be read.", "RequestBodyRead")
    known = {name.lower(): name for name in OPTIONS}
    names = [name.strip().lower() for name in text.split(",")]
    if not set(names) <= known.keys():
        raise bad_request("A value of MailTipsOptions is not known.", "ErrorInvalidRequest")
    return [known[name] for name in names]


ROUTES = (Route("POST", "/users/{}/getMailTips", mail_tips, READ),)
