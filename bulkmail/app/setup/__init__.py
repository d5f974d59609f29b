"""Sets an application up: makes the key, registers the application, consents, tries it, writes a job. No terminal.

Every step looks before it does anything, so a set-up that was interrupted goes on where it was, and one that is
repeated changes nothing.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import NamedTuple, TypeVar

from bulkmail.app.setup.administrator import Administrator
from bulkmail.app.setup.rollover import REMOVAL, ROLLOVER
from bulkmail.app.setup.site import Look, Site, Step
from bulkmail.app.setup.steps import SETUP
from bulkmail.app.setup.wish import Wish
from bulkmail.errors import GraphError, OutcomeUnknown, PermissionMissing, ServiceDown

T = TypeVar("T")

__all__ = ["REMOVAL", "ROLLOVER", "SETUP", "Administrator", "Look", "Site", "Step", "Told", "Wish", "set_up"]


class Told(NamedTuple):
    """A step as it was found, or after it was made."""

    step: Step
    state: str
    text: str


ROLE = (
    "Sign in as an Application Administrator; for admin consent, as a Privileged Role Administrator. The same command "
    "goes on."
)
PERHAPS = "It may have been done: the same command looks first, and does nothing twice."

DONE, MADE, WOULD = "there", "done", "would"
"""States of a step: there was nothing to do; it was done now; it would be done, were this not a dry run."""


async def set_up(
    site: Site,
    steps: Sequence[Step],
    *,
    sign_in: Callable[[], Awaitable[Administrator]],
    agree: Callable[[Step, Look], Awaitable[bool]],
    dry_run: bool = False,
) -> AsyncIterator[Told]:
    """Takes the steps in their order, and tells of each. `agree` is asked before anything is done; where it says no,
    that was the last step. `sign_in` is called once, before the first step that is not local."""
    for step in steps:
        if not step.local and site.administrator is None:
            site.administrator = await sign_in()
        look = await _told_apart(step, step.look(site))
        if look.done or dry_run:
            yield Told(step, DONE if look.done else WOULD, look.text)
            continue
        if not await agree(step, look):
            return
        yield Told(step, MADE, await _told_apart(step, step.make(site)))


async def _told_apart(step: Step, work: Awaitable[T]) -> T:
    """The result of `work`; what the directory refuses, or does not answer, is told with what to do.

    Raises PermissionMissing and ServiceDown for these.
    """
    try:
        return await work
    except GraphError as error:
        if error.status != 403:
            raise
        raise PermissionMissing(f"{step.name}: {error}", hint=ROLE) from None
    except OutcomeUnknown as error:
        raise ServiceDown(f"{step.name}: {error}", hint=PERHAPS) from None
