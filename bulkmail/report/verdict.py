"""The first sentence of a telling: what came of the run, so that the rest need be read only if it is not well."""

from collections.abc import Callable, Mapping

from bulkmail.model import Ending, Status
from bulkmail.report.view import View
from bulkmail.text import counted, one_line


def verdict(view: View) -> str:
    """A sentence or two, without a full stop."""
    return _BY_STANDING[view.standing](view)


def mailboxes(number: int) -> str:
    return counted(number, "mailbox", "mailboxes")


def _ended(view: View) -> str:
    manifest = view.manifest
    if manifest.state == "failed":
        return f"failed: {one_line(manifest.reason)}"
    if manifest.state == "stopped":
        left = manifest.statuses.get(Status.NOT_RUN, 0)
        return f"stopped early: {one_line(manifest.reason)}; {mailboxes(left)} not run"
    told = [_work_done(view), *_not_ok(view)]
    if manifest.reason:
        told.insert(0, one_line(manifest.reason))
    return "; ".join(told)


def _work_done(view: View) -> str:
    manifest, made = view.manifest, view.written
    total = sum(manifest.statuses.values())
    if not total:
        return "nothing done: there was no mailbox in the input"
    if manifest.mode == "read" or (manifest.mode == "drift" and manifest.sums.findings):
        return f"{manifest.statuses.get(Status.OK, 0):,} of {mailboxes(total)} ok"
    planned = manifest.changes.get(Ending.PLANNED, 0)
    done = manifest.changes.get(Ending.DONE, 0) + (made.settled if made else 0)
    number = done if manifest.mode == "apply" else planned
    where = f" in {mailboxes(made.mailboxes)}" if made and made.mailboxes else ""
    if manifest.mode == "apply":
        return f"{counted(number, 'change')} {'taken back' if manifest.undo else 'made'}{where}"
    if manifest.mode == "drift":
        return f"{counted(number, 'change')}{where} are needed to follow the rule" if number else "no drift"
    return f"only a plan: {counted(number, 'change')}{' to be taken back' * manifest.undo}{where}"


def _not_ok(view: View) -> list[str]:
    """The mailboxes that a person has to look at."""
    found = view.manifest.statuses
    told = [(found.get(status, 0), word) for status, word in _BAD.items()]
    return [f"{mailboxes(number)} {word}" for number, word in told if number]


_BAD: Mapping[Status, str] = {
    Status.DENIED: "denied",
    Status.FAILED: "failed",
    Status.UNKNOWN: "may or may not have been changed",
    Status.NOT_RUN: "not run",
}


def _running(view: View) -> str:
    manifest = view.manifest
    return f"running: process {manifest.pid} on {one_line(manifest.host)!r} holds it"


def _killed(view: View) -> str:
    done = mailboxes(view.manifest.sums.mailboxes)
    return f"killed: no process holds it, and it wrote no end; {done} done and safe, the rest can be resumed"


def _damaged(view: View) -> str:
    return f"damaged: {one_line(view.damage)}; the figures are those before the damage"


_BY_STANDING: Mapping[str, Callable[[View], str]] = {
    "ended": _ended,
    "running": _running,
    "killed": _killed,
    "damaged": _damaged,
}
