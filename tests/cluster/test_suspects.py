"""A row that takes its worker with it each time is given up; those that were beside it are not."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as some

from bulkmail.cluster.desk import Desk, Session
from bulkmail.cluster.suspects import TOGETHER, Suspects
from bulkmail.model import Mailbox, Status
from bulkmail.rundir import heartbeat
from bulkmail.testing.tenant import open_tenant
from tests.cluster.test_troubles import CALM
from tests.cluster.within import Within, within


def test_a_mailbox_that_kills_each_worker_fails_and_all_others_end(tmp_path: Path) -> None:
    with open_tenant(tmp_path, replace(CALM, mailboxes=24)) as tenant:
        lethal = tenant.addresses()[5]
        settings = {"cluster.lease": 1.0}
        hosts = Within(2, lethal=lethal)
        done = tenant.run("settings.report", tmp_path / "a", settings=settings, sweeping=within(hosts))
        assert done.code == 3, done.err
        statuses = done.statuses()
        assert statuses.pop(lethal) == "failed"
        assert set(statuses.values()) == {"ok"}
        assert len(statuses) == 23
        [outcome] = [one for one in done.lines("outcomes.ndjson") if one["mailbox"] == lethal]
        assert outcome["error"]["code"] == "WorkersLost", outcome


def desk() -> Desk:
    return Desk(lambda mailbox: mailbox.key, reached={}, made={}, unsettled={}, settle=1.0)


def filled(at: Desk, session: Session, most: int) -> Sequence[int]:
    """The rows that a worker is given, as the coordinator gives them."""
    while len(session.held) < most and not at.is_full(session) and at.at_hand(session, 0.0):
        pass
    return list(session.held)


@given(some.integers(2, 12), some.sets(some.integers(0, 11), max_size=2), some.data())
def test_only_what_is_lethal_is_given_up(rows: int, lethal: set[int], data: some.DataObject) -> None:
    """Workers take some rows each; one with a lethal row is lost, some others are lost by chance."""
    at, chance, ended = desk(), TOGETHER * rows, dict[int, Status]()
    reader = Session(0, "first", 0.0)
    for row in range(rows):
        at.take(reader, Mailbox(f"m{row}@contoso.example", row), 0.0)
    at.end(reader, 0.0, heartbeat.current(), lost=False)
    for number in range(1, 500):
        session = Session(number, "w", 0.0)
        held = filled(at, session, data.draw(some.integers(1, rows)))
        if not held:
            break
        is_lost = bool(lethal & set(held))
        if not is_lost and chance and len(held) > 1 and data.draw(some.booleans()):
            is_lost, chance = True, chance - 1
        if not is_lost:
            for row in held:
                at.release(session, row)
                ended[row] = Status.OK
        for mailbox, status in at.end(session, 0.0, heartbeat.current(), lost=is_lost):
            ended[mailbox.row] = status
    assert at.idle
    assert ended == {row: Status.FAILED if row in lethal else Status.OK for row in range(rows)}


def test_a_suspect_is_given_to_a_worker_with_nothing_else_and_it_gets_nothing_more() -> None:
    at, beat = desk(), heartbeat.current()
    first, busy = Session(0, "first", 0.0), Session(1, "busy", 0.0)
    for row in range(2):
        at.take(first, Mailbox(f"m{row}@contoso.example", row), 0.0)
    for number in range(TOGETHER):
        at.end(first, 0.0, beat, lost=True)
        if number < TOGETHER - 1:
            first = Session(number + 2, "next", 0.0)
            assert filled(at, first, 2) == [0, 1]
    at.take(busy, Mailbox("m7@contoso.example", 7), 0.0)
    assert at.at_hand(busy, 0.0) is None
    assert not at.is_full(busy)
    idle = Session(9, "idle", 0.0)
    assert filled(at, idle, 2) == [0]
    assert at.is_full(idle)
    assert [mailbox.row for mailbox in at.rest()] == [1]


def test_what_is_told_of_suspects() -> None:
    suspects = Suspects()
    for _ in range(TOGETHER):
        suspects.lose([4])
    suspects.lose([5])
    assert 4 in suspects
    assert 5 not in suspects
    assert repr(suspects) == "<Suspects 1>"
