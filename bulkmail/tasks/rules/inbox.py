"""The rules of one mailbox: reads and writes them; decides nothing. Only the inbox has rules."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self

from bulkmail.core.odata import segment
from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change
from bulkmail.tasks.kit import expect, match
from bulkmail.tasks.rules.fields import kept, recipients

PATH = "/mailFolders/inbox/messageRules"
RULE, NEW = "rule:", "new rule:"
"""What the keys of changes begin with, before the id of a rule that was there, or the name of one that is made."""

OFF = {"isEnabled": False}
"""What a rule is told that is switched off."""


class Rule(NamedTuple):
    """One rule as it was read. A `read_only` one cannot be changed through Graph."""

    id: str
    name: str
    sequence: int
    enabled: bool
    read_only: bool
    in_error: bool
    props: Mapping[str, Any]

    @classmethod
    def of(cls, body: Any) -> Self:
        item = expect.an_item(body, "a rule")
        return cls(
            item["id"],
            expect.text(item, "displayName"),
            expect.number(item, "sequence"),
            item.get("isEnabled") is True,
            item.get("isReadOnly") is True,
            item.get("hasError") is True,
            item,
        )

    @property
    def recipients(self) -> list[str]:
        return recipients(self.props)


async def rules_of(graph: Graph) -> list[Rule]:
    """All rules, in the order in which they are carried out."""
    found = [Rule.of(one) async for one in graph.items(PATH)]
    return sorted(found, key=lambda rule: rule.sequence)


async def change(graph: Graph, rule: Rule, after: Mapping[str, Any]) -> bool:
    """Sets these members, each as a whole; false if the rule is gone meanwhile."""
    before = {name: rule.props.get(name) for name in after}
    try:
        await graph.patch(PATH + "/{}", dict(after), rule.id, change=Change(RULE + rule.id, before, dict(after)))
    except GraphError as error:
        if (error.status, error.code) != (404, "ErrorItemNotFound"):
            raise
        return False
    return True


async def create(
    graph: Graph, body: Mapping[str, Any], key: str, *, find: Callable[[Sequence[Rule]], Rule | None]
) -> None:
    """Makes a rule; when the answer is lost, `find` tells it among the rules. `key` is the change's."""

    async def look() -> Any:
        found = find(await rules_of(graph))
        return None if found is None else found.props

    await graph.create(PATH, dict(body), change=Change(key, None, dict(body)), find=look)


async def delete(graph: Graph, rule: Rule, key: str = "") -> None:
    """Deletes a rule, which may be gone already. `key` is the change's."""
    await match.remove(graph, f"{PATH}/{segment(rule.id)}", Change(key or RULE + rule.id, kept(rule.props), None))
