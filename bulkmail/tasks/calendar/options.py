"""What a job may say of the permissions of calendars: which calendars, and which role for whom. Sends nothing."""

from collections.abc import Mapping

from pydantic import Field, field_validator

from bulkmail.errors import InputError
from bulkmail.model import Mailbox
from bulkmail.source.address import clean, is_address
from bulkmail.task.declare import Options
from bulkmail.tasks.calendar.grants import ORGANIZATION, ROLES, SPELLED, Which
from bulkmail.tasks.kit.template import checked, fill, has_holes

EXTERNAL = "external"
"""Stands for every grantee outside the tenant who has a permission and is not named by address."""

REMOVE = "remove"
"""In place of a role: the permission is taken away."""


class PermissionsReportOptions(Options):
    """Which calendars."""

    calendars: Which = Field("all", description="all of the mailbox's own, or default: one request a mailbox")


class PermissionsApplyOptions(Options):
    """Who gets which role, and in which calendars."""

    calendars: Which = Field("default", description="default, or all of the mailbox's own")
    roles: Mapping[str, str] = Field(
        min_length=1,
        description='grantee to role: "My Organization", an address, {Column}, or external (each outside '
        f"with a role); {', '.join(ROLES)}, or remove",
    )

    def templates(self) -> Mapping[str, str]:
        """The grantees."""
        return {"roles": " ".join(self.roles)}

    def roles_of(self, mailbox: Mailbox) -> Mapping[str, str]:
        """The rules for one mailbox: a grantee that is a column of its row filled in, and left out where that cell is
        blank; the owner of the mailbox is left out, too. Raises InputError for a cell that is not an address, and for a
        grantee that comes twice."""
        found: dict[str, str] = {}
        for name, role in self.roles.items():
            grantee = clean(fill(name, mailbox)) if has_holes(name) else name
            if not grantee or grantee.casefold() == mailbox.address.casefold():
                continue
            if has_holes(name) and not is_address(grantee):
                raise InputError(f"row {mailbox.row}: roles: {grantee[:60]!r} is not an address")
            if grantee.casefold() in {one.casefold() for one in found}:
                raise InputError(f"row {mailbox.row}: roles: {grantee[:60]!r} has two rules")
            found[grantee] = role
        return found

    @field_validator("roles")
    @classmethod
    def _known(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        found = {_grantee(name): _role(name, role) for name, role in value.items()}
        if len({name.casefold() for name in found}) < len(value):
            raise ValueError("names a grantee twice")
        if found.get(ORGANIZATION) == REMOVE:
            raise ValueError(f'the permission of {ORGANIZATION} cannot be removed; its role can be "none"')
        return found


def _grantee(name: str) -> str:
    text = name.strip()
    if has_holes(text):
        return checked(text)
    for word in (ORGANIZATION, EXTERNAL):
        if text.casefold() == word.casefold():
            return word
    if not is_address(text):
        raise ValueError(f'{text[:60]!r} is neither "{ORGANIZATION}" nor "{EXTERNAL}" nor an address')
    return text


def _role(name: str, role: str) -> str:
    text = role.strip().casefold()
    if text != REMOVE and SPELLED.get(text) not in ROLES:
        raise ValueError(f"{name}: {role[:40]!r} should be {', '.join(ROLES)} or {REMOVE}")
    return SPELLED.get(text, REMOVE)
