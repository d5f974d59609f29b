"""What a job forbids: how many messages of a mailbox may be changed, which are never touched, and a selection that
means all of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Mailbox
from bulkmail.tasks.kit.files import AddressFile
from bulkmail.tasks.kit.tree import Tree
from bulkmail.tasks.messages.scope import folder_id
from bulkmail.tasks.messages.selection import Selection, Texts


class Protect(BaseModel):
    """What is left alone, whatever the selection says."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    folders: Texts = None
    categories: Texts = None
    mailboxes: AddressFile | None = None


class Guarded(Selection):
    """A selection of messages that are changed."""

    max_per_mailbox: int | None = Field(
        None, ge=1, description="a mailbox with more messages to change is left alone, and fails"
    )
    protect: Protect | None = Field(
        None, description="table of what is never touched: folders (with those below them), categories, and mailboxes: "
        "a file with the addresses of those that are held",
    )  # fmt: skip

    @model_validator(mode="after")
    def _bound(self) -> "Guarded":
        if not self.bounded:
            raise ValueError("the selection means every message of every mailbox: say which, such as received_to")
        return self

    @property
    def reads(self) -> Sequence[str]:
        """Properties that tell whether a message is protected."""
        return ("categories",) if self.protect is not None and self.protect.categories else ()

    def spares(self, mailbox: Mailbox, in_protected_folder: bool, message: Mapping[str, Any]) -> bool:  # noqa: FBT001
        """Whether a message is protected."""
        protect = self.protect
        if protect is None:
            return False
        held = protect.mailboxes is not None and mailbox.address.casefold() in protect.mailboxes.addresses
        kept = {name.lower() for name in protect.categories or ()}
        listed = message.get("categories")
        has = {one.lower() for one in listed if isinstance(one, str)} if isinstance(listed, list) else set()
        return held or in_protected_folder or bool(kept & has)

    def check(self, number: int) -> None:
        """Raises GraphError for more messages than may be changed."""
        if self.max_per_mailbox is not None and number > self.max_per_mailbox:
            said = f"the selection means more than {self.max_per_mailbox} messages of this mailbox: nothing was changed"
            raise GraphError(200, "TooManyMatches", f"{said} (task.max_per_mailbox)")


async def protected_folders(graph: Graph, options: Guarded, tree: Tree) -> frozenset[str]:
    """The ids of the folders that are protected in this mailbox, and of those below them."""
    named = (options.protect.folders if options.protect is not None else None) or ()
    found = await graph.gather(*(folder_id(graph, path) for path in named))
    return frozenset(one for id_ in found if id_ for one in tree.below(id_))
