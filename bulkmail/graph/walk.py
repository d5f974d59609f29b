"""Walks the pages of a list: follows next links, and asks for smaller pages where the service does not manage large
ones.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from bulkmail.core.odata import PAGE, delta_link, next_path, page_size, with_page_size
from bulkmail.errors import GraphError, LinkRefused, Unanswered

PAGES = 100_000
"""Pages of one walk before it is taken for an endless one: at 10 items each, a million."""


class Sizes:
    """The page size that the service still manages, for all walks of one mailbox."""

    __slots__ = ("largest",)

    def __init__(self) -> None:
        self.largest = 0  # 0 until a page was too much for it

    def fitted(self, link: str, asked: str) -> tuple[str, int]:
        """The link with a size that the service manages, and that size. Links that hide their size in a token stay as
        they are; `asked` is the path of the first page."""
        size = page_size(link) or PAGE
        if size > self.largest > 0 and (link == asked or page_size(link)):
            return with_page_size(link, self.largest), self.largest
        return link, size

    def halved(self, link: str, size: int) -> str:
        """The link with half its size, which goes for all pages that follow."""
        self.largest = size // 2
        return with_page_size(link, self.largest)


class Pages:
    """The pages of one walk; `async for page in graph.pages(...)` gives lists of items.

    `delta` is empty until the walk of a delta query has ended; then it is the link by which the next one goes on.
    `here` is the link of the page that came last: a walk `since` that one begins with it again.
    """

    __slots__ = ("_base", "_first", "_read", "_sizes", "delta", "here")

    def __init__(
        self,
        first: Callable[[], tuple[str, str]],
        read: Callable[[str, bool], Awaitable[Any]],
        base: str,
        sizes: Sizes,
    ) -> None:
        """`first` gives the path that was asked for, which names the mailbox, and the link to begin with."""
        self._first = first
        self._read = read
        self._base = base
        self._sizes = sizes
        self.delta = self.here = ""

    async def __aiter__(self) -> AsyncIterator[list[Any]]:
        asked, link = self._first()
        seen = {link}
        for _ in range(PAGES):
            link, size = self._sizes.fitted(link, asked)
            try:
                body = await self._read(link, size > 1)
            except (GraphError, Unanswered) as error:
                if size < 2 or (isinstance(error, GraphError) and error.status != 504):
                    raise
                link = self._sizes.halved(link, size)
                continue
            items = _items(body)
            following = next_path(body, self._base, asked)
            if following is None:
                self.delta = delta_link(body, self._base, asked)
            self.here = self._base + link
            yield items
            if following is None:
                return
            if following in seen:
                raise LinkRefused("the pages go in a circle")
            seen.add(following)
            link = following
        raise LinkRefused(f"more than {PAGES} pages")


def _items(body: Any) -> list[Any]:
    items = body.get("value") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise GraphError(200, "NotAPage", "the answer has no list of values")
    return items
