"""Every resource that the simulator has, as one table. A file a family; none knows another, but for shared shapes."""

from bulkmail.sim.routes import (
    attachments,
    calendars,
    categories,
    contacts,
    drafts,
    exchange,
    folders,
    groups,
    messages,
    reports,
    rules,
    sending,
    settings,
    users,
)
from bulkmail.sim.routes.table import Route

FAMILIES = (
    users, groups, settings, rules, folders, messages, drafts, sending, attachments, contacts, categories, calendars,
    exchange, reports,
)  # fmt: skip
ROUTES: tuple[Route, ...] = tuple(route for family in FAMILIES for route in family.ROUTES)
