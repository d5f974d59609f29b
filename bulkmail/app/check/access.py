"""What the directory gives the application: a token, and answers to the questions that the run will ask of it."""

from contextlib import AbstractAsyncContextManager, aclosing

from bulkmail.app.check.seen import Seen
from bulkmail.app.compose import Connection, connected
from bulkmail.app.finding import Finding, failed, passed, warned
from bulkmail.app.input import directory_source
from bulkmail.app.writes import Writes
from bulkmail.errors import InputError, SignInError
from bulkmail.identity.claims import decode
from bulkmail.model import Event, TokenSource
from bulkmail.text import counted

SHORT = 10
"""Minutes of a token's life from which a policy of the tenant is worth a word."""

PAGES = 25
"""Pages of the directory that are read, at 999 users each: more would keep a person waiting."""


async def look_at_token(seen: Seen) -> Finding:
    """Signs in as the run will, which also proves that the certificate is registered."""
    seen.claims = decode(await _tokens(seen).token())
    claims, left = seen.claims, seen.claims.get("minutes_left")
    by = f" with the registered {claims['signed_in_with']}" if claims.get("signed_in_with") else ""
    life = f"; the token lives {counted(left, 'minute')}" if left is not None else ""
    text = f"{claims.get('tenant') or seen.job.app.tenant_id}: signed in{by}{life}"
    if left is not None and left < SHORT:
        hint = "A policy of the tenant makes its tokens short-lived; bulkmail renews them in time, at some cost."
        return warned(text, hint, minutes_left=left)
    return passed(text, minutes_left=left)


async def look_at_directory(seen: Seen) -> Finding:
    """Who there is, if there is no list, and what the task wants to know before its first mailbox."""
    listing = not seen.job.input.paths
    if not listing and seen.task.once is None:
        return passed("nothing is asked of it")
    told = []
    async with _reading(seen) as connection:
        if listing:
            told.append(await _list(seen, connection))
        if seen.task.once is not None:
            await seen.task.once(connection.directory(), seen.options)
            told.append(f"what {seen.task.name} asks before the first mailbox is answered")
    text = "; ".join(told)
    if listing and not seen.mailboxes and not seen.job.output.empty_is_ok:
        return failed(text, "No one matches: look at input.users or input.group.", InputError.exit_code)
    if listing and not seen.mailboxes:
        return warned(text, "No one matches: with output.empty_is_ok a run does nothing, and says that all is well.")
    return passed(text, mailboxes=seen.mailboxes)


async def _list(seen: Seen, connection: Connection) -> str:
    source, pages = directory_source(seen.job.input, connection), 0
    async with aclosing(aiter(source)) as chunks:  # type: ignore[type-var]  # it is an async generator
        async for chunk in chunks:
            seen.sample.look(chunk)
            pages += 1
            if pages == PAGES:
                break
    seen.mailboxes = source.counts.unique
    more = "the first " if pages == PAGES else ""
    return f"{source.name}: {more}{counted(seen.mailboxes, 'mailbox', 'mailboxes')}"


def _reading(seen: Seen) -> AbstractAsyncContextManager[Connection]:
    """A connection through which nothing can be written."""
    return connected(seen.job, _tokens(seen), _ignore, Writes())


def _tokens(seen: Seen) -> TokenSource:
    """Raises SignInError where there is no key."""
    if seen.credential is None:
        raise SignInError("there is no key to sign in with", hint="See certificate.")
    return seen.credential


def _ignore(_event: Event) -> None:
    """Waits and repetitions of a check are not told."""
