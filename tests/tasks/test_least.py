"""The least permissions of each task are enough, and with one less, or the next one below it, it is refused with a hint
that names what is missing."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from bulkmail.sim import Settings
from bulkmail.tasks import built_in, check_options
from bulkmail.testing.tenant import App, Done, Tenant, new_app, open_tenant
from tests.bench.rules import outside

TENANT = Settings(mailboxes=300, seed=11, latency=0.0, absent=0.0, denied=0.0, moving=0.0, tls=False)
TASKS = built_in()
BELOW = {
    "MailboxSettings.ReadWrite": "MailboxSettings.Read",
    "Mail.ReadWrite": "Mail.Read",
    "Calendars.ReadWrite": "Calendars.Read",
    "Calendars.Read": "Calendars.ReadBasic",
}
"""What opens nearly as much."""


class Case(NamedTuple):
    """A job, what it needs, and the job that has to come first for it to have something to do."""

    task: str
    least: tuple[str, ...]
    options: Mapping[str, Any] = MappingProxyType({})
    first: "Case | None" = None


EVENT = {"campaign": "c", "subject": "s", "start": "2026-12-24", "all_day": True, "time_zone": "Tokyo Standard Time"}
OWN_ZONE = {**EVENT, "campaign": "own", "time_zone": "mailbox"}
ADDED = Case("events.add", ("Calendars.ReadWrite",), EVENT)
INSIDE = {"internal_domains": ["tenant.example"]}
HIDE = {"rules": [{"name": "r", "actions": {"moveToFolder": "archive"}}]}
TIDY = {"rules": [{"name": "r", "actions": {"markAsRead": True}}]}
WINDOW = {"start": "2026-11-01", "end": "2026-12-31"}
CASES = (
    Case("settings.report", ("MailboxSettings.Read",)),
    Case("settings.apply", ("MailboxSettings.ReadWrite",), {"date_format": "yyyy-MM-dd"}),
    Case(
        "settings.apply", ("MailboxSettings.ReadWrite", "User.ReadBasic.All"),
        {"time_zone": "Tonga Standard Time", "check_supported": True},
    ),
    Case("rules.report", ("MailboxSettings.Read", "Mail.ReadBasic.All", "Domain.Read.All")),
    Case("rules.report", ("MailboxSettings.Read",), {**INSIDE, "folders": "id"}),
    Case("rules.remove", ("MailboxSettings.ReadWrite", "Domain.Read.All"), {"select": "external"}),
    Case("rules.remove", ("MailboxSettings.ReadWrite",), {"select": "external", "how": "delete", **INSIDE}),
    Case("rules.apply", ("MailboxSettings.ReadWrite", "Mail.ReadBasic.All"), HIDE),
    Case("rules.apply", ("MailboxSettings.ReadWrite",), TIDY),
    Case("folders.report", ("Mail.ReadBasic.All",)),
    Case("folders.apply", ("Mail.ReadWrite",), {"folders": ["Inbox/Projects"]}),
    Case("calendar.permissions.report", ("Calendars.Read",)),
    Case("calendar.permissions.apply", ("Calendars.ReadWrite",), {"roles": {"hazel.pond@tenant.example": "write"}}),
    Case("events.add", ("Calendars.ReadWrite",), EVENT),
    Case("events.add", ("Calendars.ReadWrite", "MailboxSettings.Read"), OWN_ZONE),
    Case("events.cancel", ("Calendars.ReadWrite",), {"campaign": "c"}, ADDED),
    Case("events.report", ("Calendars.ReadBasic",), WINDOW),
    Case("categories.report", ("MailboxSettings.Read",)),
    Case("categories.apply", ("MailboxSettings.ReadWrite",), {"categories": {"Ours": "Blue"}}),
    Case("usage.report", ("Reports.Read.All",)),
    Case("usage.report", ("Mail.ReadBasic.All",), {"source": "folders"}),
    Case("mailbox.report", ("MailboxSettings.Read", "Mail.ReadBasic.All", "Domain.Read.All", "Calendars.Read")),
)  # fmt: skip


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    return new_app(tmp_path_factory.mktemp("app"))


@pytest.fixture
def tenant(tmp_path: Path, app: App) -> Iterator[Tenant]:
    """Of one job: what it removes is there for the next one."""
    with open_tenant(tmp_path, TENANT, app) as found:
        yield found


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory, app: App) -> list[str]:
    """Mailboxes in which each of these jobs has something to do: rules that forward outside, and rules that move."""
    found = []
    with open_tenant(tmp_path_factory.mktemp("tenant"), TENANT, app) as tenant:
        for address in tenant.addresses():
            rules = [rule for rule in tenant.contents("rules", address) if rule["isEnabled"] and not rule["isReadOnly"]]
            if any(map(outside, rules)) and any("moveToFolder" in rule["actions"] for rule in rules):
                found.append(address)
    return found[:3]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.task} {' '.join(case.least)}")
def test_least(case: Case, tenant: Tenant, chosen: list[str], tmp_path: Path) -> None:
    task = TASKS[case.task]
    assert set(task.needs(check_options(task, dict(case.options))).names()) == set(case.least)
    if case.first is not None:
        tenant.grant(*case.first.least)
        assert run(case.first, tenant, chosen, tmp_path / "first").code == 0
    for lacking in case.least:
        others = (name for name in case.least if name != lacking)
        tenant.grant(*others, BELOW.get(lacking, "Place.Read.All"))
        before = tenant.books()["effects"]["total"]
        less = run(case, tenant, chosen, tmp_path / lacking)
        assert less.code == 4, less.err
        assert lacking in less.err
        assert tenant.books()["effects"]["total"] == before
    tenant.grant(*case.least)
    done = run(case, tenant, chosen, tmp_path / "least")
    assert done.code == 0, done.err
    assert set(done.statuses().values()) == {"ok"}
    assert not TASKS[case.task].writes or done.manifest["changes"]


def run(case: Case, tenant: Tenant, addresses: list[str], folder: Path) -> Done:
    settings = {"task.apply": True} if TASKS[case.task].writes else {}
    return tenant.run(case.task, folder, addresses=addresses, options=dict(case.options), settings=settings)


def test_every_task_of_these_families_has_a_row() -> None:
    families = {case.task.partition(".")[0] for case in CASES}
    there = {name for name in TASKS if name.partition(".")[0] in families}
    assert there == {case.task for case in CASES}
