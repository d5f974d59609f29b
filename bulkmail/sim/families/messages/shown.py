"""A message as its reader may see it: without bodies for basic rights, as text where that is preferred."""

import re

from bulkmail.sim.families.messages.kind import READ
from bulkmail.sim.graph.call import Call, Json, Refusal
from bulkmail.sim.graph.items import size_properties
from bulkmail.sim.witness.marks import EXTENDED

NOT_BASIC = ("body", "bodyPreview", EXTENDED)


def reads_all(call: Call) -> bool:
    """Whether the reader may see more than the basic properties."""
    return bool(call.grant.roles & READ or call.grant.scoped_roles & READ)


def shown(row: Json, call: Call) -> Json:
    if not reads_all(call):
        if "$expand" in call.options:
            raise Refusal(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        return {name: value for name, value in row.items() if name not in NOT_BASIC}
    if "prefer" in call.headers and call.prefers("outlook.body-content-type") == "text":
        plain = re.sub(r"<[^>]+>", "", row["body"]["content"])
        row = row | {"body": {"contentType": "text", "content": plain}}
    return size_properties(row, row.get("bytes", 0), "Integer")
