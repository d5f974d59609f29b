"""Each rule of the checks by itself: the sample, the room, the clock, the roles, the estimate, the exit code."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.app.check.estimate import estimated
from bulkmail.app.check.network import Answered, clock_of, judged_graph, reached
from bulkmail.app.check.place import judged_room
from bulkmail.app.check.probe import judged
from bulkmail.app.check.roles import superfluous
from bulkmail.app.check.sample import RANDOM, Sample
from bulkmail.app.check.seen import Probe, Seen
from bulkmail.app.finding import Finding, Level, exit_code
from bulkmail.config import Job, Limits
from bulkmail.model import Mailbox, Outcome, Rejected, Response, Status, Tally
from bulkmail.task.permissions import all_of, any_of
from bulkmail.tasks import check_options, find
from tests.app.rig import APP


def seen(limits: Limits | None = None) -> Seen:
    task = find("settings.report", Path())
    return Seen(Job(app=APP, limits=limits or Limits()), task, check_options(task, {}), {}, mailboxes=60_000)


def mailbox(row: int) -> Mailbox:
    return Mailbox(f"m{row}@contoso.com", row)


@given(st.integers(0, 300), st.integers(0, 2**32))
def test_the_sample_has_the_first_the_last_and_some_between(size: int, seed: int) -> None:
    sample, rows = Sample(Random(seed)), list(range(2, size + 2))
    for start in range(0, size, 7):
        sample.look([*(mailbox(row) for row in rows[start : start + 7]), Rejected(1, "blank", "")])
    kept = [one.row for one in sample.mailboxes]
    assert len(kept) == len(set(kept)) == min(size, RANDOM + 2)
    assert kept == sorted(kept)
    assert kept[:1] == rows[:1]
    assert kept[-1:] == rows[-1:]


def test_every_mailbox_between_is_as_likely() -> None:
    drawn = [0] * 20
    for seed in range(2_000):
        sample = Sample(Random(seed), 5)
        sample.look([mailbox(row) for row in range(20)])
        for one in sample.mailboxes[1:-1]:
            drawn[one.row] += 1
    assert all(400 < times < 720 for times in drawn[1:-1]), drawn  # 2,000 * 5 / 18 is 556


@pytest.mark.parametrize(("free", "level"), [(999, Level.FAIL), (1_000, Level.WARN), (4_000, Level.PASS)])
def test_room_for_the_results(free: int, level: Level) -> None:
    found = judged_room(Path("out"), free, 1_000)
    assert (found.level, found.code) == (level, {Level.FAIL: 7, Level.WARN: 3}.get(level, 0))


def test_a_date_in_the_middle_of_an_exchange_is_no_difference() -> None:
    headers = {"date": "Thu, 26 Nov 2026 20:00:00 GMT"}
    assert clock_of(headers, 1795723200.5) == 0
    assert clock_of(headers, 1795723300.5) == -100
    assert clock_of({"date": "yesterday"}, 0) is None
    assert clock_of({}, 0) is None


def test_a_host_that_is_slow_or_out_of_order_is_warned_of() -> None:
    answer = Response(401, {}, {"error": {}})
    assert reached(seen(), "https://graph.example", Answered(answer, 100.0, 0.0)).level is Level.PASS
    assert reached(seen(), "https://graph.example", Answered(answer, 2_500.0, 0.0)).level is Level.WARN
    assert judged_graph(seen(), "https://graph.example", Answered(Response(503), 9.0, None)).level is Level.WARN
    assert judged_graph(seen(), "https://graph.example", Answered(Response(200, {}, b"<p>"), 9.0, None)).code == 5


@pytest.mark.parametrize(("roles", "extra"), [
    ([], []),
    (["Mail.Read", "Contacts.Read"], []),
    (["Mail.ReadWrite", "Contacts.ReadWrite"], []),  # more than is needed, but nothing less is there
    (["Mail.Read", "Mail.ReadWrite", "Contacts.Read"], ["Mail.ReadWrite"]),
    (["Mail.Read", "Contacts.Read", "Contacts.ReadWrite", "Mail.Send"], ["Contacts.ReadWrite", "Mail.Send"]),
    (["Mail.Send"], ["Mail.Send"]),
])  # fmt: skip
def test_roles_that_are_not_needed(roles: list[str], extra: list[str]) -> None:
    assert superfluous(all_of("Mail.Read", any_of("Contacts.Read", "Contacts.ReadWrite")), roles) == extra


def outcomes(*statuses: Status) -> tuple[Outcome, ...]:
    return tuple(
        Outcome(mailbox(row), one, tally=Tally(2, waited=0.1), seconds=0.3) for row, one in enumerate(statuses)
    )


@pytest.mark.parametrize(("statuses", "level", "code"), [
    ([Status.OK, Status.ABSENT], Level.PASS, 0),
    ([Status.ABSENT, Status.ABSENT], Level.FAIL, 2),
    ([Status.DENIED, Status.ABSENT], Level.FAIL, 4),
    ([Status.DENIED, Status.OK], Level.WARN, 3),
    ([Status.FAILED, Status.OK], Level.WARN, 3),
    ([Status.FAILED, Status.ABSENT], Level.FAIL, 3),
    ([Status.OK, Status.NOT_RUN], Level.WARN, 3),
])  # fmt: skip
def test_the_sample_is_judged_as_a_run_would_be(statuses: list[Status], level: Level, code: int) -> None:
    found = judged(seen(), outcomes(*statuses))
    assert (found.level, found.code) == (level, code)


@pytest.mark.parametrize(("limits", "seconds"), [
    (Limits(requests_per_second=200.0), 600),
    (Limits(requests_in_flight=10), 1_200),
    (Limits(requests_in_flight=10, requests_per_second=1_000.0), 1_200),
    (Limits(), 187.5),
    (Limits(batch=True), 37.5),
])  # fmt: skip
def test_the_estimate_follows_from_the_sample_and_the_limits(limits: Limits, seconds: float) -> None:
    """60,000 mailboxes with two requests each, of 100 ms."""
    one = seen(limits)
    one.probe = Probe(outcomes(Status.OK, Status.OK, Status.NOT_RUN), bytes=2_000)
    found = estimated(one, free=1 << 40)
    assert (found.level, found.facts["requests"], found.facts["seconds"]) == (Level.PASS, 120_000, seconds)
    assert found.facts["bytes"] == 60_000_000


def test_an_estimate_warns_of_a_time_box_and_fails_where_there_is_no_room() -> None:
    one = seen(Limits(max_duration=60.0))
    assert estimated(one, free=1 << 40).level is Level.WARN, "nothing to reckon from"
    one.probe = Probe(outcomes(Status.OK), bytes=1_000)
    assert "--max-duration" in estimated(one, free=1 << 40).hint
    assert (estimated(one, free=1_000).level, estimated(one, free=1_000).code) == (Level.FAIL, 7)


def test_the_exit_code_is_that_of_the_gravest() -> None:
    def found(level: Level, code: int) -> Finding:
        return Finding(level, "", code=code)

    good, warning, first, second = (
        found(Level.PASS, 0), found(Level.WARN, 3), found(Level.FAIL, 7), found(Level.FAIL, 2)
    )  # fmt: skip
    assert exit_code([]) == exit_code([good, found(Level.SKIP, 0)]) == 0
    assert exit_code([good, warning, good]) == 3
    assert exit_code([warning, first, second, warning]) == 7


def test_the_proxy_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://ada:p-c4n4ry@proxy.contoso.com:8080")
    found = reached(seen(), "https://graph.microsoft.com", Answered(Response(401), 80.0, 0.0))
    assert "through http://proxy.contoso.com:8080 in 80 ms" in found.text
    assert found.facts["proxy"] == "http://proxy.contoso.com:8080"
