"""What a job may say of rules: which to report, which to remove, and which each mailbox should have. Sends nothing."""

from collections.abc import Mapping
from functools import cached_property
from typing import Literal

from pydantic import Field, field_validator, model_validator

from bulkmail.errors import InputError
from bulkmail.model import Mailbox
from bulkmail.source.columns import fold
from bulkmail.tasks.kit.files import TableFile
from bulkmail.tasks.rules.domains import DomainOptions
from bulkmail.tasks.rules.inbox import Rule
from bulkmail.tasks.rules.judge import Side

WORDS = (
    "invoice", "payment", "wire transfer", "bank", "password", "security", "phish", "hacked", "fraud", "suspicious",
    "virus", "compromised", "helpdesk", "mfa", "Rechnung", "Zahlung", "Überweisung", "Passwort", "facture", "virement",
    "factura", "contraseña",
)  # fmt: skip
"""What intruders' rules look for: money, and warnings to their victim."""


class RulesReportOptions(DomainOptions):
    """Which rows, and in what detail."""

    only: Literal["all", "external"] = Field("all", description="all, or external: only rules with external recipients")
    folders: Literal["path", "id"] = Field(
        "path", description="folders by their path, which needs Mail.ReadBasic.All; or by their id"
    )
    words: tuple[str, ...] = Field(WORDS, description="words in conditions that are told in the column words")


class RulesRemoveOptions(DomainOptions):
    """Which rules, and what becomes of them: one of `select`, `names` and `list`."""

    how: Literal["disable", "delete"] = Field("disable", description="disable or delete")
    select: Literal["external"] | None = Field(None, description="external: rules that send mail out of the tenant")
    names: tuple[str, ...] = Field((), description="names of rules, in any case; or select, or list")
    list: TableFile | None = Field(
        None, description="a reviewed report of rules.report, CSV or NDJSON: the rules whose rows are left in it"
    )

    @field_validator("names")
    @classmethod
    def _named(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(name.strip() for name in value):
            raise ValueError("should not hold an empty name")
        return value

    @model_validator(mode="after")
    def _one(self) -> "RulesRemoveOptions":
        if sum((self.select is not None, bool(self.names), self.list is not None)) != 1:
            raise ValueError('say which rules with one of select = "external", names and list')
        if self.list is not None and self.list.known:
            _ = self.listed
        return self

    @property
    def ask_domains(self) -> bool:
        return self.select == "external" and self.internal_domains is None

    @cached_property
    def listed(self) -> Mapping[str, frozenset[str]]:
        """Ids of the rules in the list, by the folded address of their mailbox. Raises InputError."""
        found: dict[str, set[str]] = {}
        for number, row in self.list.rows if self.list is not None else ():
            cells = {fold(name): name for name in row}
            mailbox, rule = (row[cells[name]].strip() if name in cells else "" for name in ("mailbox", "ruleid"))
            if not mailbox or not rule:
                path = self.list.path if self.list is not None else ""
                raise InputError(
                    f"{path}: row {number} has no mailbox and rule_id", hint="Use a report of rules.report as it is."
                )
            found.setdefault(mailbox.casefold(), set()).add(rule)
        return {mailbox: frozenset(rules) for mailbox, rules in found.items()}

    def picks(self, mailbox: Mailbox, rule: Rule) -> bool:
        """Whether a rule of this mailbox is meant."""
        if self.names:
            return rule.name.strip().casefold() in {name.strip().casefold() for name in self.names}
        if self.list is not None:
            return rule.id in self.listed.get(mailbox.address.casefold(), frozenset())
        return bool(self.on(Side.EXTERNAL, rule.recipients))
