"""Who goes on after a refusal was read is early, however slow the machine; who was only slow to read it is not."""

from collections.abc import Iterable
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from bulkmail.sim.witness.causality import HOPS, NOTHING, Answers, Asked, Mark, Notice

APP = "app"


class Service:
    """Answers one request after another; the connections of its clients have a number."""

    def __init__(self) -> None:
        self.answers = Answers()
        self.marks: dict[int, Mark] = {}

    def comes(self, connection: int, app: str = APP) -> Asked:
        asked = Asked(self.marks.get(connection, NOTHING))
        self.answers.came(asked, app)
        return asked

    def answers_it(self, connection: int, asked: Asked) -> None:
        self.marks[connection] = self.answers.written(asked)

    def asked_by(self, connection: int, app: str = APP) -> Asked:
        asked = self.comes(connection, app)
        self.answers_it(connection, asked)
        return asked

    def refuses(self, connection: int) -> Notice:
        asked, notice = self.comes(connection), Notice()
        asked.notices.append(notice)
        self.answers_it(connection, asked)
        return notice


def test_a_client_that_goes_on_by_the_same_connection_has_read_it() -> None:
    service = Service()
    notice = service.refuses(0)
    assert [service.asked_by(0).knows(notice) for _ in range(4)] == [False, False, True, True]


def test_a_client_that_goes_on_by_other_connections_has_read_it() -> None:
    service = Service()
    service.asked_by(1)
    notice = service.refuses(0)
    assert [service.asked_by(connection).knows(notice) for connection in (1, 1, 1, 1)] == [False, False, False, True]
    assert not service.asked_by(2).knows(notice)  # of a new connection nothing is known


def test_a_request_that_was_on_its_way_all_the_time_is_not_early() -> None:
    service = Service()
    late = [service.comes(connection) for connection in range(1, 5)]
    notice = service.refuses(0)
    for _ in range(9):
        service.asked_by(0)
    assert not any(asked.knows(notice) for asked in late)


def test_what_other_applications_read_says_nothing() -> None:
    service = Service()
    service.asked_by(1)
    notice = service.refuses(0)
    for _ in range(9):
        service.asked_by(2, "other")
    assert [service.asked_by(1).knows(notice) for _ in range(4)] == [False, False, False, True]


class Client:
    """Sees a refusal when it has read all that came with it, and sends at most one request on a connection."""

    def __init__(self, service: Service, connections: int) -> None:
        self.service = service
        self.flying: dict[int, Asked] = {}
        self.unread: list[int] = []
        self.idle = list(range(connections))


@given(st.lists(st.integers(0, 11), max_size=80), st.integers(1, 6), st.integers(0, 30))
def test_a_client_that_heeds_what_it_has_read_is_never_early(
    steps: Iterable[int], connections: int, refused: int
) -> None:
    """It reads everything that was written whenever it looks, and goes on with any of that before it heeds the rest."""
    client, notice, numbers = Client(Service(), connections), Notice(), count()
    stops, heeds = False, False
    for step in steps:
        if step < 4 and client.idle and not stops:  # it sends
            connection = client.idle.pop(step % len(client.idle))
            client.flying[connection] = asked = client.service.comes(connection)
            assert not asked.knows(notice)
            if next(numbers) == refused:
                asked.notices.append(notice)
        elif step < 8 and client.flying:  # the service answers
            connection = list(client.flying)[step % len(client.flying)]
            client.service.answers_it(connection, client.flying.pop(connection))
            client.unread.append(connection)
        elif step >= 8:  # it looks, after it has heeded what it read when it looked last
            stops = heeds
            heeds = notice.told < float("inf")
            client.idle += client.unread
            client.unread.clear()


def test_hops_are_as_many_as_marks_hold() -> None:
    assert len(NOTHING) == HOPS + 1
