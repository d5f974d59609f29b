"""Gives every mailbox the rules of the job: makes those that are missing, and puts right those that differ.

A rule is known by its name. Its members are compared by what they mean; a part that differs is written as a whole,
because the service replaces the whole of it. What the job does not name stays as it is, and so do all other rules.
"""

import math
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change, Mailbox, Row
from bulkmail.task.changes import told_before
from bulkmail.task.declare import task
from bulkmail.task.permissions import Needs, all_of
from bulkmail.tasks.kit.collection import tolerated
from bulkmail.tasks.kit.folders import PERMISSION, id_of
from bulkmail.tasks.rules.fields import same
from bulkmail.tasks.rules.inbox import NEW, RULE, Rule, change, create, rules_of
from bulkmail.tasks.rules.undo import undo
from bulkmail.tasks.rules.wanted import RulesApplyOptions

COLUMNS = {
    "mailbox": "address as the input gives it",
    "name": "name of the rule",
    "action": "create or update",
    "before": "the members that differ, as they were; empty for a new rule",
    "after": "the members that differ, or all of a new rule, as they are now or would be",
    "state": "planned or done; read_only: the rule cannot be changed through Graph, and was left",
}


class Step(NamedTuple):
    """What a rule of the job comes to in one mailbox: the rule that is there, and what is to be written."""

    name: str
    rule: Rule | None
    after: Mapping[str, Any]

    @property
    def key(self) -> str:
        return NEW + self.name if self.rule is None else RULE + self.rule.id


def needs(options: RulesApplyOptions) -> Needs:
    named = hasattr(options, "rules") and options.name_folders
    return all_of("MailboxSettings.ReadWrite", *((PERMISSION,) if named else ()))


@task(
    "rules.apply",
    summary="Gives every mailbox the inbox rules of the job, by name, and corrects those that differ",
    needs=needs,
    options=RulesApplyOptions,
    columns=COLUMNS,
    key_columns=("name",),
    writes=True,
    undo=undo,
)
async def rules_apply(mailbox: Mailbox, graph: Graph, options: RulesApplyOptions) -> AsyncIterator[Row]:
    """A row for each rule that is made or differs."""
    del mailbox
    there = await rules_of(graph)
    found = {path: await id_of(graph, path) for path in _paths(options)}
    bodies = sorted((rule.body(found) for rule in options.rules), key=_place)
    state = "planned" if graph.planning else "done"
    earlier = told_before(graph.made)
    refusal: GraphError | None = None
    for step in steps(bodies, there):
        if step.rule is not None and step.rule.read_only:
            yield _row(step.name, _change(step), "read_only")
            continue
        told = await tolerated(lambda step=step: _write(graph, step))  # type: ignore[misc]
        if isinstance(told, GraphError):
            refusal = refusal or told
            continue
        yield _row(step.name, _joined(earlier.pop(step.key, None), _change(step)), state)
    names = {RULE + rule.id: rule.name for rule in there}
    for key, made in earlier.items():  # what a process that died has written, and needs no more
        yield _row(names.get(key, key.removeprefix(NEW)), made, state)
    if refusal is not None:
        raise refusal


def steps(bodies: Sequence[Mapping[str, Any]], there: Sequence[Rule]) -> Iterator[Step]:
    """What is to be written, in the order of `bodies`. Of several rules with one name the first that can be changed is
    meant. A new one comes after all others, unless the job gives it a place."""
    last = max((rule.sequence for rule in there), default=0)
    for body in bodies:
        named = sorted((rule for rule in there if rule.name == body["displayName"]), key=lambda rule: rule.read_only)
        if not named:
            last = max(last + 1, body.get("sequence", 0))
            yield Step(body["displayName"], None, {"sequence": last, "isEnabled": True, **body})
            continue
        differing = {name: one for name, one in body.items() if not same(name, named[0].props.get(name), one)}
        if differing:
            yield Step(body["displayName"], named[0], differing)


def _place(body: Mapping[str, Any]) -> float:
    """Rules that are given a place come first, in their order, so that none of them is moved by one that follows."""
    place: float = body.get("sequence", math.inf)
    return place


async def _write(graph: Graph, step: Step) -> None:
    if step.rule is not None:
        await change(graph, step.rule, step.after)
        return
    await create(graph, step.after, step.key, find=lambda rules: _named(rules, step.name))


def _named(rules: Sequence[Rule], name: str) -> Rule | None:
    return next((rule for rule in rules if rule.name == name and not rule.read_only), None)


def _paths(options: RulesApplyOptions) -> Iterator[str]:
    yield from dict.fromkeys(path for rule in options.rules for path in rule.folders.values())


def _change(step: Step) -> Change:
    before = None if step.rule is None else {name: step.rule.props.get(name) for name in step.after}
    return Change(step.key, before, step.after)


def _joined(earlier: Change | None, later: Change) -> Change:
    """What two processes made of one rule."""
    if earlier is None or earlier.before is None or later.before is None:
        return later
    return Change(later.key, {**later.before, **earlier.before}, {**earlier.after, **later.after})


def _row(name: str, made: Change, state: str) -> Row:
    action = "create" if made.before is None else "update"
    return {"name": name, "action": action, "before": made.before, "after": made.after, "state": state}
