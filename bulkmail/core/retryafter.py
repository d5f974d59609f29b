"""Reads Retry-After the way it is really sent; knows the wall clock only as a number that it is given.

Microsoft's throttling page has shown `2.128` and `10`, RFC 9110 (10.2.3) allows an HTTP-date, and a proxy may repeat
the header, which joins the values with commas. A figure is never rounded down: Graph keeps counting while a
caller is refused, so a request that comes early lengthens the penalty.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

SECONDS = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]*)?")
"""Delay-seconds, with the decimals that Graph sends; ASCII digits only, and nothing that float() alone would take."""

SPREAD = 0.1
LONGEST_SPREAD = 3.0
"""Those who wait come back up to a tenth later, three seconds at most, so that they do not come back at once."""


def parse(headers: Mapping[str, str], wall_now: float) -> float | None:
    """The seconds to wait, or None when the header is absent or says nothing sensible.

    `headers` have lower-case names, `wall_now` is seconds since the epoch. A date counts from the response's own `Date`
    where there is one, since the two were written by one clock. Zero, a negative figure and a date gone by are 0.0.
    Of several values the longest holds. There is no upper bound: hours are kept in full. Never raises.
    """
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    instant = _instant(value)
    if instant is not None:
        told = _instant(headers.get("date", "").strip())
        return max(0.0, instant - (wall_now if told is None else told))
    figures = [part.strip() for part in value.split(",")]
    if not all(SECONDS.fullmatch(figure) for figure in figures):
        return None
    return max(0.0, *map(float, figures))


def obey(seconds: float, jitter: float) -> float:
    """How long to wait when told to wait `seconds`: never less, rounded up, spread by `jitter` in [0, 1)."""
    whole = float(math.ceil(seconds))
    return whole + jitter * min(SPREAD * whole, LONGEST_SPREAD)


def _instant(value: str) -> float | None:
    """An HTTP-date in any of its three forms as seconds since the epoch; None if `value` is not one."""
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.timestamp() if moment.tzinfo else moment.replace(tzinfo=UTC).timestamp()
