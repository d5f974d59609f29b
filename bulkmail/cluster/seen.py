"""What workers are like, for people and observers: each in a line, and all of them together as one process would be."""

from collections.abc import Mapping
from dataclasses import replace

from bulkmail.cluster.desk import Session
from bulkmail.cluster.rates import Rates
from bulkmail.core.pace.pace import PaceStatistics


def together(sessions: Mapping[str, Session], rates: Rates) -> PaceStatistics:
    """The pace of the application: what all workers that are not given up have in flight, or had last at the end of a
    run, and what their law believes of the service."""
    latest = {one.name: one for one in sessions.values()}.values()
    live = [one for one in latest if not one.ended] or latest
    paces = [one.seen.pace for one in live if one.seen.pace is not None]
    return replace(
        rates.statistics(), in_flight=sum(one.in_flight for one in paces), window=sum(one.window for one in paces)
    )


def line_of(session: Session, now: float) -> str:
    """`now` is an instant of the clock by which the session is heard of."""
    pace, ago = session.seen.pace, now - session.heard
    if pace is None:
        return f"{session.name}: not begun"
    in_hand = f"{pace.in_flight:,} in flight, {len(session.held):,} mailboxes in hand"
    size = f"{session.seen.memory / 1e6:,.0f} MB"
    return f"{session.name}: up to {pace.rate:,.0f}/s, {in_hand}, {size}, seen {ago:.1f} s ago"
