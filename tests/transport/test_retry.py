"""What is sent again and what is not, and what it costs."""

import asyncio
from collections.abc import Callable

import pytest

from bulkmail.core.retry import RetryRules
from bulkmail.errors import GraphError, OutcomeUnknown, ThrottledOut, TransportError, Unanswered, Unreachable
from bulkmail.model import Effect, Event, Request, Response
from bulkmail.testing import Scripted, run
from bulkmail.transport.retry import Retrying
from tests.transport.rig import get, post, throttled, unheard

OK = Response(200, body={})
PAGE = Response(200, {"content-type": "text/html"}, b"<html>sign in</html>")
LIE = Response(200, body={"error": {"code": "InternalServerError"}})
Step = Response | Exception


def script(steps: list[Step]) -> Scripted:
    """A service that ends one request after another as told, and all others well."""
    left = iter(steps)

    def answer(_request: Request) -> Response:
        step = next(left, OK)
        if isinstance(step, Exception):
            raise step
        return step

    return Scripted(answer)


def retrying(inner: Scripted, rules: RetryRules | None = None) -> Retrying:
    return Retrying(inner, rules=rules or RetryRules(), report=unheard, dice=lambda: 1.0)


def outcome(steps: list[Step], request: Request, rules: RetryRules | None = None) -> tuple[Response | Exception, int]:
    """How a request ends, and how often it was sent."""
    service = script(steps)
    try:
        return run(retrying(service, rules).send(request)), len(service.requests)
    except TransportError as error:
        return error, len(service.requests)


PATCH = Request("PATCH", "/x", "ada", body={}, effect=Effect.IDEMPOTENT)
DELETE = Request("DELETE", "/x", "ada", effect=Effect.IDEMPOTENT)
CREATE = Request("POST", "/x", "ada", body={}, effect=Effect.KEYED)
GONE = Response(404, body={"error": {"code": "ErrorItemNotFound"}})


@pytest.mark.parametrize("step", [Response(s) for s in (408, 500, 502, 503, 504)] + [OutcomeUnknown("lost"), PAGE, LIE])
def test_a_doubtful_end_is_repeated_only_where_that_is_safe(step: Step) -> None:
    for request in (get(), PATCH, DELETE):
        assert outcome([step], request) == (OK, 2)
    for request in (post(), CREATE):
        ended, sent = outcome([step], request)
        assert isinstance(ended, OutcomeUnknown)
        assert sent == 1


def test_a_refusal_of_what_may_have_been_done_before_says_so() -> None:
    refused = Response(403, body={"error": {"code": "ErrorAccessDenied"}})
    for first in (Response(504), OutcomeUnknown("lost")):
        assert outcome([first, refused], PATCH) == (refused._replace(doubtful=True), 2)
        assert outcome([first, refused], get()) == (refused, 2)
    assert outcome([Unreachable("no route"), refused], PATCH) == (refused, 2)
    assert outcome([Response(504), Response(302)], PATCH) == (Response(302, doubtful=True), 2)


@pytest.mark.parametrize("request_", [get(), post(), PATCH, CREATE])
def test_what_never_began_is_repeated_whatever_it_is(request_: Request) -> None:
    assert outcome([Unreachable("no route")] * 3, request_) == (OK, 4)


@pytest.mark.parametrize("status", [400, 403, 404, 409, 412, 423, 507])
def test_a_refusal_for_good_is_an_answer(status: int) -> None:
    assert outcome([Response(status)], get()) == (Response(status), 1)


def test_throttled_attempts_cost_nothing() -> None:
    service = script([throttled(1), Response(509)] * 40)
    transport = retrying(service, RetryRules(attempts=1))
    assert run(transport.send(post())) == OK
    assert len(service.requests) == 81


@pytest.mark.parametrize("step", [Response(504), OutcomeUnknown("cut off")])
def test_a_page_that_is_too_much_is_tried_twice(step: Step) -> None:
    asked = get(page=True)
    assert outcome([step], asked) == (OK, 2), "chance"
    assert outcome([step] * 9, asked)[1] == 2
    assert outcome([Response(503)] * 9, asked)[1] == RetryRules().attempts, "not for its size"
    assert outcome([step] * 9, asked, RetryRules(attempts=1))[1] == 1
    assert outcome([step] * 9, get())[1] == RetryRules().attempts


def test_the_last_of_the_attempts_is_the_answer() -> None:
    rules = RetryRules(attempts=3)
    assert outcome([Response(500), Response(502), Response(503), OK], get(), rules) == (Response(503), 3)
    for error in (Unreachable("no route"), OutcomeUnknown("lost")):
        ended, sent = outcome([error] * 3, PATCH, rules)
        assert (ended, sent) == (error, 3)


@pytest.mark.parametrize("last", [Unreachable("no route"), ThrottledOut("too long")])
@pytest.mark.parametrize("first", [OutcomeUnknown("lost"), Response(500), PAGE])
def test_a_last_attempt_that_never_began_does_not_hide_one_that_may_have_been_carried_out(
    first: Step, last: TransportError
) -> None:
    rules = RetryRules(attempts=3)
    ended, _ = outcome([first, last, last], PATCH, rules)
    assert isinstance(ended, OutcomeUnknown)
    assert str(ended) == str(last)
    assert outcome([first, last, last], get(), rules)[0] is last
    assert outcome([throttled(1), Unreachable("no route"), last, last], PATCH, rules)[0] is last


