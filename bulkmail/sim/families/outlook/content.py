"""The languages and time zones that every mailbox may be set to."""

from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant import words


def languages() -> list[Json]:
    return [{"locale": row[0], "displayName": row[1]} for row in words.LANGUAGES]


def time_zones(standard: str) -> list[Json]:
    """By the names of Windows, or by those of IANA, which have a slash."""
    names = [name for name in words.TIME_ZONES if name == "UTC" or ("/" in name) == (standard == "iana")]
    return [{"alias": name, "displayName": f"(UTC) {name}"} for name in names]
