"""What the directory shows of its users, and the rules of its queries, which groups share."""

from bulkmail.sim.families.users.kind import BASIC, DEFAULT, FULL_READ
from bulkmail.sim.graph.call import Call, Json, Refusal, bad_request
from bulkmail.sim.graph.odata import Filter, parse_filter, read_token, select


def shape(user: Json, call: Call) -> Json:
    """The properties that were asked for; those that the app may not read come back null."""
    chosen = call.options.get("$select")
    shown = select(user, call.options, ()) if chosen else {name: user[name] for name in DEFAULT}
    if call.grant.roles & FULL_READ:
        return shown
    return {name: value if name in BASIC or name[0] == "@" else None for name, value in shown.items()}


def not_found(text: str) -> Refusal:
    message = f"Resource '{text[:80]}' does not exist or one of its queried reference-property objects are not present."
    return Refusal(404, "Request_ResourceNotFound", message)


def directory_filter(call: Call) -> Filter | None:
    """The $filter, if the rules of advanced queries allow it."""
    text = call.options.get("$filter")
    found = parse_filter(text) if text else None
    advanced = "$search" in call.options or (found is not None and (found.advanced or "$orderby" in call.options))
    if advanced and not (eventual(call) and call.options.get("$count", "").lower() == "true"):
        raise bad_request("Unsupported Query.", "Request_UnsupportedQuery")
    return found


def eventual(call: Call) -> bool:
    return call.headers.get("consistencylevel", "").lower() == "eventual"


def page_start(token: str | None, kind: str) -> int:
    """Where a page of the directory begins."""
    place = read_token(token, kind) if token else (0,)
    if place is None:
        raise bad_request("The specified page token value has expired.", "Directory_ExpiredPageToken")
    return place[0]
