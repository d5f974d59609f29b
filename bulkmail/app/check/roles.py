"""The roles in the token against what the job needs: what is missing, and what is more than that.

A role that Exchange grants (RBAC for Applications) is not in the token, so what is missing there is judged by what the
sample mailboxes answered (learn.microsoft.com/exchange/permissions-exo/application-rbac).
"""

from collections.abc import Collection

from bulkmail.app.check.seen import Seen
from bulkmail.app.finding import Finding, failed, passed, warned
from bulkmail.config import Input
from bulkmail.errors import PermissionMissing
from bulkmail.model import Status
from bulkmail.source.listing import PERMISSIONS
from bulkmail.task.permissions import Needs, all_of, covers, in_exchange, stated
from bulkmail.text import few

FEW = 6
"""Roles that a line names."""

CONSENT = "Add {lacking} as an application permission, with admin consent: `bulkmail setup` does both."


async def look_at_roles(seen: Seen) -> Finding:
    roles = frozenset(seen.claims.get("roles", ()))
    needs = needed(seen.task.needs(seen.options), seen.job.input)
    lacking, extra = needs.missing(roles), superfluous(needs, roles)
    facts = {"roles": sorted(roles), "missing": list(lacking.names()), "superfluous": extra}
    if lacking and (told := _lacking(seen, lacking)) is not None:
        text, hint, fails = told
        return failed(text, hint, PermissionMissing.exit_code, **facts) if fails else warned(text, hint, **facts)
    text = f"{needs.text or 'none'}: {'granted in Exchange, as the sample shows' if lacking else 'there'}"
    if extra:
        hint = "If no other job of this application needs them, remove them: who gets hold of its key gets them, too."
        return warned(f"{text}; more than this job needs: {few(extra, FEW)}", hint, **facts)
    return passed(text, **facts)


def needed(task: Needs, given: Input) -> Needs:
    """What a job needs in all: its task, and the directory where that lists the mailboxes."""
    origin = given.origins[0] if given.origins else "path"
    return all_of(*(one for one in (task, stated(PERMISSIONS.get(origin, ""))) if one))


def superfluous(needs: Needs, roles: Collection[str]) -> list[str]:
    """Roles without which all is there that was there with them, in the order of the alphabet: of two that do, the one
    that gives more."""
    kept, lacking = set(roles), set(needs.missing(roles).names())
    for role in sorted(roles, key=lambda one: (-sum(covers(one, other) for other in roles), one)):
        if set(needs.missing(kept - {role}).names()) == lacking:
            kept.remove(role)
    return sorted(set(roles) - kept)


def _lacking(seen: Seen, lacking: Needs) -> tuple[str, str, bool] | None:
    """What to say of roles that are not in the token, what to do, and whether that fails; None where all is well."""
    text = f"{lacking.text} is not in the token"
    hint = CONSENT.format(lacking=lacking.text)
    if not all(map(in_exchange, lacking.names())):
        return text, hint, True
    if seen.probe is None:
        return f"{text}, and no mailbox could be asked", f"{hint} Or it is granted in Exchange.", False
    if not any(one.status is Status.OK for one in seen.probe.outcomes):
        return f"{text}, and no mailbox of the sample could be opened", hint, True
    if seen.task.writes:
        more = "Unless it is granted in Exchange (RBAC for Applications), the first write is refused."
        return f"{text}; reading works, and a check does not write", f"{more} {hint}", False
    return None
