"""What is a write: everything but what is known to read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.effect import READING_ACTIONS, writes
from bulkmail.model import Effect, Request

SCHEDULE = "/users/ada/calendar/getSchedule"


@pytest.mark.parametrize(
    ("method", "path", "effect", "expected"),
    [
        ("GET", "/users/ada/messages", Effect.READ, False),
        ("HEAD", "/users/ada/messages", Effect.NONE, False),
        ("get", "/users/ada/messages", Effect.READ, True),  # methods are case-sensitive; this one is nobody's GET
        ("PATCH", "/users/ada/mailboxSettings", Effect.READ, True),
        ("PUT", "/users/ada/photo/$value", Effect.READ, True),
        ("DELETE", "/users/ada/messages/1", Effect.READ, True),
        ("BREW", "/users/ada/coffee", Effect.READ, True),
        ("POST", "/users/ada/sendMail", Effect.NONE, True),
        ("POST", "/users/ada/sendMail", Effect.READ, True),  # whatever it says of itself
        ("POST", SCHEDULE, Effect.READ, False),
        ("POST", SCHEDULE.lower(), Effect.READ, False),
        ("POST", f"{SCHEDULE}?$select=x", Effect.READ, False),
        ("POST", "/users/ada/microsoft.graph.getSchedule", Effect.READ, False),
        ("POST", SCHEDULE, Effect.NONE, True),
        ("POST", SCHEDULE, Effect.KEYED, True),
        ("PATCH", SCHEDULE, Effect.READ, True),
        ("POST", f"{SCHEDULE}/messages", Effect.READ, True),
        ("POST", "/users/ada/messages?next=/getSchedule", Effect.READ, True),
        ("POST", "/users/getSchedule.ada/messages", Effect.READ, True),
        ("POST", "", Effect.READ, True),
    ],
)
def test_what_writes(method: str, path: str, effect: Effect, *, expected: bool) -> None:
    assert writes(Request(method, path, "ada", effect=effect)) is expected


@given(st.text(), st.text(), st.sampled_from(Effect))
def test_only_two_methods_and_a_few_actions_are_reads(method: str, path: str, effect: Effect) -> None:
    known = method in {"GET", "HEAD"} or any(action in path.lower() for action in READING_ACTIONS)
    assert known or writes(Request(method, path, effect=effect))
