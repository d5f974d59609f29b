"""Folders and items as Exchange's own interface shows them."""

import zlib

from bulkmail.sim.families.exchange.streams import size_of
from bulkmail.sim.families.folders.content import WELL_KNOWN
from bulkmail.sim.families.folders.routes import Census
from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant.store import Item

TYPES = ("IPM.Note",) * 13 + ("IPM.Note.SMIME", "IPM.Schedule.Meeting.Request", "REPORT.IPM.Note.NDR")


def folder_row(url: str, census: Census, folder: Item) -> Json:
    row = census.row(folder)
    known = WELL_KNOWN.get(folder.number)
    return {
        "@odata.type": "#microsoft.graph.mailboxFolder",
        "id": row["id"],
        "displayName": row["displayName"],
        "parentFolderId": row["parentFolderId"],
        "parentMailboxUrl": url,
        "childFolderCount": row["childFolderCount"],
        "totalItemCount": row["totalItemCount"],
        "wellKnownName": known.name if known else None,
        "type": folder.props.get("type", "IPF.Note"),
    }


def item_row(item: Json) -> Json:
    """`item` is a whole message; its type belongs to its content, and goes with it where it is imported."""
    kept = ("@odata.etag", "id", "createdDateTime", "lastModifiedDateTime", "changeKey", "categories")
    shown = {"@odata.type": "#microsoft.graph.mailboxItem"} | {name: item[name] for name in kept}
    kind = TYPES[zlib.crc32(str(item.get("internetMessageId", "")).encode()) % len(TYPES)]
    return shown | {"type": kind, "size": item.get("bytes") or size_of(stripped(item))}


def stripped(item: Json) -> Json:
    """What of a whole message is in its stream: nothing that says where it lies, or which version it is."""
    return {name: value for name, value in item.items() if name not in _PLACE}


_PLACE = frozenset({"@odata.etag", "id", "changeKey", "parentFolderId"})
