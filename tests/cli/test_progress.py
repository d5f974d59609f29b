"""What is shown while a run goes: a line of figures, and lines of who waits, whatever the service says."""

import io
import logging
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bulkmail.cli.progress import Line, fields, laid_out, shown, waiting, working
from bulkmail.core.pace.pace import Pace
from bulkmail.model import Mailbox, Outcome, Status, Wait
from bulkmail.run.snapshot import Snapshot
from bulkmail.rundir.manifest import Service
from bulkmail.rundir.totals import Totals
from bulkmail.text import duration


def look(
    totals: Totals, *, expected: int = 0, in_flight: int = 0, waits: Sequence[Wait] = (), seconds: float = 0.0
) -> Snapshot:
    pace = replace(Pace().statistics(), in_flight=in_flight)
    return Snapshot.of(totals, {}, pace, waits, at=0.0, seconds=seconds, expected=expected)


def line(snapshot: Snapshot) -> str:
    return Line()(snapshot)


def ended(*statuses: Status) -> Totals:
    totals = Totals()
    for row, status in enumerate(statuses):
        totals.add(Outcome(Mailbox(f"{row}@example.com", row), status))
    return totals


def test_what_is_there_to_tell() -> None:
    totals = ended(*[Status.OK] * 30, Status.FAILED, Status.ABSENT)
    totals.throttled, totals.retried = 1234, 2
    said = line(look(totals, expected=64, in_flight=7))
    for part in ("32 of 64", "50 %", "1,234 throttled", "2 retried", "1 failed", "7 in flight"):
        assert part in said
    assert "wait" not in said


def test_each_worker_has_a_line_below_and_in_the_log_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    names = [f"worker {number}: 88 MB" for number in range(14)]
    assert working(names) == [*names[:12], "and 2 workers more"]
    assert working(names[:2]) == names[:2]
    assert working([]) == []
    screen = io.StringIO()
    with shown(Console(file=screen, force_terminal=True, width=80)) as show:
        show(replace(look(Totals()), workers=names[:2]))
    assert all(name in screen.getvalue() for name in names[:2])
    with caplog.at_level(logging.INFO, "bulkmail.cli.progress"), shown(None) as show:
        for seconds in range(0, 100, 2):
            show(replace(look(Totals(), seconds=float(seconds)), workers=names[:1]))
    assert [one.getMessage() for one in caplog.records].count(names[0]) == 2


def test_an_input_of_unknown_length() -> None:
    assert line(look(ended(Status.OK))).startswith("1 done")


def test_the_rate_is_that_of_the_last_seconds_and_tells_the_rest() -> None:
    totals, one_line, lines = Totals(), Line(), []
    for number, speed in enumerate((10, 10, 10, 10, 50, 50, 50, 50, 0)):
        lines.append(one_line(look(totals, expected=1000, seconds=5.0 * number)))
        for row in range(speed * 5):
            totals.add(Outcome(Mailbox("a@example.com", row), Status.OK))
    assert "/s" not in lines[0]
    assert "10/s" in lines[3]
    assert "90 s" not in lines[3]
    assert "1 min 25 s left" in lines[3]
    assert "50/s" in lines[8]


def test_a_wait_is_told_with_who_waits_how_long_and_who_said_so() -> None:
    everybody = Wait("", 12.0, "TooManyRequests, application")
    ada, bob = Wait("ada@example.com", 200.0, "IncomingBytes, mailbox"), Wait("bob@example.com", 9.0, "x")
    moment = Wait("eve@example.com", 1.0, "MailboxConcurrency, mailbox")
    assert line(look(Totals(), waits=[everybody])).endswith("  all wait 12 s: TooManyRequests, application")
    one = line(look(Totals(), waits=[moment, ada]))
    assert one.endswith("  1 mailbox waits, ada@example.com 3 min 20 s: IncomingBytes, mailbox")
    assert "2 mailboxes wait, ada@example.com 3 min 20 s: " in line(look(Totals(), waits=[bob, moment, ada]))
    assert line(look(Totals(), waits=[everybody, ada])).count("wait") == 2
    assert "wait" not in line(look(Totals(), waits=[moment]))


@given(text=st.text(max_size=80), mailbox=st.text(min_size=1, max_size=80))
def test_a_hostile_reason_stays_on_its_line(text: str, mailbox: str) -> None:
    said = line(look(Totals(), waits=[Wait("", 4.0, text), Wait(mailbox, 4.0, text)]))
    assert "wait 4 s" in said
    assert not any(ord(letter) < 32 or 0x7F <= ord(letter) <= 0x9F or letter in "\u202e\u2028" for letter in said)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0 s"), (0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("console", [None, Console(file=io.StringIO())], ids=["hidden", "no terminal"])
