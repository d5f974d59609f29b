"""Application permissions as data: which ones a task needs, which of these an application lacks, and both in words.

    all_of("Mail.ReadWrite", any_of("Contacts.Read", "Contacts.ReadWrite"))

learn.microsoft.com/graph/permissions-reference
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TypeAlias

_LEVEL = re.compile(r"(?P<resource>[\w-]+)\.(?P<level>ReadBasic|Read|ReadWrite)(?:\.All)?")
_LEVELS = ("ReadBasic", "Read", "ReadWrite")
"""Each gives what those before it give. An application permission is for all mailboxes, with `.All` and without."""

IN_EXCHANGE = ("Mail.", "MailboxSettings.", "Calendars.", "Contacts.")
"""How the names of permissions begin that RBAC for Applications can grant, for some mailboxes only."""


@dataclass(frozen=True, slots=True)
class Needs:
    """All of its parts, or any one of them. It is false where nothing is needed."""

    parts: tuple["str | Needs", ...]
    all: bool = True

    def __bool__(self) -> bool:
        return bool(self.parts)

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """For people: `Mail.ReadWrite and (Contacts.Read or Contacts.ReadWrite)`."""
        if len(self.parts) == 1:
            return str(self.parts[0])
        return (" and " if self.all else " or ").join(_text(part) for part in self.parts)

    def names(self) -> Iterator[str]:
        """Every permission that is named in it."""
        for part in self.parts:
            if isinstance(part, Needs):
                yield from part.names()
            else:
                yield part

    def missing(self, roles: Collection[str]) -> "Needs":
        """What an application with these roles lacks; false if it lacks nothing. `roles` are those of its token."""
        lacking = tuple(lack for part in self.parts if (lack := _missing(part, roles)))
        if self.all:
            return Needs(lacking)
        return NOTHING_NEEDED if len(lacking) < len(self.parts) else self


Part: TypeAlias = str | Needs

NOTHING_NEEDED = Needs(())


def all_of(*parts: Part) -> Needs:
    """Every one of these."""
    return Needs(parts)


def any_of(*parts: Part) -> Needs:
    """One of these, whichever. Raises ValueError for none at all, which no application could have."""
    if not parts:
        raise ValueError("any_of needs at least one permission")
    return Needs(parts, all=False)


def stated(text: str) -> Needs:
    """The short form, `Mail.Read` or `Mail.ReadWrite and Mail.Send`."""
    return all_of(*filter(None, map(str.strip, text.split(" and "))))


def covers(role: str, wanted: str) -> bool:
    """Whether a role gives what a permission gives: itself, or more of the same, as Mail.ReadWrite gives Mail.Read."""
    if role == wanted:
        return True
    has, wants = _LEVEL.fullmatch(role), _LEVEL.fullmatch(wanted)
    if not has or not wants or has["resource"] != wants["resource"]:
        return False
    return _LEVELS.index(has["level"]) >= _LEVELS.index(wants["level"])


def in_exchange(permission: str) -> bool:
    """Whether Exchange can grant it as a role (RBAC for Applications), which then is not in the token."""
    return permission.startswith(IN_EXCHANGE)


def _missing(part: Part, roles: Collection[str]) -> "Part | None":
    if isinstance(part, Needs):
        return part.missing(roles) or None
    return None if any(covers(role, part) for role in roles) else part


def _text(part: Part) -> str:
    if isinstance(part, Needs):
        return f"({part.text})" if len(part.parts) > 1 else part.text
    return part
