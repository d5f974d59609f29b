"""The bytes of a request's body, encoded once: limits count them, a batch embeds them and the wire sends them."""

import orjson

from bulkmail.model import Request


def content_of(request: Request) -> bytes | None:
    """The body as it leaves; None where there is none. Raises TypeError for a body that JSON cannot hold.

    Graph has encoded the body of every request of a task already; only a request that was made by hand has not.
    """
    if request.content is not None or request.body is None:
        return request.content
    return request.body if isinstance(request.body, bytes) else orjson.dumps(request.body)