def test_without_a_terminal_it_is_logged(caplog: pytest.LogCaptureFixture, console: Console | None) -> None:
    with caplog.at_level(logging.INFO), shown(console) as observer:
        for second in range(12):
            observer(look(ended(Status.OK), seconds=float(second)))
    assert len(caplog.records) == 2


def test_on_a_terminal_it_is_a_line_that_goes_away() -> None:
    screen = io.StringIO()
    with shown(Console(file=screen, force_terminal=True, width=40)) as observer:
        for second in range(4):
            observer(look(ended(Status.OK), expected=3, seconds=float(second)))
        assert screen.getvalue().count("1 of 3") == 4
    assert screen.getvalue().endswith("\x1b[2K")  # the line is wiped


def screen_of(width: int) -> str:
    totals = ended(*[Status.OK] * 665, *[Status.DENIED] * 4)
    totals.throttled = 12
    everybody = Wait("", 123.0, "TooManyRequests, application")
    ada = Wait("ada.lovelace@contoso.com", 200.0, "IncomingBytes, mailbox")
    now = look(totals, expected=3000, waits=[everybody, ada], seconds=41.0)
    return "\n".join(laid_out(Line().parts(now), waiting(now.waits), width))


AT_80 = """\
669 of 3,000  22 %  after 41 s  4 denied  12 throttled
all wait 2 min 3 s: TooManyRequests, application
1 mailbox waits, ada.lovelace@contoso.com 3 min 20 s: IncomingBytes, mailbox"""

AT_40 = """\
669 of 3,000  22 %  after 41 s  4 denied
all wait 2 min 3 s: TooManyRequests,
  application
1 mailbox waits,
  ada.lovelace@contoso.com 3 min 20 s:…"""


def test_who_waits_can_be_read_at_80_columns_and_at_40() -> None:
    assert screen_of(80) == AT_80
    assert screen_of(40) == AT_40


def test_mailboxes_that_did_not_run_are_not_counted_as_done() -> None:
    assert line(look(ended(Status.OK, Status.NOT_RUN, Status.NOT_RUN), expected=4)).startswith("1 of 4  25 %")


def test_a_figure_is_whole_or_not_there() -> None:
    for width in range(20, 90):
        shown_parts = screen_of(width).splitlines()[0].split("  ")
        assert set(shown_parts) <= set(screen_of(200).splitlines()[0].split("  "))


def test_while_all_wait_no_time_is_promised() -> None:
    line_, totals = Line(), ended(*[Status.OK] * 10)
    line_(look(Totals(), expected=100))
    assert " left" in line_(look(totals, expected=100, seconds=5.0))
    assert " left" not in line_(look(totals, expected=100, seconds=6.0, waits=[Wait("", 9.0, "x")]))


def test_a_log_of_machines_has_the_figures_as_fields() -> None:
    found = fields(look(ended(Status.OK, Status.DENIED), expected=9, in_flight=2, waits=[Wait("", 2.0, "x")]))
    assert (found["event"], found["done"], found["expected"], found["in_flight"]) == ("progress", 2, 9, 2)
    assert found["statuses"] == {"ok": 1, "denied": 1}
    assert found["waits"] == [{"mailbox": "", "seconds": 2.0, "by": "x"}]


def test_what_is_believed_of_the_service_is_shown_and_logged() -> None:
    snapshot = replace(look(ended(Status.OK)), service=Service(500.0, 9.0, 0.004, 70.0))
    said = "the service takes about 500 requests/s (so for 9 s) and refuses 0.4 % at any rate (so for 1 min 10 s)"
    assert line(snapshot).endswith(said)
    assert fields(snapshot)["service"] == {
        "limit": 500.0, "limit_seconds": 9.0, "noise": 0.004, "noise_seconds": 70.0,
    }  # fmt: skip


def test_a_task_that_moves_bytes_is_told_by_bytes() -> None:
    totals, one_line = ended(), Line()
    totals.carried[2] = 0, 20_000_000_000
    one_line(look(totals, expected=1, seconds=0))
    totals.carried[2] = 5_000_000_000, 20_000_000_000
    said = one_line(look(totals, expected=1, seconds=10.0))
    assert "5 GB of about 20 GB  500 MB/s  30 s left" in said
    said = one_line(look(totals, expected=4, seconds=10.0))
    assert "5 GB of about 80 GB" in said, "mailboxes that have not begun are like those that have"
