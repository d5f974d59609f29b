"""What a job says of a request is checked before anything is sent, and a wrong one is told in the words of a job."""

from typing import Any

import pytest

from bulkmail.errors import ConfigError
from bulkmail.model import Effect
from bulkmail.tasks import check_options
from bulkmail.tasks.request.send import request

PATCH = {"method": "PATCH", "path": "/mailboxSettings", "body": {"timeZone": "UTC"}}
POST = {"method": "POST", "path": "/contacts", "body": {"givenName": "Ada"}}
READ = {"method": "POST", "path": "/getMailTips", "body": {}, "effect": "read"}


def checked(**given: Any) -> Any:
    return check_options(request, given)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "task.path: "),
        ({"path": "people"}, "task.path: a path begins with a slash"),
        ({"path": "/../x"}, "cannot lead out of its mailbox"),
        ({"path": "/x?y=1"}, "query options go into params"),
        ({"path": "/x", "method": "get"}, "task.method: should be one of"),
        ({"path": "/x", "effect": "none"}, "a GET only reads"),
        ({"path": "/x", "body": {}}, "body does not go with GET"),
        ({"path": "/x", "save": "a", "rows": "value"}, "save goes with GET, and without rows"),
        ({"path": "/x", "save": "a", "columns": {"a": ""}}, "save goes with GET, and without rows"),
        ({"method": "POST", "path": "/getMailTips", "effect": "read", "save": "a"}, "save goes with GET"),
        ({"path": "/x", "compare": True}, "compare goes with a request that writes"),
        ({"path": "/x", "params": {"$filter": "a eq 'b"}}, "$filter has a ' without its partner"),
        ({"path": "/x", "params": {"$filter": "a eq {b"}}, "brace without its partner"),
        ({"path": "/x", "headers": {"Authorization": "Bearer x"}}, "cannot set the header 'Authorization'"),
        ({"path": "/x", "headers": {"Prefer": "a\r\nb"}}, "has a value that cannot be sent"),
        ({"path": "/x", "columns": {"Mailbox": "id"}}, "cannot have a column mailbox"),
        ({"path": "/x", "columns": {" ": "id"}}, "empty name"),
        ({**PATCH, "body": None}, "body is missing"),
        ({**PATCH, "body": "{"}, "task.body: is not JSON"),
        ({**PATCH, "effect": "read"}, 'effect = "read" goes with GET'),
        ({**PATCH, "effect": "keyed"}, 'effect = "keyed" goes with a POST'),
        ({**PATCH, "rows": "value"}, "rows goes with a request that reads"),
        ({**PATCH, "compare": {"pth": "/x"}}, "task.compare: has no key 'pth'; did you mean path"),
        ({**PATCH, "compare": {"path": "x"}}, "task.compare: path: a path begins with a slash"),
        ({**PATCH, "compare": 7}, "task.compare: "),
        ({**POST, "effect": "keyed"}, 'effect = "keyed" goes with a POST that has compare'),
        ({"method": "POST", "path": "/x", "compare": True}, "wanted is missing"),
        ({**POST, "effect": "read"}, 'effect = "read" goes with GET'),
        ({"method": "DELETE", "path": ""}, "would delete the user"),
        ({"method": "DELETE", "path": "/"}, "would delete the user"),
        ({"method": "DELETE", "path": "/x", "body": {}}, "body does not go with"),
        ({"method": "DELETE", "path": "/x", "compare": {"wanted": {}}}, "wanted does not go with DELETE"),
    ],
)
def test_what_cannot_be(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked(**given)
    assert told in str(caught.value)


def test_what_a_repetition_does() -> None:
    assert checked(path="/x").repeating is Effect.READ
    assert checked(**READ).repeating is Effect.READ
    assert checked(**PATCH).repeating is Effect.IDEMPOTENT
    assert checked(**POST).repeating is Effect.NONE
    assert checked(**POST, compare={"rows": "value"}, effect="keyed").repeating is Effect.KEYED


def test_short_forms_of_compare() -> None:
    assert checked(**PATCH, compare=True).compare.path is None
    assert checked(**PATCH, compare=False).compare is None
    assert checked(**PATCH, compare="/other").compare.path == "/other"


def test_options_of_a_manifest_are_the_same() -> None:
    whole = checked(
        **PATCH,
        params={"a": True, "$top": 5},
        headers={"Prefer": "x"},
        columns={"a": "b"},
        compare={"params": {"c": 1}},
    )
    assert check_options(request, whole.model_dump(mode="json")) == whole


def test_texts_that_may_hold_a_column() -> None:
    options = checked(
        method="PATCH", path="/contacts/{Id}", params={"a": "{P}"}, body={"x": [{"y": "{B}"}]}, compare="/contacts/{C}"
    )
    assert {name: text for name, text in options.templates().items() if text} == {
        "path": "/contacts/{Id}", "params": "{P}", "body": "{B}", "compare": "/contacts/{C}",
    }  # fmt: skip


def test_a_write_that_does_not_look_is_warned_of() -> None:
    assert "no compare" in "".join(checked(**PATCH).warnings())
    assert not checked(**PATCH, compare=True).warnings()
    assert not checked(path="/x").warnings()


@pytest.mark.parametrize(
    ("given", "least"),
    [
        ({"path": ""}, "User.ReadBasic.All"),
        ({"path": "/People"}, "People.Read.All"),
        ({"path": "/mailFolders/inbox/messageRules"}, "MailboxSettings.Read"),
        ({"path": "/messages/{Id}/$value"}, "Mail.Read"),
        ({"path": "/messages/{Id}/attachments"}, "Mail.Read"),
        ({"path": "/events/{Id}/attachments"}, "Calendars.Read"),
        ({"path": "/messages"}, "Mail.ReadBasic.All"),
        ({"path": "/calendar/getSchedule", "method": "POST", "effect": "read"}, "Calendars.ReadBasic"),
        ({"path": "/outlook/supportedTimeZones(TimeZoneStandard=microsoft.graph.timeZoneStandard'Iana')"},
         "User.ReadBasic.All"),
        (PATCH, "MailboxSettings.ReadWrite"),
        (POST, "Contacts.ReadWrite"),
        ({"path": "/something/new"}, ""),
        ({"path": "/people", "permission": "A.Read and B.Read"}, "A.Read and B.Read"),
    ],
)  # fmt: skip
def test_least_permissions(given: dict[str, Any], least: str) -> None:
    assert request.needs(checked(**given)).text == least
