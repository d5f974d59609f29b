"""`$batch` as the service does it: up to twenty parts, four at a time, answers in any order."""

import asyncio
import base64
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias

import orjson

from bulkmail.sim.graph.call import NONE, Answer, Call, Grant, Json, Refusal, bad_request, split_target
from bulkmail.sim.witness.causality import Asked

Serve: TypeAlias = Callable[[Call], Awaitable[Answer]]
Gate: TypeAlias = AbstractAsyncContextManager[Any] | None
MOST = 20
JSON = {"Content-Type": "application/json"}
METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE"})
_CASINGS = (str, str.lower, str.upper, str.title)


def unpack(body: bytes) -> list[Json]:
    """The parts of a batch. Raises Refusal, for the whole of it, where the service does."""
    try:
        parts = orjson.loads(body)["requests"]
    except (orjson.JSONDecodeError, TypeError, KeyError):
        raise bad_request("Invalid batch payload format.") from None
    if not isinstance(parts, list) or not parts:
        raise bad_request("Invalid batch payload format.")
    if len(parts) > MOST:
        raise bad_request(f"Number of batch request steps exceeds the maximum value of {MOST}.", "MaximumValueExceeded")
    names: set[str] = set()
    for part in parts:
        _check(part, names)
    return parts


def _check(part: Any, names: set[str]) -> None:
    if not isinstance(part, dict):
        raise bad_request("Invalid batch payload format.")
    name, method, url = part.get("id"), part.get("method"), part.get("url")
    if not (isinstance(name, str) and isinstance(method, str) and isinstance(url, str)):
        raise bad_request("Invalid batch payload format.")
    if name.lower() in names:
        raise bad_request(f"Request Id {name[:40]} has to be unique in a batch.")
    if method.upper() not in METHODS:
        raise bad_request(f"Unsupported request method {method[:20]}.")
    if "dependsOn" in part and not set(_dependencies(part)) <= names:
        raise bad_request("A request depends on one that does not precede it.")
    names.add(name.lower())
    if "$batch" in url:
        raise bad_request("A batch within a batch is not supported.")
    if "://" in url:
        raise bad_request("The url of a part must be relative to the version.")
    if part.get("body") is not None and "content-type" not in map(str.lower, part.get("headers") or {}):
        raise bad_request(f"Content-Type of the body is not specified for request '{name[:40]}'.")


def _dependencies(part: Json) -> list[str]:
    found = part.get("dependsOn")
    if not found:
        return []
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise bad_request("Invalid batch payload format.")
    return [name.lower() for name in found]


def call_of(part: Json, grant: Grant, base: str, asked: Asked) -> Call:
    segments, options = split_target(part["url"])
    given = part.get("headers")
    headers = {name.lower(): str(value) for name, value in given.items()} if given else NONE
    return Call(part["method"].upper(), segments, options, headers, _body(part.get("body")), grant, base, asked)


def _body(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):  # anything but JSON travels as base64url
        return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    return orjson.dumps(body)


class Batch:
    """Runs the parts of one batch; each is judged by itself."""

    def __init__(self, serve: Serve, finish: Callable[[Answer], Answer], width: int, gate: Gate) -> None:
        self.serve = serve
        self.finish = finish
        self.width = width
        self.gate = gate
        self.statuses: dict[str, int] = {}
        self.answers: list[Json] = []

    async def run(self, parts: list[Json], grant: Grant, base: str, asked: Asked) -> list[Json]:
        """The sub-responses, in the order in which they were ready."""
        ordered = any(part.get("dependsOn") for part in parts)
        todo = iter(parts)
        if ordered or self.width == 1:
            await self._lane(todo, grant, base, asked)
            return self.answers
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.width, len(parts))):
                group.create_task(self._lane(todo, grant, base, asked))
        return self.answers

    async def _lane(self, todo: Iterable[Json], grant: Grant, base: str, asked: Asked) -> None:
        for part in todo:
            call = call_of(part, grant, base, asked)
            if "dependsOn" in part and any(self.statuses[name] >= 400 for name in _dependencies(part)):
                answer = Refusal(424, "FailedDependency", "A request that this one depends on has failed.").answer()
            elif self.gate is None:
                answer = await self.serve(call)
            else:
                async with self.gate:
                    answer = await self.serve(call)
            self.statuses[part["id"].lower()] = answer.status
            self.answers.append(sub_response(part["id"], self.finish(answer)))


def sub_response(name: str, answer: Answer) -> Json:
    body = answer.body
    if isinstance(body, Iterator):
        body = orjson.loads(b"".join(body))
    if body is None:
        return {"id": name, "status": answer.status} | ({"headers": dict(answer.headers)} if answer.headers else {})
    if isinstance(body, bytes):
        text = base64.b64encode(body).decode()
        return {"id": name, "status": answer.status, "headers": dict(answer.headers), "body": text}
    headers = {**JSON, **answer.headers} if answer.headers else JSON
    return {"id": name, "status": answer.status, "headers": headers, "body": body}


def dressed(responses: list[Json], chance: random.Random) -> list[Json]:
    """The answers in a random order, the names of their headers in a random casing."""
    chance.shuffle(responses)
    for response in responses:
        if response["status"] >= 400 and response.get("headers"):
            casing = chance.choice(_CASINGS)
            response["headers"] = recased(response["headers"], casing)
    return responses


def recased(headers: Mapping[str, str], casing: Callable[[str], str]) -> dict[str, str]:
    return {casing(name): value for name, value in headers.items()}
