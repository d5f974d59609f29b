"""What is enclosed in a message: the properties of an attachment out of a request, checked. Knows no message."""

import base64
from typing import Any

from bulkmail.sim.graph.call import Json, Refusal, bad_request
from bulkmail.sim.graph.items import known, stamp

FILE = "#microsoft.graph.fileAttachment"
PROPERTIES: Json = {"name": "", "contentType": "", "contentBytes": "", "contentId": "", "isInline": True}
LARGEST = 3 * 1024 * 1024  # bytes; from there on an upload session is needed


def enclosure(body: Any) -> Json:
    """An attachment as it is kept. Raises Refusal."""
    if not isinstance(body, dict):
        raise bad_request("The property 'attachments' has a value that cannot be read.", "RequestBodyRead")
    props = known(body, PROPERTIES, "microsoft.graph.attachment")
    try:
        content = base64.b64decode(props.pop("contentBytes", None) or "", validate=True)
    except ValueError:
        raise bad_request("Cannot convert contentBytes to Edm.Binary.", "RequestBodyRead") from None
    if "name" not in props or str(body.get("@odata.type")).lstrip("#") != FILE.lstrip("#"):
        raise bad_request("An attachment needs a type, a name and content.", "ErrorInvalidRequest")
    if len(content) >= LARGEST:
        raise Refusal(413, "ErrorAttachmentSizeLimitExceeded", "The attachment needs an upload session.")
    return attachment(props, content, stamp())


def attachment(props: Json, content: bytes, moment: str) -> Json:
    kind = props.get("contentType", "application/octet-stream")
    told = {"contentType": kind, "@odata.mediaContentType": kind}
    return (
        blank(FILE, moment) | told | props | {"size": len(content), "contentBytes": base64.b64encode(content).decode()}
    )


def blank(kind: str, moment: str) -> Json:
    """What every attachment has, and what a file has besides."""
    own: Json = {"contentId": None, "contentLocation": None} if kind == FILE else {}
    return {"@odata.type": kind, "isInline": False, "lastModifiedDateTime": moment} | own
