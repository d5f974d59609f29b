"""Carries out the faults that strike inside Graph: answers, pages and batches that are not what they should be."""

import base64
import random
from collections.abc import Mapping

import orjson

from bulkmail.sim.faults.script import Fault
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal

CODES: Mapping[int, str] = {
    400: "BadRequest",
    401: "InvalidAuthenticationToken",
    403: "ErrorAccessDenied",
    404: "ErrorItemNotFound",
    409: "ErrorIrresolvableConflict",
    410: "SyncStateNotFound",
    412: "ErrorIrresolvableConflict",
    413: "RequestEntityTooLarge",
    423: "ErrorMailboxLocked",
    429: "TooManyRequests",
    500: "InternalServerError",
    502: "BadGateway",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
    507: "ErrorQuotaExceeded",
    509: "BandwidthLimitExceeded",
}
LONG = "The service\r\nsays \x1b[31mno\x1b[0m\t" + "no, " * 250_000
PAGE = b"<!DOCTYPE html><html><head><title>Sorry</title></head><body><h1>Not available right now</h1></body></html>"


def refusal(fault: Fault, default: int = 500) -> Answer:
    """The error answer that a fault asks for, in the form that it asks for."""
    status = fault.status or default
    told = fault.text or (f"{fault.seconds:g}" if fault.seconds else "")
    headers = {"Retry-After": told} if told and fault.kind == "status" else {}
    if fault.body == "html":
        return Answer(status, PAGE, headers | {"Content-Type": "text/html; charset=utf-8"})
    if fault.body == "empty":
        return Answer(status, None, headers)
    code = fault.code or CODES.get(status, "UnknownError")
    text = LONG if fault.body == "long" else "The service says no, as it was told to."
    return Refusal(status, code, text, headers).answer()


def spoil(fault: Fault, answer: Answer, call: Call, foreign: str) -> Answer:
    """A good answer made bad: an error with status 200, or a page with a wrong link."""
    if fault.kind == "error-in-200":
        return Answer(200, refusal(Fault("status", status=500)).body)
    if fault.kind == "accepted":
        return Answer(answer.status, answer.body, {**answer.headers, "Retry-After": f"{fault.seconds:g}"})
    body = answer.body
    if answer.status != 200 or not isinstance(body, dict) or "value" not in body:
        return answer
    again = call.link(call.options) if call.options else call.link({"$top": "100"})
    links: dict[str, Json] = {
        "page-empty": {"value": [], "@odata.nextLink": again},
        "page-loop": {"@odata.nextLink": again},
        "page-foreign": {"@odata.nextLink": again.replace(call.base, f"{foreign}/v1.0")},
        "page-other": {
            "@odata.nextLink": again.replace(call.keys[0], "someone.else.0@tenant.example") if call.keys else 0
        },
        "page-repeat": {"value": body["value"] + body["value"][:1]},
        "page-odd": {"@odata.nextLink": 17},
        "page-cycle": {"@odata.nextLink": call.link({**call.options, "turn": _turned(call.options.get("turn", ""))})},
        "page-link": {"@odata.nextLink": fault.text},
        "page-both": {"@odata.nextLink": again, "@odata.deltaLink": again},
    }
    return Answer(200, body | links[fault.kind], answer.headers)


def _turned(turn: str) -> str:
    return {"": "1", "1": "2", "2": "0", "0": "1"}.get(turn, "1")


def spoil_parts(kind: str, responses: list[Json], chance: random.Random) -> list[Json]:
    """The answers of a batch with one of them missing, doubled, invented or malformed."""
    place = chance.randrange(len(responses))
    victim = responses[place]
    match kind:
        case "part-missing":
            return responses[:place] + responses[place + 1 :]
        case "part-twice":
            return [*responses, victim]
        case "part-torn":
            other = 500 if victim["status"] < 400 else 200
            return [*responses, {**victim, "status": other}]
        case "part-foreign":
            return [*responses, {"id": "never-sent", "status": 200, "body": {}}]
        case "part-number":
            changed = {**victim, "id": int(victim["id"]) if victim["id"].isdigit() else 4711}
        case "part-bare":
            changed = {name: value for name, value in victim.items() if name != "status"}
        case "part-null":
            changed = {**victim, "body": None}
        case "part-base64":
            changed = {**victim, "body": base64.b64encode(orjson.dumps(victim.get("body"))).decode()}
        case _:
            changed = {**victim, "status": str(victim["status"])}
    return [changed if response is victim else response for response in responses]
