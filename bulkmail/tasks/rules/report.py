"""Reports the inbox rules of a mailbox, a row each: what a rule does, to whom it sends mail, and how grave that is.

One request a mailbox; where rules name folders, one more for all folders, and a few for well-known names. Forwarding
that is set on the mailbox itself is not a rule, and Graph does not show it.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Row
from bulkmail.task.declare import task
from bulkmail.task.permissions import Needs, all_of
from bulkmail.tasks.kit import folders
from bulkmail.tasks.rules.domains import PERMISSION, with_domains
from bulkmail.tasks.rules.fields import FOLDERS, PARTS, TEXTS, part, says
from bulkmail.tasks.rules.folders import DELETED, Place, places
from bulkmail.tasks.rules.inbox import Rule, rules_of
from bulkmail.tasks.rules.judge import Side
from bulkmail.tasks.rules.options import RulesReportOptions

COLUMNS = {
    "mailbox": "address as the input gives it",
    "rule_id": "the rule's id, for rules.remove",
    "name": "name of the rule",
    "sequence": "its place in the order in which rules are carried out",
    "enabled": "whether it is on",
    "read_only": "whether it cannot be changed through Graph",
    "in_error": "whether the service finds it in error",
    "conditions": "when it acts, in words; empty: on every message",
    "exceptions": "when it does not act, in words",
    "actions": "what it does, in words, folders by path",
    "purpose": "forwards, deletes, hides (moves to where no one looks, or marks as read and moves); several in CSV are "
    "separated by semicolons",
    "words": "security words in its conditions",
    "recipients": "to whom it sends mail; one without an address by its name",
    "external": "the recipients outside the tenant; empty where there are none",
    "unknown": "the recipients of whom that cannot be told",
    "severity": "high: it is on and sends mail outside; medium: it is on, and a recipient is unknown, or it deletes or "
    "hides what holds a security word; low: all others that forward, delete or hide, and any that is off; none",
    "conditions_json": "conditions as the service has them",
    "exceptions_json": "exceptions as the service has them",
    "actions_json": "actions as the service has them",
}


def needs(options: RulesReportOptions) -> Needs:
    paths = (folders.PERMISSION,) if options.folders == "path" else ()
    return all_of("MailboxSettings.Read", *paths, *((PERMISSION,) if options.ask_domains else ()))


@task(
    "rules.report",
    summary="Inbox rules of each mailbox: what they do, and to whom outside they send mail",
    needs=needs,
    options=RulesReportOptions,
    columns=COLUMNS,
    key_columns=("rule_id",),
    once=with_domains,
    finding=lambda row: bool(row["severity"] == "high"),
)
async def rules_report(mailbox: Mailbox, graph: Graph, options: RulesReportOptions) -> AsyncIterator[Row]:
    """A row for each rule, in the order in which they are carried out."""
    del mailbox
    rules = await rules_of(graph)
    if options.only == "external":
        rules = [rule for rule in rules if options.on(Side.EXTERNAL, rule.recipients)]
    named = (part(rule.props, "actions").get(name) for rule in rules for name in FOLDERS)
    asked = [folder for folder in named if isinstance(folder, str)] if options.folders == "path" else []
    found = await places(graph, asked)
    for rule in rules:
        yield row_of(rule, found, options)


def row_of(rule: Rule, found: Mapping[str, Place], options: RulesReportOptions) -> Row:
    """The row of one rule; `found` are the folders that are known, by their ids."""
    paths = {folder: place.path for folder, place in found.items()}
    sides = {side: options.on(side, rule.recipients) for side in (Side.EXTERNAL, Side.UNKNOWN)}
    purposes, words = purpose(rule, found), _words(rule, options)
    return {
        "rule_id": rule.id,
        "name": rule.name,
        "sequence": rule.sequence,
        "enabled": rule.enabled,
        "read_only": rule.read_only,
        "in_error": rule.in_error,
        **{name: says(part(rule.props, name), paths) for name in PARTS},
        "purpose": purposes,
        "words": words,
        "recipients": rule.recipients,
        "external": sides[Side.EXTERNAL],
        "unknown": sides[Side.UNKNOWN],
        "severity": _severity(rule, purposes, words, sides),
        **{f"{name}_json": rule.props.get(name) for name in PARTS},
    }


def purpose(rule: Rule, found: Mapping[str, Place]) -> list[str]:
    """What a rule is for, as far as it keeps mail from its reader or sends it elsewhere."""
    actions = part(rule.props, "actions")
    moves = actions.get("moveToFolder")
    place = found.get(moves, Place("")) if isinstance(moves, str) else Place("")
    deletes = actions.get("delete") is True or actions.get("permanentDelete") is True or place.known in DELETED
    hides = place.hides or (bool(moves) and actions.get("markAsRead") is True)
    does = {"forwards": bool(rule.recipients), "deletes": deletes, "hides": hides}
    return [name for name, so in does.items() if so]


def _words(rule: Rule, options: RulesReportOptions) -> list[str]:
    """The security words that a rule looks for; a word counts within a longer text."""
    conditions: Mapping[str, Any] = part(rule.props, "conditions")
    lists = (conditions.get(name) for name in TEXTS)
    texts = [str(text).casefold() for one in lists if isinstance(one, list) for text in one]
    return [word for word in options.words if any(word.casefold() in text for text in texts)]


def _severity(rule: Rule, purposes: list[str], words: list[str], sides: Mapping[Side, list[str]]) -> str:
    if not purposes:
        return "none"
    if not rule.enabled:
        return "low"
    if sides[Side.EXTERNAL]:
        return "high"
    buries = bool(words) and purposes != ["forwards"]
    return "medium" if sides[Side.UNKNOWN] or buries else "low"
