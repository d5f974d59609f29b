"""A sender's letters in its own mailbox: each found by its key, drafted once and sent once. Decides by what is there.

A message of ours carries its key in a named property (MARK), which stays with it when it is sent. Ids are immutable
ones, so that a draft is the copy in Sent Items later on.
learn.microsoft.com/graph/outlook-immutable-id
"""

from collections.abc import Mapping
from typing import Any

from bulkmail.core.odata import segment
from bulkmail.errors import GraphError, OutcomeUnknown, TransportError
from bulkmail.graph import SENDS, Graph
from bulkmail.model import Change, Effect
from bulkmail.tasks.kit import expect
from bulkmail.tasks.kit.html import reads
from bulkmail.tasks.kit.keyed import UNMADE, Mark
from bulkmail.tasks.mail.letter import Letter

MARK = Mark("c0a9f3d6-52d1-4b7e-8e0c-2f6a1b9d7e54", "MessageKey")
IMMUTABLE: Mapping[str, str] = {"Prefer": 'IdType="ImmutableId"'}
MESSAGES = "/messages"
SHOWN = "id,isDraft,subject,body,toRecipients"


def marked(letter: Letter) -> dict[str, Any]:
    """The message with its key."""
    return MARK.marked(letter.message, letter.key)


class Outbox:
    """The messages of one sender with one key."""

    def __init__(self, graph: Graph, letter: Letter) -> None:
        self._graph = graph
        self._letter = letter
        ours = (self._drafting, self._sending)
        self._begun = any(made.change.key in ours for made in graph.made)  # the letter is counted as a change already

    @property
    def _drafting(self) -> str:
        return f"draft:{self._letter.key}"

    @property
    def _sending(self) -> str:
        return f"message:{self._letter.key}"

    def sent_before(self) -> bool:
        """Whether it was this run that sent the letter, in a process that died before it could say so."""
        return any(made.change.key == self._sending for made in self._graph.made)

    async def find(self) -> Mapping[str, Any] | None:
        """The message, wherever it lies now; one that was sent before one that is a draft."""
        params = {"$filter": MARK.filter(self._letter.key), "$select": SHOWN}
        found = [one async for one in self._graph.items(MESSAGES, params=params, headers=IMMUTABLE)]
        return next((one for one in found if was_sent(one)), found[0] if found else None)

    async def draft(self, found: Mapping[str, Any] | None) -> str:
        """The id of the draft: a new one, or the one that an earlier run has left, with the letter as it is now."""
        letter = self._letter
        if found is not None and _holds(found, letter):
            return str(found["id"])
        change = Change(self._drafting, None, letter.summary, further=self._begun)
        self._begun = True
        if found is None:
            body = marked(letter)
            made = await self._graph.create(MESSAGES, body, change=change, find=self.find, headers=IMMUTABLE)
            if self._graph.planning:
                return UNMADE
            return str(expect.an_item(made, "a message", status=201)["id"])
        before = {"to": _recipients(found), "subject": found.get("subject")}
        change = change._replace(before=before)
        await self._graph.patch(_path(found["id"]), letter.message, change=change, headers=IMMUTABLE)
        return str(found["id"])

    async def send(self, message: str) -> None:
        """Sends this draft. When the answer is lost, only a draft that is still one is sent again.

        Raises OutcomeUnknown when the message is neither a draft nor sent, so far as can be told.
        """
        change = Change(self._sending, None, self._letter.summary, further=self._begun)
        lost: OutcomeUnknown | None = None
        for left in reversed(range(SENDS)):
            refused: GraphError | None = None
            try:
                path = f"{_path(message)}/send"
                await self._graph.post(path, effect=Effect.KEYED, change=change, headers=IMMUTABLE)
            except OutcomeUnknown as error:
                lost = error
            except GraphError as error:
                if lost is None:
                    raise
                refused = error  # it may have gone out meanwhile, and be no draft any more
            else:
                return
            try:
                now = await self._now(message)
            except (GraphError, TransportError):
                raise lost from None  # whether it went out matters more than why that cannot be seen
            if now is not None and was_sent(now):
                return
            if now is not None and refused is not None:
                raise refused
            if now is None or not left:
                raise lost
            message = str(now["id"])

    async def _now(self, message: str) -> Mapping[str, Any] | None:
        """The message by its id, or else by its key."""
        try:
            found = await self._graph.get(_path(message), params={"$select": SHOWN}, headers=IMMUTABLE)
        except GraphError as error:
            if error.status != 404:
                raise
            return await self.find()
        return found if isinstance(found, dict) else None


def was_sent(message: Mapping[str, Any]) -> bool:
    return message.get("isDraft") is False


def _path(message: str) -> str:
    return f"{MESSAGES}/{segment(message)}"


def _recipients(message: Mapping[str, Any]) -> list[str]:
    listed = message.get("toRecipients")
    found = [one.get("emailAddress") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [str(one.get("address")) for one in found if isinstance(one, dict)]


def _holds(draft: Mapping[str, Any], letter: Letter) -> bool:
    """Whether a draft says what the letter says."""
    mine = letter.message
    if {one.casefold() for one in _recipients(draft)} != {one.casefold() for one in letter.to}:
        return False
    return draft.get("subject") == letter.subject and _said(draft.get("body")) == _said(mine["body"])


def _said(body: Any) -> tuple[list[str], tuple[str, ...]]:
    """The words of a body and where its links lead; the service gives a text back as HTML."""
    parts = body if isinstance(body, dict) else {}
    content = str(parts.get("content") or "")
    text, links = reads(content) if str(parts.get("contentType")).casefold() == "html" else (content, ())
    return text.split(), links
