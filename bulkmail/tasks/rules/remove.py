"""Takes rules away: switches them off, or deletes them. One that is off already is as it should be.

Rules are written one after another, because the service keeps those of a mailbox in one place.
"""

from collections.abc import AsyncIterator, Iterator, Mapping

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change, Mailbox, Row
from bulkmail.task.changes import told_before
from bulkmail.task.declare import task
from bulkmail.task.permissions import Needs, all_of
from bulkmail.tasks.kit.collection import tolerated
from bulkmail.tasks.rules.domains import PERMISSION, with_domains
from bulkmail.tasks.rules.inbox import OFF, RULE, Rule, change, delete, rules_of
from bulkmail.tasks.rules.options import RulesRemoveOptions
from bulkmail.tasks.rules.undo import undo

COLUMNS = {
    "mailbox": "address as the input gives it",
    "rule_id": "the rule's id",
    "name": "name of the rule",
    "sequence": "its place in the order in which rules are carried out",
    "recipients": "to whom it sends mail; separated by semicolons in CSV",
    "action": "disable or delete",
    "state": "planned or done; read_only: it cannot be changed through Graph, and was left; gone: it was deleted by "
    "someone else in this moment",
}


def needs(options: RulesRemoveOptions) -> Needs:
    return all_of("MailboxSettings.ReadWrite", *((PERMISSION,) if options.ask_domains else ()))


@task(
    "rules.remove",
    summary="Disables or deletes inbox rules: those that send mail outside, those of a name, or those of a list",
    needs=needs,
    options=RulesRemoveOptions,
    columns=COLUMNS,
    key_columns=("rule_id",),
    writes=True,
    undo=undo,
    once=with_domains,
)
async def rules_remove(mailbox: Mailbox, graph: Graph, options: RulesRemoveOptions) -> AsyncIterator[Row]:
    """A row for each rule that is taken away, or cannot be."""
    there = await rules_of(graph)
    earlier = told_before(graph.made)
    state = "planned" if graph.planning else "done"
    refusal: GraphError | None = None
    for rule in there:
        if not options.picks(mailbox, rule) or not (rule.enabled or options.how == "delete"):
            continue
        if rule.read_only:
            yield _row(rule, options.how, "read_only")
            continue
        told = await tolerated(lambda rule=rule: _remove(graph, rule, options.how))  # type: ignore[misc]
        if isinstance(told, GraphError):  # one rule that the service will not change does not keep the others
            refusal = refusal or told
            continue
        earlier.pop(RULE + rule.id, None)
        yield _row(rule, options.how, state if told else "gone")
    for row in _told_before(earlier, there):
        yield {**row, "state": state}
    if refusal is not None:
        raise refusal


async def _remove(graph: Graph, rule: Rule, how: str) -> bool:
    """Returns whether the rule was still there."""
    if how == "disable":
        return await change(graph, rule, OFF)
    await delete(graph, rule)
    return True


def _told_before(earlier: Mapping[str, Change], there: list[Rule]) -> Iterator[Row]:
    """Rules that a process which died had taken away."""
    by_id = {rule.id: rule for rule in there}
    for key, made in earlier.items():
        id_ = key.removeprefix(RULE)
        rule = by_id.get(id_) or Rule.of({**made.before, "id": id_})
        yield _row(rule, "delete" if made.after is None else "disable", "")


def _row(rule: Rule, action: str, state: str) -> Row:
    return {
        "rule_id": rule.id,
        "name": rule.name,
        "sequence": rule.sequence,
        "recipients": rule.recipients,
        "action": action,
        "state": state,
    }
