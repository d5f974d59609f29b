"""Reports how much room each mailbox takes, its quota, and when it was last used: out of the tenant's usage report.

One call for the whole tenant: it is redirected to an address that is read without a token. Where the cloud has no such
report, the folders of each mailbox are summed up, which costs two requests a mailbox.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from bulkmail.address import Address
from bulkmail.errors import GraphError, PermissionMissing, TransportError
from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Row
from bulkmail.source.columns import fold
from bulkmail.task.declare import task
from bulkmail.task.permissions import Needs, all_of
from bulkmail.tasks.kit import folders, tree
from bulkmail.tasks.usage.detail import HEADINGS, Detail
from bulkmail.tasks.usage.options import UsageReportOptions

PERMISSION = "Reports.Read.All"
"""The least application permission to read usage reports."""

LARGEST = 1 << 30
"""Bytes of a report: a kilobyte a mailbox, and a million of them."""

TRIES = 3
"""Times that a report is fetched which breaks off, each time by a new address."""

LACKING = frozenset({400, 404, 405, 501})
"""What a cloud without usage reports says when one is asked for."""

PASSING = frozenset({404, 410, 500, 502, 503, 504})
"""What the host of a report says of an address that is no longer good, or while it is not well."""

PRINCIPAL = ("userprincipalname", "upn")
"""Columns of a list with the names that the report has."""

CONCEALED = (
    "Switch that off in the Microsoft 365 admin center (Settings, Org settings, Reports: display concealed user, group "
    'and site names), or set task.source = "folders", which needs Mail.ReadBasic.All and two requests a mailbox.'
)

COLUMNS = {
    "mailbox": "address as the input gives it",
    "size": "bytes of what is in it, without what was deleted for good and is still kept",
    "items": "how many items these are",
    "quota": "bytes at which it neither sends nor receives any more",
    "send_quota": "bytes at which it does not send any more",
    "warning_quota": "bytes at which its owner is warned",
    "used": "size in percent of quota",
    "state": "ok; warning, no_send or full (it has reached that quota); empty where that is not known",
    "last_activity": "day of the last activity within the period or before; empty where there was none",
    "deleted_items": "items that were deleted for good and are still kept",
    "deleted_size": "bytes of these",
    "created": "day on which it was made",
    "deleted": "whether it is deleted",
    "display_name": "name",
    "report_date": "day that the report is of, about two days ago",
    "source": "report; folders (sums of its folders, which tell size and items alone); or missing: the report does not "
    "have it under this address",
}


def needs(options: UsageReportOptions) -> Needs:
    return all_of(folders.PERMISSION if options.source == "folders" else PERMISSION)


async def ask_once(graph: Graph, options: UsageReportOptions) -> UsageReportOptions:
    """The options with the tenant's report, if the cloud has one. Raises PermissionMissing, also where names are
    concealed, and what reading raises."""
    if options.source == "folders" or (detail := await _fetched(graph, options.period)) is None:
        return options
    if detail.concealed:
        raise PermissionMissing("the tenant conceals names in its usage reports: no mailbox is found", hint=CONCEALED)
    return options.knowing(detail)


async def _fetched(graph: Graph, period: str) -> Detail | None:
    for left in reversed(range(TRIES)):
        if (address := await _located(graph, period)) is None:
            return None
        detail = Detail()
        try:
            async for chunk in graph.direct.read(address, most=LARGEST):
                detail.feed(chunk)
        except (TransportError, GraphError) as error:
            if not left or (isinstance(error, GraphError) and error.status not in PASSING):
                raise
        else:
            detail.close()
            return detail
    raise AssertionError  # the last try has returned, or raised


async def _located(graph: Graph, period: str) -> Address | None:
    """Where the report lies; None where the cloud has none."""
    try:
        return await graph.location(f"/reports/getMailboxUsageDetail(period='{period}')")
    except GraphError as error:
        if error.status in LACKING:
            return None
        if error.status != 403:
            raise
        hint = f'Give the application {PERMISSION}, or set task.source = "folders", which needs {folders.PERMISSION}.'
        raise PermissionMissing(f"the application may not read usage reports: {error}", hint=hint) from error


@task(
    "usage.report",
    summary="Size, items, quota and last activity of each mailbox, from the tenant's usage report",
    needs=needs,
    options=UsageReportOptions,
    columns=COLUMNS,
    once=ask_once,
    finding=lambda row: row["state"] in ("warning", "no_send", "full"),
    key_columns=(),
    wants_columns=True,
)
async def usage_report(mailbox: Mailbox, graph: Graph, options: UsageReportOptions) -> AsyncIterator[Row]:
    """One row a mailbox."""
    if options.detail is None:
        yield row_of("folders", await _sums(graph))
        return
    found = next(filter(None, map(options.detail.of, _names(mailbox))), None)
    yield row_of("missing", {}) if found is None else row_of("report", found)


def _names(mailbox: Mailbox) -> Iterator[str]:
    """Under which the report may have a mailbox: user principal names, which a list of other addresses may hold."""
    for name in mailbox.columns:
        if fold(name) in PRINCIPAL:
            yield mailbox.columns[name]
    yield mailbox.address


async def _sums(graph: Graph) -> dict[str, Any]:
    found = await folders.tree_of(graph, sizes=True)
    if not found.root:
        raise folders.no_top()
    sums = tree.sums(place.folder for place in found.walk())
    return {"items": sums.items, "size": sums.size}


def row_of(source: str, found: dict[str, Any]) -> Row:
    told = dict.fromkeys(HEADINGS) | found
    told |= {"used": _percent(told["size"], told["quota"]), "state": _state(told), "source": source}
    return {name: told[name] for name in COLUMNS if name != "mailbox"}


def _percent(size: int | None, quota: int | None) -> float | None:
    return round(100 * size / quota, 1) if size is not None and quota else None


def _state(told: dict[str, Any]) -> str:
    """The gravest quota that is reached. 0 means that there is no quota."""
    quotas = {"full": told["quota"], "no_send": told["send_quota"], "warning": told["warning_quota"]}
    size = told["size"]
    if size is None or not any(quotas.values()):
        return ""
    return next((state for state, quota in quotas.items() if quota and size >= quota), "ok")
