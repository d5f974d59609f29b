"""Where mailboxes come from when there is no list: the directory's users, or the members of a group, page by page.

learn.microsoft.com/graph/api/user-list and group-list-transitivemembers: 999 a page at most; filters such as
`mail ne null` are advanced queries, which need a header and `$count=true` on each page (aad-advanced-queries). The
least permissions are User.ReadBasic.All for users, and GroupMember.Read.All besides for a group.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from bulkmail.core.odata import literal, segment
from bulkmail.errors import GraphError, InputError, PermissionMissing
from bulkmail.graph import Graph
from bulkmail.model import NOTHING, Counts, Mailbox, Rejected
from bulkmail.source import Admission
from bulkmail.source.admission import Look
from bulkmail.source.once import ReadOnce

ADVANCED = {"ConsistencyLevel": "eventual"}
FIELDS: dict[str, str | int] = {"$select": "id,mail,userPrincipalName", "$top": 999, "$count": "true"}
NAMES = ("mail", "userPrincipalName", "id")
WITH_MAIL = "mail ne null"
PERMISSIONS = {"users": "User.ReadBasic.All", "group": "GroupMember.Read.All and User.ReadBasic.All"}
"""The least that lists them, by where the mailboxes come from."""


class DirectorySource(ReadOnce):
    """Users that match an OData filter, or the users among a group's members, nested groups included.

    A row's number is its place in the listing, from 1. Mailboxes carry their object id, which requests then use, and
    with `keep_columns` both of their names.
    Raises InputError when the directory does not understand the question, PermissionMissing when it may not answer.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        users: str | None = None,
        group: str = "",
        limit: int | None = None,
        keep_columns: bool = False,
    ) -> None:
        self._graph = graph
        self._keep_columns = keep_columns
        self._path = f"/groups/{segment(group)}/transitiveMembers/microsoft.graph.user" if group else "/users"
        self._filter = "" if group else (users or WITH_MAIL)
        self._permission = PERMISSIONS["group" if group else "users"]
        self._admission = Admission(limit)

    def __repr__(self) -> str:
        return f"<DirectorySource {self.name} {self.counts}>"

    @property
    def name(self) -> str:
        """What messages and the manifest call it."""
        return f"{self._path} where {self._filter}" if self._filter else self._path

    @property
    def counts(self) -> Counts:
        return self._admission.counts

    async def __aiter__(self) -> AsyncIterator[Sequence[Mailbox | Rejected]]:
        params = dict(FIELDS)
        if self._filter:
            params["$filter"] = self._filter
        row = 0
        try:
            async for page in self._graph.pages(self._path, params=params, headers=ADVANCED):
                yield [
                    self._admit(number, user) for number, user in enumerate(page, row + 1) if not self._admission.full
                ]
                row += len(page)
                if self._admission.full:
                    return
        except GraphError as error:
            raise self._told(error) from error

    def _admit(self, row: int, user: Any) -> Mailbox | Rejected:
        found = user if isinstance(user, dict) else {}
        texts = {name: value for name, value in found.items() if isinstance(value, str)}
        mail, name, id_ = (texts.get(field, "") for field in NAMES)
        columns = {"mail": mail, "userPrincipalName": name} if self._keep_columns else NOTHING
        return self._admission.admit(row, mail, id=id_, columns=columns, look=Look(NAMES, lambda _: (name,)))

    def _told(self, error: GraphError) -> Exception:
        if error.status == 403:
            return PermissionMissing(
                f"the directory may not be listed: {error}",
                hint=f"Give the application {self._permission}, or list the mailboxes in a file: input.path.",
            )
        if error.status in (400, 404):
            hint = (
                f"Check input.users: {literal(self._filter)} is the filter." if self._filter else "Check input.group."
            )
            return InputError(f"the directory refuses the question: {error}", hint=hint)
        return error
