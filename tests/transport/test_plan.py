"""No write passes a plan or a task that only reads, whatever it calls itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.effect import writes
from bulkmail.errors import OutputError, WriteRefused
from bulkmail.model import Effect, Ending, Request, Response
from bulkmail.testing import Scripted, run
from bulkmail.transport.plan import Planning, Refusing
from tests.transport.rig import get, post

ANSWER = Response(200, body={"id": "x"})
METHODS = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "get", "BREW"]
PATHS = ["/x", "/getSchedule", "/sendMail", "/$batch", "/x?y=/getSchedule"]


@st.composite
def drawn(draw: st.DrawFn) -> Request:
    method, path = (draw(st.one_of(st.sampled_from(known), st.text())) for known in (METHODS, PATHS))
    return Request(method, path, "ada", effect=draw(st.sampled_from(Effect)))


requests = drawn()


class Plans:
    """A ledger that only plans."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.planned: list[Request] = []
        self._refusal = refusal

    async def plan(self, request: Request, /) -> None:
        if self._refusal is not None:
            raise self._refusal
        self.planned.append(request)

    async def intend(self, request: Request, /) -> int:
        raise AssertionError("nothing is intended in a plan")

    def conclude(self, number: int, request: Request, ending: Ending, id_: str = "", /) -> None:
        raise AssertionError("nothing ends in a plan")


@given(requests)
def test_a_plan_sends_no_write_and_notes_each(request: Request) -> None:
    service, ledger = Scripted(lambda _request: ANSWER), Plans()
    answer = run(Planning(service, ledger).send(request))
    if writes(request):
        assert answer == Response(204)
        assert (ledger.planned, service.requests) == ([request], [])
    else:
        assert answer is ANSWER
        assert (ledger.planned, service.requests) == ([], [request])


def test_what_cannot_be_noted_is_not_answered_as_if_it_had_been() -> None:
    service = Scripted(lambda _request: ANSWER)
    with pytest.raises(OutputError):
        run(Planning(service, Plans(OutputError("no space left"))).send(post()))
    assert service.requests == []


@given(requests)
def test_a_task_that_only_reads_sends_no_write(request: Request) -> None:
    service = Scripted(lambda _request: ANSWER)
    if writes(request):
        with pytest.raises(WriteRefused):
            run(Refusing(service).send(request))
        assert service.requests == []
    else:
        assert run(Refusing(service).send(request)) is ANSWER
        assert service.requests == [request]


def test_the_task_hears_what_it_did_and_what_to_do() -> None:
    with pytest.raises(WriteRefused, match="tried to DELETE though it is declared to read only") as caught:
        run(Refusing(Scripted(lambda _request: ANSWER)).send(get()._replace(method="DELETE")))
    assert "writes=True" in caught.value.hint
