"""The commands that a run is followed by: complete, quoted for the shell, and never doing more than what was reviewed.

What may be run again is looked up by what a repetition does (`model.Effect`) and by how the mailbox ended. Something
that leaves no trace, and was or may have been sent, is never offered again.
"""

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from bulkmail.model import Effect, Ending, Status
from bulkmail.rundir.manifest import Manifest

SEND_AGAIN = "--send-again-what-may-have-been-sent"

_SAFE = frozenset({Status.FAILED, Status.UNKNOWN, Status.NOT_RUN})
_NEVER = frozenset[Status]()
OFFERED: Mapping[Effect, frozenset[Status]] = MappingProxyType(
    {
        Effect.READ: _SAFE,
        Effect.IDEMPOTENT: _SAFE,  # absolute values: the second time changes nothing
        Effect.VERIFIED: _SAFE,  # it looks before it writes
        Effect.KEYED: _SAFE,  # it is looked for by its key
        Effect.NONE: _NEVER,
    }
)
"""How mailboxes ended that are offered to be run again, by the gravest effect that was or may have been had in them.

Denied and absent mailboxes end in the same way again until something else has changed, so those are not offered.
"""


class Step(NamedTuple):
    """Something to do next. `command` is empty where there is none to run, and only `why` is told."""

    why: str
    command: str = ""


_BARE = re.compile(r"[\w.:\\/=+-]+")  # to PowerShell and to cmd, which differ in nearly all else


def quoted(*words: str | Path, windows: bool = os.name == "nt") -> str:
    """A command line for a POSIX shell or, on Windows, for PowerShell; cmd reads it alike, but for a dollar sign or a
    backtick, for which the two have no quotes in common."""
    texts = list(map(str, words))
    return " ".join(map(_quoted_on_windows, texts)) if windows else shlex.join(texts)


def _quoted_on_windows(text: str) -> str:
    if _BARE.fullmatch(text):
        return text
    if "$" in text or "`" in text:
        return "'" + text.replace("'", "''") + "'"
    escaped = re.sub(r'(\\*)"', r"\1\1\"", text)
    return '"' + re.sub(r"(\\+)\Z", r"\1\1", escaped) + '"'


def next_steps(manifest: Manifest, folder: Path) -> list[Step]:
    """What there is to do after a run, the most likely first."""
    if manifest.state != "finished":
        return [_go_on(manifest, folder)]
    if manifest.mode in ("plan", "drift") and manifest.changes.get(Ending.PLANNED):
        return [Step("when you have reviewed records.csv", quoted("bulkmail", "apply", folder))]
    return [*_retries(manifest, folder), *_sent(manifest)]


def offered(manifest: Manifest) -> dict[Status, int]:
    """Statuses to mailboxes that may be run again: all of them but those in which something was sent."""
    found = {}
    for status in Status:
        once = manifest.sent_once.get(status, 0)
        again = once if status in OFFERED[Effect.NONE] else 0
        if status in OFFERED[Effect.READ]:
            again += manifest.statuses.get(status, 0) - once
        if again:
            found[status] = again
    return found


def _go_on(manifest: Manifest, folder: Path) -> Step:
    most, made = manifest.limits.get("max_changes", 0), _may_have_been_made(manifest)
    if manifest.state == "stopped" and manifest.mode == "apply" and 0 < most <= made:
        why = f"no more changes are made until the limit is raised; {made:,} were made"
        return Step(why, quoted("bulkmail", "resume", folder, "--max-changes", str(2 * made)))
    return Step("to go on with the rest", quoted("bulkmail", "resume", folder))


def _retries(manifest: Manifest, folder: Path) -> list[Step]:
    statuses = offered(manifest)
    if not statuses or manifest.undo:
        return []
    why = "to plan those that failed again" if manifest.mode == "apply" else "to run those that failed again"
    return [Step(why, quoted("bulkmail", "resume", folder, "--retry", ",".join(statuses)))]


def _sent(manifest: Manifest) -> list[Step]:
    """What a person has to look at before anything is sent once more."""
    number = sum(manifest.sent_once.values())
    if not number:
        return []
    mailboxes = "1 mailbox" if number == 1 else f"{number:,} mailboxes"
    return [
        Step(
            f"in {mailboxes} something was sent, or may have been, that would arrive twice if it were sent again; see "
            "failed.csv, and look there (for messages: in Sent Items)"
        )
    ]


def _may_have_been_made(manifest: Manifest) -> int:
    return manifest.changes.get(Ending.DONE, 0) + manifest.changes.get(Ending.UNKNOWN, 0)
