"""What is to be set up: which application, in which tenant, for which tasks, and where its files lie. Asks no one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bulkmail.app.check.roles import needed
from bulkmail.config import App, Input, Job
from bulkmail.errors import UsageError
from bulkmail.task.permissions import Needs, in_exchange
from bulkmail.tasks import check_options, find

SECRET = ".pass"  # noqa: S105 - the name of a file
PRIVATE, PUBLIC, LISTED = ".pfx", ".cer", ".keycredentials.json"


@dataclass(frozen=True, slots=True)
class Wish:
    """`app` is the [app] table as it is to be; its `client_id` is empty until there is an application. `keys` is the
    path of the key files without their suffix. With a `scope`, the name of a management scope in Exchange, what
    Exchange can grant is granted there, for the mailboxes of that scope alone."""

    app: App
    name: str
    tasks: tuple[str, ...]
    roles: tuple[str, ...]
    job: Path
    keys: Path
    input: Input
    scope: str = ""
    days: int = 365
    key_size: int = 3072

    @property
    def consented(self) -> tuple[str, ...]:
        """The roles that are granted in Entra, for the whole tenant."""
        return tuple(role for role in self.roles if not (self.scope and in_exchange(role)))

    @property
    def scoped(self) -> tuple[str, ...]:
        """The roles that are granted in Exchange, for the scope."""
        return tuple(role for role in self.roles if role not in self.consented)

    def file(self, suffix: str) -> Path:
        """One of the key files."""
        return self.keys.with_name(f"{self.keys.name}{suffix}")


def least_roles(names: Iterable[str], given: Input, job: Job | None = None) -> tuple[str, ...]:
    """The least permissions of these tasks, and of the way in which the mailboxes are found; with the options of the
    job where it has the task. Raises ConfigError for a task that there is not."""
    found = dict[str, None]()
    for name in names:
        folder = job.path.parent if job else Path()
        task = find(name, folder)
        own = job is not None and job.task.name == name
        options = check_options(task, job.task.options, folder) if job and own else task.options.model_construct()
        found |= dict.fromkeys(least(needed(task.needs(options), given)))
    return tuple(sorted(found))


def least(needs: Needs) -> Iterator[str]:
    """Of alternatives the first, which a task names because it gives least."""
    for part in needs.parts if needs.all else needs.parts[:1]:
        if isinstance(part, Needs):
            yield from least(part)
        else:
            yield part


def free_name(keys: Path) -> Path:
    """The next name for the files of a successor: `contoso-2` after `contoso`, `contoso-3` after that. Files of a
    successor that is not in use yet are taken up again by the one who asks."""
    stem, dash, number = keys.name.rpartition("-")
    base, count = (stem, int(number)) if dash and number.isdecimal() else (keys.name, 1)
    return keys.with_name(f"{base}-{count + 1}")


def require_stem(name: str) -> str:
    """A name that files can have. Raises UsageError."""
    near = "".join(one if one.isalnum() or one in "-_." else "-" for one in name).strip("-.")
    if not near:
        raise UsageError(f"{name!r} is not a name that files can have", hint="Give letters, such as bulkmail.")
    return near.lower()
