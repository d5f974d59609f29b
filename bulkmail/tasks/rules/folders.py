"""The folders that rules name by their ids: their paths, and what they are for whatever they are called. Reads only.

Paths are from the root, with slashes; a slash or backslash in a name has a backslash before it. Well-known names:
learn.microsoft.com/graph/api/resources/mailfolder
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from bulkmail.errors import GraphError
from bulkmail.graph import Graph

PERMISSION = "Mail.ReadBasic.All"
"""The least application permission to read folders."""

ABSENT = frozenset({"ErrorItemNotFound", "ErrorFolderNotFound", "ErrorInvalidIdMalformed", "ErrorInvalidId"})
"""What the service says of a folder that is not there, or of an id that was never one."""

FOLDER = "/mailFolders/{}"
ROOT = "msgfolderroot"
HIDING = ("archive", "clutter", "conversationhistory", "junkemail", "syncissues")
"""Folders in which no one looks for new mail."""

DELETED = ("deleteditems", "recoverableitemsdeletions")
WELL_KNOWN = (
    ROOT, "inbox", "drafts", "sentitems", "outbox", "scheduled", "searchfolders", "conflicts", "localfailures",
    "serverfailures", *HIDING, *DELETED,
)  # fmt: skip
_SLASH, _ESCAPED = re.compile(r"(?<!\\)/"), re.compile(r"\\([/\\])")
GONE = "(no such folder)"
DEEPEST = 300
"""Levels that a mailbox may have; a chain of parents that is longer goes in circles."""


class Place(NamedTuple):
    """Where a folder is; `known` is its well-known name, if it is one that matters here."""

    path: str
    known: str = ""

    @property
    def hides(self) -> bool:
        """RSS folders have no well-known name, but the same three letters in every language."""
        return self.known in HIDING or "rss" in self.path.casefold()


async def places(graph: Graph, ids: Iterable[str]) -> Mapping[str, Place]:
    """The places of these folders by their ids; of none, if none are asked for. Each folder and each of its parents is
    one request, and the well-known names are asked for all at once."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    names = (ROOT, *HIDING, *DELETED)
    answers = await graph.gather(*(_folder(graph, one) for one in (*names, *wanted)))
    known = {body["id"]: name for name, body in zip(names, answers[: len(names)], strict=True) if body}
    found = dict(zip(wanted, answers[len(names) :], strict=True))
    for _ in range(DEEPEST):
        above = {str(body.get("parentFolderId")) for body in found.values() if body} - found.keys()
        if not (missing := [one for one in above if known.get(one) != ROOT and one != "None"]):
            break
        found |= zip(missing, await graph.gather(*(_folder(graph, one) for one in missing)), strict=True)
    return {one: Place(_path(one, found, known), known.get(one, "")) for one in wanted}


async def id_of(graph: Graph, path: str) -> str:
    """The id of the folder at a path, which begins with a well-known name or below the root. Raises GraphError."""
    first, *rest = [_ESCAPED.sub(r"\1", name.strip()) for name in _SLASH.split(path)]
    below = first.casefold() if first.casefold() in WELL_KNOWN else ROOT
    if below == ROOT and first.casefold() != ROOT:
        rest = [first, *rest]
    body = await _folder(graph, below)
    for name in rest:
        body = body and await _child(graph, body["id"], name)
    if body is None:
        raise GraphError(200, "NoSuchFolder", f"the mailbox has no folder {path[:100]!r}")
    return str(body["id"])


async def _child(graph: Graph, parent: str, name: str) -> Mapping[str, Any] | None:
    params: dict[str, str | int] = {"$select": "id,displayName", "$top": 250, "includeHiddenFolders": "true"}
    async for body in graph.items(FOLDER + "/childFolders", parent, params=params):
        if str(body.get("displayName")).casefold() == name.casefold():
            found: Mapping[str, Any] = body
            return found
    return None


async def _folder(graph: Graph, key: str) -> Mapping[str, Any] | None:
    """A folder by its id or well-known name; None for one that is not there, or for an id that was never one."""
    try:
        body = await graph.get(FOLDER, key, params={"$select": "id,displayName,parentFolderId"})
    except GraphError as error:
        if error.status in (400, 404) and error.code in ABSENT:
            return None
        if error.status == 403:
            raise _told(error) from error
        raise
    return body if isinstance(body, dict) and isinstance(body.get("id"), str) else None


def _told(error: GraphError) -> GraphError:
    """The rules of this mailbox could be read and its folders cannot: most likely one permission is missing."""
    said = f"{error.message} (folders are read with {PERMISSION})"
    return GraphError(403, error.code, said, request_id=error.request_id, client_request_id=error.client_request_id)


def _path(key: str, found: Mapping[str, Mapping[str, Any] | None], known: Mapping[str, str]) -> str:
    names: list[str] = []
    while known.get(key) != ROOT and (body := found.get(key)) is not None and len(names) < DEEPEST:
        names.insert(0, str(body.get("displayName", "")).replace("\\", "\\\\").replace("/", "\\/"))
        key = str(body.get("parentFolderId"))
    return "/".join(names) or (GONE if known.get(key) != ROOT else "")
