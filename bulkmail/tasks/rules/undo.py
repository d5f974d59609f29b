"""Takes back what a run has made of the rules of a mailbox, each that still stands as the run left it.

What was changed is put back as it was read, and what was deleted is made again at its place in the order, with a new
id. The service finds out anew whether a rule is in error.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from bulkmail.graph import Graph
from bulkmail.model import Change, Made, Mailbox, Row
from bulkmail.task.changes import summed
from bulkmail.tasks.kit import restore
from bulkmail.tasks.kit.restore import Result
from bulkmail.tasks.rules.fields import OWN, kept, same
from bulkmail.tasks.rules.inbox import NEW, RULE, Rule, change, create, delete, rules_of


async def undo(mailbox: Mailbox, graph: Graph, options: Any, made: Sequence[Made]) -> AsyncIterator[Row]:
    """A row for each rule. Those to be made again come in their order, so that each finds its place free."""
    del mailbox, options
    there = await rules_of(graph)
    for one in sorted(summed(made), key=_place):
        rule = _find(there, one)
        result = restore.result_of(one, rule, _holds_anywhere if one.key.startswith(NEW) else _holds)
        if result is Result.RESTORED:
            result = await _take_back(graph, rule, one)
        found = kept(rule.props) if rule is not None else None
        yield restore.row(one.key, result, restored=one.before, found=found)


async def _take_back(graph: Graph, rule: Rule | None, made: Change) -> Result:
    if rule is None:
        await create(graph, made.before, made.key, find=lambda rules: _find(rules, made))
    elif made.before is None:
        await delete(graph, rule, made.key)
    elif not await change(graph, rule, made.before):
        return Result.GONE
    return Result.RESTORED


def _place(made: Change) -> tuple[bool, int]:
    """What the run has made goes first, then come the others in the order of the rules."""
    before = made.before or {}
    return made.before is not None, before.get("sequence") or 0


def _find(rules: Sequence[Rule], made: Change) -> Rule | None:
    """The rule that a change is about: by its id, or by what it holds where it was made anew; by its name where the
    run made it."""
    if made.key.startswith(NEW):
        name = made.key.removeprefix(NEW)
        return next((rule for rule in rules if rule.name == name and not rule.read_only), None)
    found = next((rule for rule in rules if rule.id == made.key.removeprefix(RULE)), None)
    if found is None and made.after is None:
        found = next((rule for rule in rules if _holds(rule, made.before)), None)
    return found


def _holds(rule: Rule, values: Any) -> bool:
    """Whether a rule says what `values` say of it."""
    return all(same(name, rule.props.get(name), value) for name, value in values.items() if name in OWN)


def _holds_anywhere(rule: Rule, values: Any) -> bool:
    """The same, wherever it stands in the order: other rules move a rule when they take its place."""
    return _holds(rule, {name: value for name, value in values.items() if name != "sequence"})
