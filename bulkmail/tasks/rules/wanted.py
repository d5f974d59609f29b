"""The rules that each mailbox should have, as a job says them: checked, and as the service wants them."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bulkmail.source.address import is_address
from bulkmail.task.declare import Options
from bulkmail.tasks.rules.fields import FOLDERS, MEMBERS, RECIPIENTS, SWITCHES, TEXTS, addresses
from bulkmail.text import nearest

LONGEST = 255
"""Characters of a rule's name."""


class WantedRule(BaseModel):
    """One rule. What is None is left as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(min_length=1, max_length=LONGEST)
    sequence: int | None = Field(None, ge=1, lt=1 << 31)
    enabled: bool | None = None
    conditions: Mapping[str, Any] | None = None
    exceptions: Mapping[str, Any] | None = None
    actions: Mapping[str, Any] = Field(min_length=1)

    @field_validator("conditions", "exceptions")
    @classmethod
    def _predicates(cls, value: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        return None if value is None else checked(value, "conditions")

    @field_validator("actions")
    @classmethod
    def _actions(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        return checked(value, "actions")

    @property
    def folders(self) -> Mapping[str, str]:
        """The members that name a folder, with its path."""
        return {name: self.actions[name] for name in FOLDERS if name in self.actions}

    def body(self, folders: Mapping[str, str]) -> dict[str, Any]:
        """As the service is told it; `folders` are the ids of the folders in this mailbox by their paths."""
        actions = {name: folders[one] if name in FOLDERS else one for name, one in self.actions.items()}
        said = {
            "displayName": self.name,
            "sequence": self.sequence,
            "isEnabled": self.enabled,
            "conditions": self.conditions,
            "exceptions": self.exceptions,
            "actions": actions,
        }
        return {name: value for name, value in said.items() if value is not None}


class RulesApplyOptions(Options):
    """The rules of the job."""

    rules: tuple[WantedRule, ...] = Field(
        min_length=1, description="tables [[task.rules]]: name, sequence, enabled, conditions, exceptions, actions"
    )

    @field_validator("rules")
    @classmethod
    def _apart(cls, value: tuple[WantedRule, ...]) -> tuple[WantedRule, ...]:
        names = [rule.name for rule in value]
        if twice := next((name for name in names if names.count(name) > 1), ""):
            raise ValueError(f"two rules have the name {twice[:60]!r}")
        places = [rule.sequence for rule in value if rule.sequence is not None]
        if len(set(places)) < len(places):
            raise ValueError("two rules have the same sequence")
        return value

    @property
    def name_folders(self) -> bool:
        """Whether a rule names a folder, which has to be found in each mailbox."""
        return any(rule.folders for rule in self.rules)


def checked(members: Mapping[str, Any], part: str) -> dict[str, Any]:
    """Conditions or actions as the service takes them. Raises ValueError that names the member."""
    return {name: _checked(name, value, part) for name, value in members.items()}


def _checked(name: str, value: Any, part: str) -> Any:
    if name not in MEMBERS[part]:
        raise ValueError(f"{name} is not one of the {part} of a rule{nearest(name, sorted(MEMBERS[part]))}")
    if name in RECIPIENTS:
        return _recipients(name, value)
    if name in SWITCHES and not isinstance(value, bool):
        raise ValueError(f"{name} should be true or false")
    if name in TEXTS and not (isinstance(value, list) and value and all(isinstance(text, str) for text in value)):
        raise ValueError(f"{name} should be a list of texts")
    if name in FOLDERS and not (isinstance(value, str) and value.strip("/ ")):
        raise ValueError(f'{name} should be a folder, such as "archive" or "Inbox/Projects"')
    return value


def _recipients(name: str, value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"{name} should be a list of addresses")
    named = [one if isinstance(one, str) else "".join(addresses([one])) for one in value]  # a manifest has objects
    wrong = next((address for address in named if not is_address(address)), None)
    if wrong is not None:
        raise ValueError(f"{name}: {wrong[:60]!r} is not an address")
    return [{"emailAddress": {"name": address, "address": address}} for address in named]
