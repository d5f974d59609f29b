"""What workers are like, for people and observers: each in a line, and all of them together as one process would be."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping

from bulkmail.cluster.desk import Session
from bulkmail.core.pace.pace import PaceStatistics


def together(sessions: Mapping[str, Session]) -> PaceStatistics:
    """The pace of the application: what all workers that are not given up send; at the end of a run, what they sent
    last. Instants are of other machines' clocks, and are left out."""
    latest = {one.name: one for one in sessions.values()}.values()
    live = [one for one in latest if not one.ended] or latest
    paces = [one.seen.pace for one in live if one.seen.pace is not None]
    return PaceStatistics(
        in_flight=sum(one.in_flight for one in paces),
        window=sum(one.window for one in paces),
        rate=sum(one.rate for one in paces),
        limit=sum(one.limit for one in paces) if paces else math.inf,
        fence_until=-math.inf,
        mode=_usual(one.mode for one in paces),
        noise=max((one.noise for one in paces), default=0.0),
    )


def _usual(modes: Iterable[str]) -> str:
    ((mode, _),) = Counter(modes).most_common(1) or (("climb", 0),)
    return mode


def line_of(session: Session, now: float) -> str:
    """`now` is an instant of the clock by which the session is heard of."""
    pace, ago = session.seen.pace, now - session.heard
    if pace is None:
        return f"{session.name}: not begun"
    limit = f" of {pace.limit:,.0f}/s" if pace.limit < math.inf else ""
    in_hand = f"{pace.in_flight:,} in flight, {len(session.held):,} mailboxes in hand"
    size = f"{session.seen.memory / 1e6:,.0f} MB"
    return f"{session.name}: up to {pace.rate:,.0f}/s{limit}, {in_hand}, {size}, seen {ago:.1f} s ago"
