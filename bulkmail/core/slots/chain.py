"""A chain: writes of one mailbox that leave together in one slot, because the service carries out one after another.
Is told what comes of them; never waits.

Of the parts of a batch that depend on each other, each on the one before it, one is worked on at a time (learn.
microsoft.com/graph/throttling-limits, Outlook, and graph/json-batching). So a chain takes as much of its mailbox as a
request does, and it saves the way there and back of all its links but one. When a link fails, those behind it are not
carried out (424), and have to leave anew.
"""

import math

LONGEST = 20
"""Links: as many as a batch has parts."""

FEWEST = 4
"""Links that pay for the post around them, and those of the first chain of a mailbox."""

HEAVY = 1_000_000
"""Bytes of upload in one chain: a request may weigh 4 MB, and what is encoded as a part weighs a little more."""

SLOW = 10.0
"""Seconds that a chain may take: its answers come together, so what is learned from them comes late."""


class Chain:
    """Its slot is taken until its last link has ended. It is `open` until it is posted: what comes later is not a part
    of it. It is `sound` if all of it was carried out, and soon."""

    __slots__ = ("left", "open", "sound")

    def __init__(self, links: int) -> None:
        self.left = links
        self.open = True
        self.sound = True

    def __repr__(self) -> str:
        return f"<Chain of which {self.left} links have not ended>"

    def passes_on(self) -> bool:
        """A link has ended. Returns whether the slot goes on to another one."""
        self.left -= 1
        return self.left > 0


class Link:
    """A request that waits for its turn, and the `chain` that it leaves in. It may share its slot if it `links`."""

    __slots__ = ("chain", "links")

    def __init__(self, *, links: bool) -> None:
        self.links = links
        self.chain: Chain | None = None


def first_reach(longest: int) -> int:
    """Links of the first chain of a mailbox; one, where none pays."""
    return min(FEWEST, longest) if longest >= FEWEST else 1


def next_reach(reach: int, longest: int, chain: Chain) -> int:
    """Links of the chain after one that had up to `reach`: more while all goes well, fewer when many would wait for one
    that fails or takes long."""
    return min(longest, 2 * reach) if chain.sound else max(FEWEST, reach // 2)


def length(waiting: int, slots: int, reach: int) -> int:
    """Links of a chain that leaves now: its share of what waits, so that no slot is idle while another has a long chain
    (guided self-scheduling)."""
    share = min(reach, math.ceil(waiting / slots))
    return share if share >= FEWEST else 1
