"""What is read for a page: findings by the columns that tell them apart, mailboxes by what they took."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bulkmail.model import Change, Effect, Mailbox, Outcome, Row, Status, Tally
from bulkmail.report.page.facts import COLUMNS, WIDEST, facts_of
from bulkmail.report.page.tolls import STEPS, TOP, Tolls
from bulkmail.rundir.entries import Intent, encode_change
from bulkmail.rundir.journal import sealed
from bulkmail.rundir.maskkey import made
from bulkmail.rundir.reader import RunDir
from tests.report.pages import REPORT
from tests.report.writing import Mailboxful, write_run

OWN = replace(REPORT, task="own.task", options={}, key_columns=None)


def findings(folder: Path, *rows: Row) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    found = [
        Mailboxful(Outcome(Mailbox(f"m{number}", number), Status.OK, 1, Tally(1), 0.1, None, 1), [row])
        for number, row in enumerate(rows, 2)
    ]
    table = facts_of(write_run(folder, OWN, found, columns=["mailbox"], formats=("ndjson",))).findings
    return table.names, table.rows


def test_columns_that_do_not_tell_findings_apart_are_left_out(tmp_path: Path) -> None:
    names, rows = findings(
        tmp_path / "run",
        {"always": "on", "is": True, "number": 3, "to": "x@fabrikam.com", "json": "x" * 200},
        {"always": "on", "is": False, "number": 4, "to": "y@fabrikam.com", "json": "y" * 200},
    )
    assert names == ("mailbox", "to")
    assert rows == (("m2", "x@fabrikam.com"), ("m3", "y@fabrikam.com"))


def test_where_none_tells_them_apart_all_are_shown(tmp_path: Path) -> None:
    names, rows = findings(tmp_path / "run", {"is": True, "long": "x" * 200})
    assert names == ("mailbox", "is", "long")
    assert rows == (("m2", "true", "x" * (WIDEST - 1) + "…"),)


def test_there_is_room_for_some_columns(tmp_path: Path) -> None:
    names, _ = findings(tmp_path / "run", {f"c{place}": f"text {place}" for place in range(30)})
    assert len(names) == COLUMNS


def test_mailboxes_that_were_not_run_took_nothing() -> None:
    tolls = Tolls()
    tolls.add(Outcome(Mailbox("ada", 2), Status.NOT_RUN))
    assert tolls.tolled().busy == 0


@given(st.lists(st.tuples(st.floats(0, 1000), st.integers(0, 5)), max_size=60))
def test_the_slowest_and_those_refused_most_often(costs: list[tuple[float, int]]) -> None:
    tolls = Tolls()
    for row, (seconds, refused) in enumerate(costs):
        tolls.add(Outcome(Mailbox(f"m{row}", row), Status.OK, 0, Tally(1, refused), seconds))
    found = tolls.tolled()
    assert [one.seconds for one in found.slowest] == sorted((cost for cost, _ in costs), reverse=True)[:TOP]
    assert [one.throttled for one in found.throttled] == sorted((n for _, n in costs if n), reverse=True)[:TOP]
    assert (sum(found.spread), len(found.spread)) == (len(costs), len(STEPS) + 1)


def test_an_address_is_masked_before_it_is_cut(tmp_path: Path) -> None:
    """Its first half would be as good."""
    key, text = tmp_path / "job.mask.key", f"{'x ' * (WIDEST // 2 - 4)}grace.hopper@contoso.com"
    made(key)
    row = {"mailbox": "m", "text": text}
    outcome = Outcome(Mailbox("m", 2), Status.OK, 1, Tally(1), 0.1, None, 1)
    run = write_run(tmp_path / "run", OWN, [Mailboxful(outcome, [row])], columns=["mailbox", "text"])
    replace(run.manifest, mode="plan", output=replace(run.manifest.output, mask=str(key))).write(run.path)
    change = Change("k", {"text": text * 2}, {})
    ledger = [encode_change(Intent(1, 2, "m", change, Effect.IDEMPOTENT, True))]
    (run.path / "changes.ndjson").write_bytes(sealed(ledger, 0))
    facts = facts_of(RunDir(run.path))
    assert facts.changes is not None
    assert "grace" not in f"{facts.findings} {facts.changes}"
    assert "mailbox…" in f"{facts.findings.rows}"
