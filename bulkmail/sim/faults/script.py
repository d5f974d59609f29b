"""What goes wrong, by script and by seed: which request is struck, and by what. The other files carry it out.

Whether a fault strikes depends on the seed, the fault and how often the very same request came before, not on the order
in which requests of different mailboxes arrive: a rehearsal can be repeated.
"""

import difflib
import json
import re
import tomllib
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from bulkmail.sim.tenant.seeded import share

BEFORE: Mapping[str, str] = {  # struck before any work is done
    "reset-before": "the connection is reset, nothing was done",
    "silent": "no answer for `seconds`, then a reset; nothing was done",
    "redirect": "302 (or `status`) to the foreign host",
    "redirect-plain": "302 (or `status`) to the same host without TLS",
    "portal": "200 with a page of HTML, as of a captive portal",
}
AFTER: Mapping[str, str] = {  # the work is done, its answer suffers
    "lost": "the connection is reset instead of an answer",
    "reset-in-body": "a reset after half of the body",
    "truncated": "the body ends half way, the connection closes",
    "unended": "a chunked body without its end, the connection closes",
    "stall": "half of the body, then silence for `seconds`, then a reset",
    "drip": "one byte of the body every `seconds`",
    "gzip-damaged": "a compressed body with a bad checksum",
    "gzip-truncated": "half of a compressed body",
    "gzip-bomb": "a small body that unpacks to 100 MB of blanks",
    "not-json": "the body is cut short, its length is right",
    "nested": "JSON nested 100,000 deep",
    "json-number": "a number of a million digits in place of an answer",
    "json-nan": "an answer with NaN and Infinity in it",
    "json-twice": "an answer with a name that comes twice",
    "json-surrogate": "an answer with half a character",
    "flood": "a body without end, a megabyte at a time",
    "empty": "200 without a body",
    "no-content": "204, and the body all the same",
    "headers": "an answer with 10,000 headers",
    "header-long": "a header of 1 MB",
    "header-broken": "a header line without a colon",
    "swapped": "the answer that the request before it got, ids and all",
    "close": "a good answer, then the kept connection is closed",
}
CALL: Mapping[str, str] = {  # struck inside Graph: plain requests and parts of a batch
    "status": "`status`, `body` json, html, long or empty, Retry-After `seconds` or `text`; nothing was done",
    "throttle": "429 with Retry-After `seconds`, a fence that is kept; nothing was done",
    "gateway": "the work is done, the answer is `status` (504)",
    "late": "the answer is `status` (504), the work is done `seconds` later",
    "accepted": "the work is done, the good answer has a Retry-After of `seconds`",
    "lag": "the work is done, but what it made is not found for `seconds`",
    "slow": "`seconds` of latency more",
    "expire": "every token so far expires",
    "challenge": "every token so far is asked for new claims",
    "error-in-200": "200 with an error in its body",
    "page-empty": "an empty page, and the same again as its next",
    "page-loop": "a page whose nextLink is itself",
    "page-cycle": "pages whose nextLinks go round in three",
    "page-link": "a nextLink that is `text`",
    "page-both": "a nextLink and a deltaLink",
    "page-foreign": "a nextLink to the foreign host",
    "page-other": "a nextLink to another mailbox",
    "page-repeat": "a page whose first item comes again at its end",
    "page-odd": "a nextLink that is a number",
}
WHOLE: Mapping[str, str] = {  # struck at a batch as a whole, as are `status` and `gateway`
    "batch-half": "half of the parts are done, then the answer is `status` (504)",
}
BATCH: Mapping[str, str] = {  # struck at the answer of a batch
    "part-missing": "one part has no answer",
    "part-twice": "one part is answered twice",
    "part-torn": "one part is answered twice, with different statuses",
    "part-foreign": "an answer to a part that was never sent",
    "part-number": "an id is a number",
    "part-text": "a status is text",
    "part-bare": "a status is missing",
    "part-null": "a body is null",
    "part-base64": "a body is base64 in place of JSON",
}
ITEM: Mapping[str, str] = {  # struck at single items of an export, `POST …/exportItems/{id}`, always the same ones
    "item-error": "an item has an error with `code` in place of its stream",
    "item-dropped": "an item is left out of the answer",
}
BODIES = ("json", "html", "long", "empty")
KINDS: Mapping[str, str] = {**BEFORE, **AFTER, **CALL, **WHOLE, **BATCH, **ITEM}


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault and the requests that it strikes.

    `match` is a regular expression that is looked for in `METHOD /path?query`, below the version, without regard to
    case. Of what matches, the same request is spared the first `skip` times, then struck with the chance
    `share`, at most `times` times; `total` ends it for all requests together. 0 stands for no end. Sign-in is
    struck only where `match` contains `oauth2` or `openid`, and a pre-authenticated address where it contains `/_`.
    """

    kind: str
    match: str = ""
    share: float = 1.0
    skip: int = 0
    times: int = 0
    total: int = 0
    status: int = 0
    seconds: float = 0.0
    body: str = "json"
    code: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            near = difflib.get_close_matches(self.kind, KINDS, 1)
            raise ValueError(f"no fault is called {self.kind!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        if not 0 <= self.share <= 1 or min(self.skip, self.times, self.total, self.seconds) < 0:
            raise ValueError(f"{self.kind}: share is from 0 to 1, and no number is negative")
        if self.body not in BODIES or not (self.status == 0 or 200 <= self.status <= 599):
            raise ValueError(f"{self.kind}: body is one of {', '.join(BODIES)}, and status from 200 to 599")
        try:
            re.compile(self.match)
        except re.error as error:
            raise ValueError(f"{self.kind}: match is not a regular expression: {error}") from None


SIGN_IN = ("oauth2", "openid")
BESIDE = ("/_",)
TYPES = {"share": float, "seconds": float, "skip": int, "times": int, "total": int, "status": int}
NAMES = tuple(field.name for field in fields(Fault))


def parse_fault(text: str) -> Fault:
    """`kind:key=value,key=value`, such as `status:status=503,share=0.05,match=/messages`. Raises ValueError."""
    kind, _, rest = text.partition(":")
    options = [option.partition("=") for option in rest.split(",") if option]
    return fault_of({"kind": kind.strip(), **{name.strip(): value for name, _, value in options}})


def fault_of(row: Mapping[str, Any]) -> Fault:
    """A fault out of a table of a script. Raises ValueError."""
    strange = sorted(set(row) - set(NAMES))
    if strange or "kind" not in row:
        raise ValueError(f"a fault has {', '.join(NAMES)}; not {', '.join(strange) or 'no kind'}")
    return Fault(**{name: TYPES.get(name, str)(value) for name, value in row.items()})


def load_faults(path: Path) -> tuple[Fault, ...]:
    """A script: TOML with `[[fault]]` tables, or JSON with a list of such tables. Raises ValueError and OSError."""
    text = path.read_text(encoding="utf-8")
    rows = json.loads(text) if path.suffix == ".json" else tomllib.loads(text).get("fault", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{path.name}: a script is a list of faults")
    return tuple(map(fault_of, rows))


class Script:
    """The faults of a rehearsal. `strike` decides which one strikes, and counts it."""

    def __init__(self, faults: Iterable[Fault], seed: int, struck: Counter[str]) -> None:
        self.seed = seed
        self.struck = struck
        self.load(faults)

    def load(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple((fault, re.compile(fault.match, re.IGNORECASE)) for fault in faults)
        self._seen: Counter[int] = Counter()  # by the hash of fault and request: a million of these are kept cheaply
        self._hits: Counter[int] = Counter()
        self._totals: Counter[int] = Counter()  # by the number of the fault

    def __bool__(self) -> bool:
        return bool(self.faults)

    def strike(
        self, kinds: Mapping[str, str], subject: str, *, sign_in: bool = False, beside: bool = False
    ) -> Fault | None:
        """The first fault of these kinds that strikes the request `METHOD /path?query`."""
        words = SIGN_IN if sign_in else BESIDE if beside else ("",)
        for number, (fault, pattern) in enumerate(self.faults):
            if not any(word in fault.match for word in words):
                continue
            if fault.kind in kinds and pattern.search(subject) and self._falls(number, fault, subject):
                self.struck[fault.kind] += 1
                return fault
        return None

    def _falls(self, number: int, fault: Fault, subject: str) -> bool:
        key = hash((number, subject))
        self._seen[key] += 1
        seen = self._seen[key]
        if seen <= fault.skip or (fault.times and self._hits[key] >= fault.times):
            return False
        if fault.total and self._totals[number] >= fault.total:
            return False
        place = zlib.crc32(subject.encode()) + (0 if fault.kind in ITEM else seen)
        if share(self.seed, place, 500 + number) >= fault.share:
            return False
        self._hits[key] += 1
        self._totals[number] += 1
        return True
