"""What is tortured: a task of each effect class, its job, and the troubles of its tenant. A table; does nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SETTLE = 0.5
"""Seconds that a job waits before it looks for a write whose answer was lost."""

LATE = 0.3
"""Seconds after which a late effect takes place: less than SETTLE, as the promise has it."""

READ_FAULTS = (
    "reset-before:share=0.03", "lost:share=0.03", "reset-in-body:share=0.02", "gateway:share=0.03",
    "status:status=503,share=0.03", f"late:share=0.02,seconds={LATE}",
)  # fmt: skip
WRITE_FAULTS = (
    "reset-before:share=0.03,times=1", "lost:share=0.08,times=1", f"late:share=0.08,times=1,seconds={LATE}",
    "gateway:share=0.05,times=1", "status:status=503,share=0.02,times=1",
)  # fmt: skip
FIRST_LIST = "id,Name,Mail\n1,Ada Lovelace,ada@example.com\n2,Bo Ek,bo@example.com\n3,Eve Ng,eve@example.com\n"
NEXT_LIST = "id,Name,Mail\n1,Ada Lovelace,ada@example.com\n2,Bo Ek,bo.ek@example.com\n4,Ida Ö,ida@example.com\n"


@dataclass(frozen=True, slots=True)
class Trial:
    """`table` is the `[task]` of the job, and `files` what it names. With `before`, an undisturbed run with these
    files instead comes first. `kinds` are what the tenant holds and is compared with that of the twin. `once` finds
    the routes, in the books, that may work once for a key. Of `doubtful` tasks mailboxes may end `unknown`. Where
    things are `placed` into folders that all mailboxes have, it is compared in which they lie."""

    name: str
    effect: str
    table: str
    kinds: Sequence[str] = ()
    once: str = ""
    doubtful: bool = False
    faults: Sequence[str] = WRITE_FAULTS
    files: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)
    placed: bool = False

    @property
    def writes(self) -> bool:
        return self.effect != "read"


def _contacts(name: str, effect: str, files: str, before: str) -> Trial:
    table = 'name = "contacts.sync"\ncontacts = "list.csv"\nfolder = "Company"\nkey_column = "id"'
    return Trial(
        name, effect, f'{table}\n[task.columns]\ndisplayName = "Name"\nemailAddresses = "Mail"',
        kinds=("contact_folders", "contacts"), once="POST", files={"list.csv": files},
        before={"list.csv": before} if before else {},
    )  # fmt: skip


def _letter(name: str, effect: str, mode: str, *, doubtful: bool) -> Trial:
    return Trial(
        name, effect,
        f'name = "mail.send"\ncampaign = "torture"\nsubject = "To {{mailbox}}"\nbody = "Hello"\nmode = "{mode}"',
        kinds=("messages",), once="sendMail|/send|POST /users/{}/messages", doubtful=doubtful,
    )  # fmt: skip


def _messages(name: str, effect: str, options: str) -> Trial:
    """Newsletters lie in nearly every mailbox, in several folders."""
    table = f'name = "{name.partition("-")[0]}"\nsubject_contains = "newsletter"\n{options}'
    return Trial(name, effect, table, kinds=("messages",), once="permanentDelete", placed=True)


TRIALS = (
    Trial("settings.report", "read", 'name = "settings.report"', faults=READ_FAULTS),
    Trial(
        "settings.apply", "idempotent",
        'name = "settings.apply"\ntime_zone = "Tonga Standard Time"\nlanguage = "sv-FI"',
        kinds=("settings",),
    ),
    Trial(
        "request-patch", "idempotent",
        'name = "request"\nmethod = "PATCH"\npath = "/mailboxSettings"\ncompare = true\n'
        'body = { timeZone = "Tonga Standard Time" }',
        kinds=("settings",),
    ),
    Trial(
        "request-post", "keyed by compare",
        'name = "request"\nmethod = "POST"\npath = "/outlook/masterCategories"\neffect = "keyed"\n'
        'body = { displayName = "Torture", color = "preset5" }\n'
        'compare = { rows = "value", wanted = { displayName = "Torture" } }',
        kinds=("categories",), once="POST /users/{}/outlook/masterCategories",
    ),
    Trial("attachments.save", "read", 'name = "attachments.save"\ninline = true', faults=READ_FAULTS),
    Trial("mailbox.report", "read", 'name = "mailbox.report"', faults=READ_FAULTS),
    Trial(
        "folders.apply", "keyed by name", 'name = "folders.apply"\nfolders = ["Inbox/Projects/2026", "Records"]',
        kinds=("folders",),
    ),
    Trial(
        "rules.remove", "idempotent",
        'name = "rules.remove"\nselect = "external"\ninternal_domains = ["tenant.example"]',
        kinds=("rules",),
    ),
    _contacts("contacts.sync-new", "keyed", FIRST_LIST, ""),
    _contacts("contacts.sync-changed", "verified", NEXT_LIST, FIRST_LIST),
    _letter("mail.send-draft", "keyed, in two steps", "draft", doubtful=False),
    _letter("mail.send-direct", "none", "direct", doubtful=True),
    _messages("messages.purge-soft", "idempotent, a move", 'mode = "soft"'),
    _messages("messages.purge-hard", "idempotent, a deletion", 'mode = "hard"\nconfirm = "permanent"'),
    _messages("messages.categorise", "verified", 'add = "Read later"\nremove = "Red category"'),
    Trial(
        "events.add", "keyed",
        'name = "events.add"\ncampaign = "torture"\nsubject = "Closed"\nstart = 2026-12-24\nall_day = true\n'
        'time_zone = "Europe/Berlin"',
        kinds=("events",), once="POST /users/{}/events",
    ),
    Trial(
        "calendar.permissions.apply", "keyed by the grantee",
        'name = "calendar.permissions.apply"\n[task.roles]\n"My Organization" = "limitedRead"\n'
        '"hazel.pond@tenant.example" = "read"\n"external" = "remove"',
        kinds=("permissions",), once="POST",
    ),
)  # fmt: skip
