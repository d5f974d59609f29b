"""How many requests the run will take, how long, and how much room, with the reasoning. Reckons from the sample."""

import shutil
from statistics import fmean, median

from bulkmail.app.check.place import MEGABYTE, standing, wanted
from bulkmail.app.check.seen import Probe, Seen
from bulkmail.app.finding import Finding, failed, passed, warned
from bulkmail.config import Limits
from bulkmail.core.pace.pace import START
from bulkmail.errors import OutputError
from bulkmail.model import Status
from bulkmail.text import counted, duration
from bulkmail.transport import AT_A_TIME


async def look_at_estimate(seen: Seen) -> Finding:
    return estimated(seen, free=shutil.disk_usage(standing(wanted(seen))).free)


def estimated(seen: Seen, *, free: int) -> Finding:
    """`free` is in bytes."""
    ended = [one for one in seen.probe.outcomes if one.status is not Status.NOT_RUN] if seen.probe else []
    if not ended or seen.probe is None or not seen.mailboxes:
        return warned("nothing to reckon from", "No mailbox of the sample came to its end.")
    each = fmean(one.tally.requests for one in ended)
    answer = _answer(seen.probe)
    rate, pace = _pace(seen.job.limits, answer)
    requests = round(seen.mailboxes * each)
    seconds, size = requests / rate, round(seen.probe.bytes / len(ended) * seen.mailboxes)
    mailboxes = counted(seen.mailboxes, "mailbox", "mailboxes")
    text = (
        f"{mailboxes} x {each:.1f} requests = {requests:,}, at {answer * 1000:,.0f} ms an answer and {pace}: "
        f"about {duration(seconds)} and {max(1, size / MEGABYTE):,.0f} MB"
    )
    facts = {"requests": requests, "seconds": round(seconds, 1), "bytes": size, "requests_each": round(each, 2),
             "answer_ms": round(answer * 1000)}  # fmt: skip
    if size > free:
        hint = f"Only {free / MEGABYTE:,.0f} MB are free: make room, or name another output.directory."
        return failed(text, hint, OutputError.exit_code, **facts)
    if 0 < seen.job.limits.max_duration < seconds:
        hint = f"--max-duration is {duration(seen.job.limits.max_duration)}: the run stops then, and can be resumed."
        return warned(text, hint, **facts)
    return passed(text, **facts)


def _answer(probe: Probe) -> float:
    """Seconds that an answer takes: the median of the sample's mailboxes, less what they waited for leave to send."""
    found = [(one.seconds - one.tally.waited) / one.tally.requests for one in probe.outcomes if one.tally.requests]
    return max(median(found), 0.001) if found else 0.001


def _pace(limits: Limits, answer: float) -> tuple[float, str]:
    """Requests a second, and in words what decides: a fixed rate, a fixed number in flight, or that of the start."""
    begins = START * max(1, limits.parts // AT_A_TIME)
    in_flight = limits.requests_in_flight or begins
    rate = limits.requests_per_second
    if rate and (not limits.requests_in_flight or rate <= in_flight / answer):
        return rate, f"{rate:g} a second"
    more = "" if limits.requests_in_flight else " that a run begins with (more as the service permits)"
    return in_flight / answer, f"the {in_flight:,} in flight{more}"
