"""What the answer to a whole `$batch` post means for its parts. Knows neither the parts nor who waits for them."""

from enum import Enum, auto

from bulkmail.model import Response

SCOPE = {"x-ms-throttle-scope": "Batch"}
"""Marks a refusal of a whole post, which concerns the application, whatever its parts were."""


class Fate(Enum):
    """What the status of a post means for its parts."""

    APART = auto()  # each has an answer of its own in the body
    EACH = auto()  # it is the answer to each: refused for the token's sake, or because the application asks too much
    HALVED = auto()  # none was worked on, and the fault is with one of them
    FAILED = auto()  # what became of the parts is not known, and what failed may be any one of them, or none


WHOLE = {200: Fate.APART, 401: Fate.EACH, 408: Fate.FAILED, 424: Fate.APART, 429: Fate.EACH, 509: Fate.EACH}
"""Status to fate. Of the others, redirects are the answer to each, those from 400 on halve the post, and the rest fail:
they come from the batch endpoint itself or from something in between."""


def fate(status: int) -> Fate:
    """What becomes of the parts of a post that was answered so."""
    other = Fate.EACH if 300 <= status < 400 else Fate.HALVED if 400 <= status < 500 else Fate.FAILED
    return WHOLE.get(status, other)


def with_ids(answer: Response, post: Response) -> Response:
    """The answer to a part: an error has the ids of the post, which Microsoft's support asks for, where it has none."""
    if answer.status < 400:
        return answer
    ids = {name: post.headers[name] for name in ("request-id", "client-request-id") if name in post.headers}
    return answer._replace(headers={**ids, **answer.headers})


def with_scope(post: Response) -> Response:
    """The answer to a post as that to each of its parts."""
    return post._replace(headers={**post.headers, **SCOPE}) if post.status in (429, 509) else post
