"""What the service does not take of a query over messages: properties that it cannot restrict by, values of another
type, and an order that the filter does not begin with.

learn.microsoft.com/graph/api/user-list-messages; the codes are those of field reports.
"""

from collections.abc import Mapping
from typing import Any

from bulkmail.sim.families.messages.content import blank_message
from bulkmail.sim.graph.call import Call, bad_request
from bulkmail.sim.graph.odata import parse_filter
from bulkmail.sim.witness.marks import EXTENDED

TEXT, TRUTH, TIME = "text", "truth", "time"
FILTERED: Mapping[str, str] = {
    **dict.fromkeys(("receiveddatetime", "sentdatetime", "createddatetime", "lastmodifieddatetime"), TIME),
    **dict.fromkeys(("hasattachments", "isread", "isdraft", "isreadreceiptrequested"), TRUTH),
    **dict.fromkeys(
        ("subject", "internetmessageid", "conversationid", "importance", "inferenceclassification", "parentfolderid",
         "from/emailaddress/address", "from/emailaddress/name", "sender/emailaddress/address",
         "sender/emailaddress/name", "flag/flagstatus", "body/content", "bodypreview"), TEXT),
    "categories": "",
    EXTENDED.lower(): "",
    "multivalueextendedproperties": "",
}  # fmt: skip
"""Properties that a filter may name, in lower case, and the type of what they are compared with."""

KNOWN = frozenset(name.lower() for name in (*blank_message(""), "id", "parentFolderId", "changeKey", "uniqueBody"))


def check(call: Call) -> None:
    """Raises Refusal for a query that the service would not answer."""
    text = call.options.get("$filter")
    if not text:
        return
    found = parse_filter(text)
    for name in found.fields:
        _check_name(name.lower())
    for name, value in found.compared:
        _check_type(name, value)
    ordered = [clause.split()[0].lower() for clause in call.options.get("$orderby", "").split(",") if clause.strip()]
    if [name.lower() for name in found.fields][: len(ordered)] != ordered:
        raise bad_request("The restriction or sort order is too complex for this operation.", "InefficientFilter")


def check_delta(call: Call) -> None:
    """Changes are followed with few options. A filter by time is one of them, and is not what this simulator has."""
    strange = [name for name in ("$filter", "$search", "$orderby", "$count", "$skip") if name in call.options]
    if strange:
        text = "The following parameters are not supported with change tracking over the 'Messages' resource: "
        raise bad_request(f"{text}'{', '.join(strange)}'.", "ErrorInvalidUrlQuery")


def _check_name(name: str) -> None:
    if name in FILTERED:
        return
    first = name.partition("/")[0]
    if first not in KNOWN and first not in FILTERED:
        raise bad_request(f"Could not find a property named '{first[:60]}' on type 'microsoft.graph.message'.")
    raise bad_request("The query filter contains one or more invalid nodes.", "ErrorInvalidUrlQueryFilter")


def _check_type(name: str, value: Any) -> None:
    kind = FILTERED.get(name.lower(), "")
    fits = {
        TEXT: isinstance(value, str),
        TRUTH: isinstance(value, bool),
        TIME: isinstance(value, str) and value[:4].isdigit() and value[4:5] == "-",
    }
    if value is not None and not fits.get(kind, True):
        raise bad_request("A binary operator with incompatible types was detected. Found operand types for 'Equal'.")
