"""What a check found: one line for people, one object for programs, and the exit code that all of them come to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bulkmail.errors import BulkmailError
from bulkmail.text import one_line


class Level(StrEnum):
    """The result of a check, the best first. SKIP: it could not be made, because of an earlier one."""

    PASS = "PASS"  # noqa: S105 - a word, not a password
    SKIP = "SKIP"
    WARN = "WARN"
    FAIL = "FAIL"


WARNED = 3
"""The exit code where the gravest finding is a warning: as that of a run which finished and is not all well."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`text` says what was found and `hint` what to do about it. `code` is the exit code that a run would end with for
    this reason; `facts` are the figures in `text`, for programs. `check` is filled in by the one who asked."""

    level: Level
    text: str
    hint: str = ""
    code: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    check: str = ""

    def as_json(self) -> dict[str, Any]:
        told = {"check": self.check, "level": str(self.level), "text": self.text, "hint": self.hint, "code": self.code}
        return told | {"facts": dict(self.facts)}


def passed(text: str, **facts: Any) -> Finding:
    return Finding(Level.PASS, text, facts=facts)


def warned(text: str, hint: str, **facts: Any) -> Finding:
    return Finding(Level.WARN, text, hint, WARNED, facts)


def failed(text: str, hint: str, code: int, **facts: Any) -> Finding:
    return Finding(Level.FAIL, text, hint, code, facts)


def skipped(text: str) -> Finding:
    return Finding(Level.SKIP, text)


def refused(error: BulkmailError) -> Finding:
    """The finding for an error that would end a run."""
    text = "; ".join(map(one_line, str(error).splitlines()))
    return failed(text, one_line(error.hint) or "Correct that, and check again.", error.exit_code)


def exit_code(findings: Iterable[Finding]) -> int:
    """That of the gravest finding; among failures that of the first, which is what a run would end with."""
    worst, code = Level.PASS, 0
    ranks = list(Level)
    for one in findings:
        if ranks.index(one.level) > ranks.index(worst):
            worst, code = one.level, one.code
    return code