def test_a_read_that_never_got_an_answer_has_changed_nothing() -> None:
    ended, _ = outcome([OutcomeUnknown("lost")] * 9, get())
    assert isinstance(ended, Unanswered)
    assert str(ended) == "lost"


def test_a_page_that_is_not_of_graph_is_never_handed_on() -> None:
    read, _ = outcome([PAGE] * 9, get())
    assert isinstance(read, Unanswered)
    write, _ = outcome([PAGE] * 9, PATCH)
    assert isinstance(write, OutcomeUnknown)
    lie, _ = outcome([LIE] * 9, get())
    assert isinstance(lie, Unanswered)
    assert str(lie) == "what came, 200 InternalServerError, is not an answer of Graph"
    empty, _ = outcome([Response(200)] * 9, get())
    assert isinstance(empty, Unanswered)


def test_an_error_keeps_the_ids_of_its_attempt() -> None:
    lost = OutcomeUnknown("lost", request_id="r", client_request_id="c")
    never = Unreachable("no route", client_request_id="c")
    answer = Response(504, {"request-id": "r", "client-request-id": "c"})
    page = PAGE._replace(headers={**PAGE.headers, "client-request-id": "c"})
    for step, request in ((lost, post()), (answer, post()), (lost, get()), (page, get()), (page, PATCH)):
        ended, _ = outcome([step] * 9, request)
        assert isinstance(ended, TransportError)
        assert ended.client_request_id == "c"
        assert ended.request_id == ("" if step is page else "r")
    doubtful, _ = outcome([lost, *[never] * 9], PATCH)
    assert isinstance(doubtful, OutcomeUnknown)
    assert doubtful.client_request_id == "c"


def test_a_wait_that_is_too_long_is_final() -> None:
    ended, sent = outcome([ThrottledOut("too long")], get())
    assert isinstance(ended, ThrottledOut)
    assert sent == 1


def test_time_runs_from_the_first_failure_and_anew_after_throttling() -> None:
    rules = RetryRules(attempts=100, seconds=10, base=4, cap=4)
    assert outcome([Response(500)] * 9, get(), rules) == (Response(500), 3)
    steps: list[Step] = [Response(500), Response(500), throttled(1)] * 3
    assert outcome(steps, get(), rules) == (OK, 10)

    async def late() -> None:
        loop = asyncio.get_running_loop()

        async def slow(_request: Request) -> Response:
            await asyncio.sleep(60)
            return Response(500) if loop.time() < 100 else OK

        assert await retrying(Scripted(slow), rules).send(get()) == OK  # waiting for a first failure is none

    run(late())


def test_a_refused_request_is_sent_again_for_as_long_as_it_may_be_the_token() -> None:
    assert outcome([Response(401)], post()) == (OK, 2)
    assert outcome([Response(401)] * 3, post()) == (OK, 4)
    assert outcome([Response(401)] * 99, get())[0] == Response(401)


def test_a_token_that_is_refused_after_a_wait_is_renewed_again() -> None:
    refused, waits = Response(401), throttled(1)
    assert outcome([*[refused, refused, waits] * 5, Response(503), *[refused] * 2], get()) == (OK, 19)


def test_after_a_503_another_connection() -> None:
    service = script([Response(500), Response(503), Response(503)])
    run(retrying(service).send(get()))
    assert [request.fresh for request in service.requests] == [False, False, True, True]


def test_a_delete_whose_answer_was_lost_has_done_its_work() -> None:
    assert outcome([OutcomeUnknown("lost"), GONE], DELETE) == (Response(204), 2)
    assert outcome([GONE], DELETE) == (GONE, 1)
    assert outcome([OutcomeUnknown("lost"), GONE], get()) == (GONE, 2)


def test_each_repetition_is_told() -> None:
    events: list[Event] = []
    service = script(
        [Response(503, body={"error": {"code": "MailboxInfoStale"}}), Unreachable("no route"), Response(500)]
    )
    run(Retrying(service, rules=RetryRules(), report=events.append, dice=lambda: 1.0).send(get()))
    assert [(event.kind, event.text, event.mailbox, event.seconds) for event in events] == [
        ("retried", "503 MailboxInfoStale", "ada", 0.5),
        ("retried", "no route", "ada", 1.0),
        ("retried", "500", "ada", 2.0),
    ]


@pytest.mark.parametrize("error", [GraphError(500, "x", "y"), ZeroDivisionError(), KeyError("k")])
def test_what_is_no_loss_of_an_answer_passes(error: Exception) -> None:
    service = script([error])
    with pytest.raises(type(error)):
        run(retrying(service).send(get()))
    assert len(service.requests) == 1


def test_a_doubtful_end_names_what_was_answered() -> None:
    answer: Callable[[Request], Response] = lambda _request: Response(504, body={"error": {"code": "GatewayTimeout"}})  # noqa: E731
    with pytest.raises(OutcomeUnknown, match="answered 504 GatewayTimeout"):
        run(retrying(Scripted(answer)).send(post()))
