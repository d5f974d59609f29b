"""The page of a run: well-formed, alone in the world, without a word in it that is more than a word."""

import base64
import hashlib
import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkmail.errors import InputError
from bulkmail.model import Change, Counts, Effect, Mailbox, Outcome, Problem, Row, Status, Tally
from bulkmail.report.page.draw import LONGEST, share, shown
from bulkmail.report.page.facts import FINDINGS
from bulkmail.report.page.write import write_page
from bulkmail.rundir.entries import Intent, encode_change
from bulkmail.rundir.journal import sealed
from bulkmail.rundir.reader import RunDir
from tests.report.folders import run_dir, running
from tests.report.pages import HOSTILE, KINDS, REPORT, applied, failed, hostile, nothing, report
from tests.report.writing import Mailboxful, write_run

VOID = {"meta", "link", "br", "rect", "path", "line", "circle"}
KNOWN = {
    "html", "head", "title", "style", "body", "a", "div", "header", "main", "footer", "nav", "section", "h1", "h2",
    "h3", "p", "ul", "li", "dl", "dt", "dd", "strong", "span", "small", "b", "bdi", "code", "svg", "g", "text", "table",
    "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "details", "summary", *VOID,
}  # fmt: skip


class Page(HTMLParser):
    """What a page consists of. Fails for a tag that is not closed, is not known, or has an attribute that acts."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.tags: Counter[str] = Counter()
        self.words: list[str] = []
        self.links: list[str] = []
        self.ids: Counter[str] = Counter()
        self.policy = ""
        self._open: list[str] = []
        self.feed(self.source)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in KNOWN, tag
        self.tags[tag] += 1
        for name, value in attrs:
            assert not name.startswith("on"), name
            assert name not in ("style", "src", "srcset", "action"), name
            self._note(name, value or "")
        if dict(attrs).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attrs)["content"] or ""
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def _note(self, name: str, value: str) -> None:
        if name == "href":
            self.links.append(value)
        if name == "id":
            self.ids[value] += 1


def page_of(run: RunDir, **how: list[tuple[str, str]]) -> Page:
    path = run.path / "report.html"
    write_page(run, path, **how)
    return Page(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_of_every_kind(kind: str, tmp_path: Path) -> None:
    page = page_of(KINDS[kind](tmp_path / "run"))
    assert max(page.ids.values()) == 1
    assert page.tags["h1"] == 1
    assert len(page.source) < 200_000
    anchors = [link.removeprefix("#") for link in page.links if link.startswith("#")]
    assert set(anchors) <= set(page.ids)
    outside = [link for link in page.links if not link.startswith(("#", "data:,")) and "/" in link]
    assert not outside


def test_its_policy_allows_its_own_style_and_nothing_else(tmp_path: Path) -> None:
    page = page_of(report(tmp_path / "run", 20))
    style = re.search(r"<style>(.*?)</style>", page.source, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page.policy
    assert page.policy.startswith("default-src 'none'; ")
    assert "unsafe" not in page.policy
    assert "http" not in style[1]


def test_hostile_texts_are_only_shown(tmp_path: Path) -> None:
    page = page_of(hostile(tmp_path / "run"))
    for text in HOSTILE[:4]:
        assert " ".join(text.split()) in page.text
    assert "49" not in re.findall(r"\b49\b", page.text)
    for character in "\u202e\u202c\x1b\x07\r":
        assert character not in page.source
    assert "x" * LONGEST not in page.source
    assert "x" * 100 in page.source


@pytest.mark.parametrize("character", ["日", "&"])
def test_it_is_small_whatever_it_is_of(character: str, tmp_path: Path) -> None:
    text = character * 10_000
    many = {f"{place}{text[:300]}": text[: 80 - place] for place in range(70)}
    ends = [(Status.OK, None, 1), (Status.FAILED, Problem, 0)]
    found = []
    for row in range(2, 300):
        status, problem, findings = ends[row % 2]
        mailbox, told = Mailbox(f"{row}{text[:200]}", row), problem and problem(f"{row}{text}", text)
        tally = Tally(row, row, 9.0, text)
        found.append(Mailboxful(Outcome(mailbox, status, 1, tally, 1.0, told, findings), [many]))
    manifest = replace(REPORT, mode="apply", task="own", warnings=(text,) * 99, options={"a": text}, key_columns=None)
    run = write_run(tmp_path / "run", manifest, found, columns=list(many))
    ledger = [Intent(place, 2, text, Change(text, many, {}), Effect.IDEMPOTENT, True) for place in range(99)]
    (run.path / "changes.ndjson").write_bytes(sealed([encode_change(entry) for entry in ledger], 0))
    write_page(run, tmp_path / "report.html")
    assert 500_000 < (tmp_path / "report.html").stat().st_size < 2_000_000


def test_the_verdict_comes_first_and_what_to_do_with_it(tmp_path: Path) -> None:
    page = page_of(report(tmp_path / "run", 300), steps=[("to run those that failed again", "bulkmail resume run")])
    text = page.text[page.text.index("Skip to") :]
    order = ["Needs a look", "292 of 300 mailboxes ok", "Exit code 3", "bulkmail resume run", "How mailboxes ended",
             "ErrorInvalidUser", "look at its spelling", "What the rows say", "Over time", "The slowest",
             "Where the mailboxes came from", "Provenance"]  # fmt: skip
    place = 0
    for word in order:
        place = text.index(word, place)  # raises ValueError where it comes earlier only
    assert "I am away" not in page.source


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (replace(REPORT, exit_code=0), "All well"),
        (replace(REPORT, exit_code=1), "Failed"),
        (replace(REPORT, exit_code=8, mode="drift", reason="drift was found"), "Needs a look"),
        (replace(REPORT, state="stopped", exit_code=5, reason="the time box was used up"), "Not complete"),
    ],
)
def test_the_level_is_said_in_words(manifest: object, words: str, tmp_path: Path) -> None:
    assert words in page_of(report(tmp_path / "run", 20, 12, manifest)).text  # type: ignore[arg-type]


def test_a_run_that_was_killed_has_a_page_too(tmp_path: Path) -> None:
    page = page_of(run_dir(tmp_path / "run", running()))
    assert "Killed" in page.text
    assert "4 mailboxes" not in page.text.split("How mailboxes ended")[0]


def test_a_damaged_run_has_a_page_of_what_can_be_read(tmp_path: Path) -> None:
    run = report(tmp_path / "run", 300)
    file = run.path / "records.ndjson"
    file.write_bytes(file.read_bytes()[:-100])
    assert "Not all of the run could be read" in page_of(RunDir(run.path)).text
    journal = run.path / "outcomes.ndjson"
    lines = journal.read_bytes().splitlines(keepends=True)
    whole = [*lines[:9], b"x" * len(lines[9]), *lines[10:]]
    journal.write_bytes(b"".join(whole) + sealed([b'{"a":1}'], len(b"".join(lines))))
    assert "Damaged" in page_of(RunDir(run.path)).text


def test_changes_have_before_and_after(tmp_path: Path) -> None:
    page = page_of(applied(tmp_path / "run"))
    assert "298 done, 1 refused, 1 unknown" in page.text
    assert "timeZone UTC W. Europe Standard Time" in page.text
    assert "The first 50 of 300 changes" in page.text
    assert "nothing was sent" in page_of(applied(tmp_path / "plan", mode="plan")).text


def test_a_run_that_failed_says_why_first(tmp_path: Path) -> None:
    text = page_of(failed(tmp_path / "run")).text
    assert "Failed: Graph does not answer (503)" in text
    assert "NotRun" not in text
    assert "more: see failed.csv" not in text


def test_findings_are_shown_and_bounded(tmp_path: Path) -> None:
    rules = replace(REPORT, task="rules.report", options={})
    found = [
        Mailboxful(
            Outcome(Mailbox(f"m{row}@contoso.com", row), Status.OK, 2, Tally(1), 0.1, None, 1),
            [{"mailbox": f"m{row}@contoso.com", "name": "harmless", "severity": "none"},
             {"mailbox": f"m{row}@contoso.com", "name": "forward", "severity": "high", "external": ["x@fabrikam.com"]}],
        )
        for row in range(2, 2 * FINDINGS)
    ]  # fmt: skip
    page = page_of(write_run(tmp_path / "run", rules, found, columns=("mailbox", "name", "severity", "external")))
    findings = page.text.split("Findings")[-1].split("What the rows say")[0]
    assert findings.count("x@fabrikam.com") == FINDINGS
    assert "harmless" not in findings
    assert f"{2 * FINDINGS - 2:,} mailboxes have something to look into" in page.text


def test_numbers_have_a_chart_and_the_input_what_was_chosen_of_it(tmp_path: Path) -> None:
    found = [
        Mailboxful(Outcome(Mailbox(f"m{at}", at), Status.OK, 1, Tally(1), 0.1), [{"size": at}]) for at in range(100)
    ]
    manifest = replace(REPORT, task="own", input=replace(REPORT.input, where="Department == 'Finance'", sample=50),
                       counts=Counts(100))  # fmt: skip
    page = page_of(write_run(tmp_path / "run", manifest, found, columns=["size"]))
    assert "From 0 to 99; half are at most 50." in page.text
    assert "where = Department == 'Finance', sample = 50" in page.text


def test_files_are_linked_by_their_names_only(tmp_path: Path) -> None:
    run = report(tmp_path / "run", 20, 12)
    outputs = run.manifest.outputs
    replace(run.manifest, outputs={"javascript:alert(1)": outputs["records.csv"], **outputs}).write(run.path)
    links = page_of(RunDir(run.path)).links
    assert "records.csv" in links
    assert "javascript:alert(1)" not in links


def test_what_is_no_run_and_a_run_without_rows(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        write_page(RunDir(tmp_path), tmp_path / "report.html")
    assert "nothing done: there was no mailbox in the input" in page_of(nothing(tmp_path / "run")).text.lower()


def test_a_page_is_private(tmp_path: Path) -> None:
    page_of(report(tmp_path / "run", 20, 12))
    assert (tmp_path / "run" / "report.html").stat().st_mode & 0o777 == 0o600


def test_how_figures_are_shown() -> None:
    assert [share(value) for value in (0, 0.0001, 0.5, 0.9999, 1)] == ["0 %", "< 0.1 %", "50.0 %", "> 99.9 %", "100 %"]
    assert [shown(value) for value in (None, 12345, 0.25, True, "a\x00b")] == ["", "12,345", "0.25", "True", "a b"]


cells = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)
rows = st.lists(st.dictionaries(st.text(max_size=9), cells, max_size=4), min_size=1, max_size=12)
figures = st.floats() | st.integers() | st.text(max_size=3) | st.none()
samples = st.lists(
    st.dictionaries(st.sampled_from(["at", "seconds", "done", "requests", "memory", "limits"]), figures), max_size=6
)


@settings(max_examples=15)
@given(rows, samples, st.binary(max_size=200))
def test_there_is_a_page_whatever_was_in_the_mailboxes(
    rows: list[Row], samples: list[dict[str, object]], rejected: bytes
) -> None:
    found = [Mailboxful(Outcome(Mailbox(f"m{at}", at), Status.OK, 1, Tally(1), 0.1, None, 1), [row])
             for at, row in enumerate(rows, 2)]  # fmt: skip
    with TemporaryDirectory() as folder:
        run = write_run(Path(folder), replace(REPORT, task="own"), found, columns=["mailbox"], formats=("ndjson",))
        lines = [{"at": 1.0, "seconds": float(at)} | sample for at, sample in enumerate(samples)]
        (run.path / "samples.ndjson").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        (run.path / "rejected.csv").write_bytes(b"row,why\n" + rejected)
        assert f"{len(rows)} of {len(rows)} mailboxes" in page_of(run).text
