"""A letter whose sending got no answer, step by step: looked for, sent again only as a draft, else unknown."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bulkmail.errors import GraphError, OutcomeUnknown
from bulkmail.graph import Graph
from bulkmail.model import Request, Response, Row
from bulkmail.tasks import check_options
from bulkmail.tasks.kit.keyed import EXTENDED
from bulkmail.tasks.mail.outbox import MARK
from bulkmail.tasks.mail.send import mail_send
from bulkmail.testing import Scripted, collect, run
from tests.tasks.rig import ADA, BASE, error_body

OPTIONS: Mapping[str, Any] = {"campaign": "notice", "subject": "Hello {Name}", "body": "Dear {Name},\nread this."}
ROW = {"Name": "Ada <L>", "Boss": "boss@contoso.example; hr@contoso.example"}


class Post:
    """A sender's mailbox by hand: `lost` is how often the answer to a send is lost, `arrives` whether it goes out."""

    def __init__(self, message: dict[str, Any] | None, answers: list[Any]) -> None:
        self.message = message
        self.answers = iter(answers)
        self.service = Scripted(self.answer)

    def answer(self, request: Request) -> Response:
        path = request.path.partition("?")[0]
        if request.method == "GET" and path.endswith("/messages"):
            return Response(200, body={"value": [self.message] if self.message else []})
        if request.method == "GET":
            return (
                Response(200, body=self.message)
                if self.message
                else Response(404, body=error_body("ErrorItemNotFound"))
            )
        if path.endswith("/messages"):
            self.message = {"id": "d/1", "isDraft": True, **request.body}
            return Response(201, body=self.message)
        act = next(self.answers)
        answer = act(self)
        if isinstance(answer, Exception):
            raise answer
        return Response(answer, body=error_body("ErrorOfSomeKind") if answer >= 400 else None)

    def rows(self) -> list[Row]:
        options = check_options(mail_send, {**OPTIONS, "body": "x", "subject": "s"})
        return run(collect(mail_send.run(ADA, Graph.of(ADA, self.service, BASE), options)))

    @property
    def sends(self) -> int:
        return sum(one.path.endswith("/send") for one in self.service.requests)


def lost(after: dict[str, Any] | str | None = "same") -> Callable[[Post], Exception]:
    """The answer is lost, and the mailbox holds this afterwards."""

    def act(post: Post) -> Exception:
        if after != "same":
            post.message = after if isinstance(after, dict) else None
        return OutcomeUnknown("lost")

    return act


def says(status: int, **changed: Any) -> Callable[[Post], int]:
    def act(post: Post) -> int:
        if post.message is not None:
            post.message |= changed
        return status

    return act


def test_a_lost_send_that_went_out() -> None:
    post = Post(None, [lost({"id": "d/1", "isDraft": False})])
    assert post.rows()[0]["action"] == "send"
    assert post.sends == 1
    assert post.service.requests[-1].path.startswith("/users/ada@example.com/messages/d%2F1?")
    assert all(one.headers["Prefer"] == 'IdType="ImmutableId"' for one in post.service.requests)


def test_a_lost_send_that_did_not_go_out_is_sent_again() -> None:
    post = Post(None, [lost(), lost(), says(202)])
    assert post.rows()[0]["action"] == "send"
    assert post.sends == 3


def test_a_lost_send_of_which_nothing_is_found_is_unknown() -> None:
    post = Post(None, [lost(None)])
    with pytest.raises(OutcomeUnknown):
        post.rows()
    assert post.sends == 1


def test_a_look_that_is_refused_leaves_it_unknown() -> None:
    post = Post(None, [lost()])

    def answer(request: Request) -> Response:
        looks = request.method == "GET" and "/messages/" in request.path
        return Response(403, body=error_body("ErrorAccessDenied")) if looks else post.answer(request)

    options = check_options(mail_send, {**OPTIONS, "body": "x", "subject": "s"})
    with pytest.raises(OutcomeUnknown):
        run(collect(mail_send.run(ADA, Graph.of(ADA, Scripted(answer), BASE), options)))


def test_sends_that_are_lost_without_end_are_unknown() -> None:
    post = Post(None, [lost(), lost(), lost(), lost()])
    with pytest.raises(OutcomeUnknown):
        post.rows()
    assert post.sends == 3


def test_a_draft_without_an_id() -> None:
    service = Scripted(lambda one: Response(201) if one.method == "POST" else Response(200, body={"value": []}))
    options = check_options(mail_send, {**OPTIONS, "body": "x", "subject": "s"})
    with pytest.raises(GraphError, match="NotAMessage"):
        run(collect(mail_send.run(ADA, Graph.of(ADA, service, BASE), options)))
    assert len(service.requests) == 2


def test_a_refusal_is_no_doubt() -> None:
    post = Post(None, [says(403)])
    with pytest.raises(GraphError, match="ErrorOfSomeKind"):
        post.rows()
    assert post.sends == 1


def test_a_refusal_after_a_lost_answer_may_mean_that_it_has_gone_out() -> None:
    post = Post(None, [lost(), says(400, isDraft=False)])
    assert post.rows()[0]["action"] == "send"
    post = Post(None, [lost(), says(400)])
    with pytest.raises(GraphError, match="ErrorOfSomeKind"):
        post.rows()
    assert post.sends == 2


def test_a_draft_is_compared_by_what_it_says() -> None:
    marks = [{"id": MARK.id, "value": "k"}]
    to = [{"emailAddress": {"address": "ADA@example.com", "name": "Ada"}}]
    as_html = {"contentType": "HTML", "content": "<html><body><p>x</p></body></html>"}
    draft = {"id": "d/1", "isDraft": True, "subject": "s", "toRecipients": to, "body": as_html, EXTENDED: marks}
    post = Post(draft, [says(202)])
    assert post.rows()[0]["action"] == "send"
    assert [one.method for one in post.service.requests] == ["GET", "POST"]
    for strange in ({"toRecipients": None}, {"subject": None}, {"body": None}, {"body": {"content": 5}}):
        post = Post({**draft, **strange}, [says(200), says(202)])
        assert post.rows()[0]["action"] == "send"
        assert [one.method for one in post.service.requests] == ["GET", "PATCH", "POST"]


def test_of_two_messages_the_one_that_was_sent_counts() -> None:
    two = [{"id": "1", "isDraft": True}, {"id": "2", "isDraft": False}]
    service = Scripted(lambda _: Response(200, body={"value": two}))
    options = check_options(mail_send, {**OPTIONS, "body": "x", "subject": "s"})
    (row,) = run(collect(mail_send.run(ADA, Graph.of(ADA, service, BASE), options)))
    assert row["action"] == "already"
    assert len(service.requests) == 1
