"""Folders and items as Exchange's own interface shows them, and the opaque stream that an exported item is."""

import base64

import orjson

from bulkmail.sim.families.folders.content import WELL_KNOWN
from bulkmail.sim.families.folders.routes import Census
from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant.store import Item

STREAM = b"FTS1"  # what an exported stream begins with


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
        "type": "IPF.Note",
    }


def item_row(item: Json) -> Json:
    kept = ("@odata.etag", "id", "createdDateTime", "lastModifiedDateTime", "changeKey", "categories")
    shown = {"@odata.type": "#microsoft.graph.mailboxItem"} | {name: item[name] for name in kept}
    return shown | {"type": item.get("type", "IPM.Note"), "size": item.get("bytes", 0)}


def packed(item: Item) -> str:
    """The stream of one item as base64."""
    return base64.b64encode(STREAM + orjson.dumps(item.props)).decode()


def unpacked(text: str) -> Json:
    """The properties in a stream. Raises ValueError for anything else."""
    stream = base64.b64decode(text, validate=True)
    if not stream.startswith(STREAM):
        raise ValueError("this is not an exported item")
    props: Json = orjson.loads(stream.removeprefix(STREAM))
    return props
