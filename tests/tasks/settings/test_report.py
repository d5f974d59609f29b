"""The report of mailbox settings reads every shape that the service is known to write, and stumbles over no other."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Response, Row
from bulkmail.tasks import check_options
from bulkmail.tasks.kit.html import plain
from bulkmail.tasks.settings.fields import VALUES, active
from bulkmail.tasks.settings.report import (
    COLUMNS,
    SEED_COLUMNS,
    any_row,
    full_row,
    seed_row,
    settings_report,
    usual_row,
)
from bulkmail.testing import Scripted, collect, run

ADA = Mailbox("ada@example.com", 2)
NOON = datetime(2026, 3, 19, 12, tzinfo=UTC)


def noon() -> datetime:
    return NOON


WHOLE: Mapping[str, Any] = {
    "@odata.context": "…",
    "archiveFolder": "AAMk",
    "timeZone": "W. Europe Standard Time",
    "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
    "dateFormat": "dd.MM.yyyy",
    "timeFormat": "HH:mm",
    "automaticRepliesSetting": {
        "status": "scheduled",
        "externalAudience": "contactsOnly",
        "internalReplyMessage": "<html>\n<body>\n<p>Back on <b>Monday</b>.</p>\n</body>\n</html>\n",
        "externalReplyMessage": "Away &amp; offline",
        "scheduledStartDateTime": {"dateTime": "2026-03-19T02:00:00.0000000", "timeZone": "UTC"},
        "scheduledEndDateTime": {"dateTime": "2026-03-20T02:00:00.0000000", "timeZone": "UTC"},
    },
    "language": {"locale": "de-CH", "displayName": "Deutsch (Schweiz)"},
    "workingHours": {
        "daysOfWeek": ["monday", "friday"],
        "startTime": "08:00:00.0000000",
        "endTime": "17:00:00.0000000",
        "timeZone": {"name": "Pacific Standard Time"},
    },
    "userPurpose": "shared",
}

EMPTY: Row = dict.fromkeys(COLUMNS) | {
    "mailbox": ADA.address, "internal_reply": "", "external_reply": "", "working_days": [],
}  # fmt: skip


def rows(body: Any, **options: str) -> list[Row]:
    graph = Graph.of(ADA, Scripted(lambda _: Response(200, body=body)), "https://graph.example/v1.0")
    return run(collect(settings_report.run(ADA, graph, check_options(settings_report, options))))


def test_a_whole_answer() -> None:
    assert rows(WHOLE) == [
        {
            "mailbox": "ada@example.com",
            "auto_reply_status": "scheduled",
            "auto_reply_audience": "contactsOnly",
            "auto_reply_start": "2026-03-19T02:00:00",
            "auto_reply_end": "2026-03-20T02:00:00",
            "auto_reply_time_zone": "UTC",
            "internal_reply": "Back on Monday.",
            "external_reply": "Away & offline",
            "time_zone": "W. Europe Standard Time",
            "language": "de-CH",
            "language_name": "Deutsch (Schweiz)",
            "date_format": "dd.MM.yyyy",
            "time_format": "HH:mm",
            "working_days": ["monday", "friday"],
            "working_start": "08:00:00",
            "working_end": "17:00:00",
            "working_time_zone": "Pacific Standard Time",
            "delegate_delivery": "sendToDelegateOnly",
            "user_purpose": "shared",
            "auto_reply_active": False,
        }
    ]


def test_one_request_below_the_mailbox() -> None:
    service = Scripted(lambda _: Response(200, body=dict(WHOLE)))
    run(collect(settings_report.run(ADA, Graph.of(ADA, service, "x"), check_options(settings_report, {}))))
    assert [(one.method, one.path, one.mailbox) for one in service.requests] == [
        ("GET", "/users/ada@example.com/mailboxSettings", "ada@example.com")
    ]


def test_the_columns_of_the_old_report() -> None:
    assert rows(WHOLE, columns="seed") == [
        {
            "MailboxName": "ada@example.com",
            "Language": "Deutsch (Schweiz)",
            "Locale": "de-CH",
            "TimeZone": "W. Europe Standard Time",
            "AutomaticReplyStatus": "scheduled",
        }
    ]
    assert list(rows(WHOLE, columns="seed")[0]) == list(SEED_COLUMNS)


def test_replies_as_they_are_stored() -> None:
    assert rows(WHOLE, replies="html")[0]["internal_reply"] == WHOLE["automaticRepliesSetting"]["internalReplyMessage"]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"automaticRepliesSetting": {"status": "AlwaysEnabled"}},
            {"auto_reply_status": "alwaysEnabled", "auto_reply_active": True},
        ),
        ({"automaticRepliesSetting": {"externalAudience": "CONTACTSONLY"}}, {"auto_reply_audience": "contactsOnly"}),
        ({"automaticRepliesSetting": {"status": "newToUs"}}, {"auto_reply_status": "newToUs"}),
        ({"automaticRepliesSetting": None, "language": None, "workingHours": None}, {}),
        ({"automaticRepliesSetting": {"internalReplyMessage": None}}, {}),
        ({"userPurpose": "Room"}, {"user_purpose": "room"}),
        ({"userPurpose": {"value": "Equipment"}}, {"user_purpose": "equipment"}),
        ({"userPurpose": {"@odata.type": "x"}}, {}),
        ({"userPurpose": None}, {}),
        ({"language": {"locale": None, "displayName": "Klingon"}}, {"language_name": "Klingon"}),
        ({"workingHours": {"daysOfWeek": ["Sunday", None, 3]}}, {"working_days": ["sunday"]}),
        ({"workingHours": {"daysOfWeek": "monday"}}, {}),
        (
            {"workingHours": {"timeZone": {"@odata.type": "#microsoft.graph.customTimeZone", "bias": -200,
                                           "name": "Customized Time Zone", "standardOffset": {}}}},
            {"working_time_zone": "Customized Time Zone"},
        ),
        ({"delegateMeetingMessageDeliveryOptions": "SendToDelegateOnly"}, {"delegate_delivery": "sendToDelegateOnly"}),
        ({"timeZone": 5, "dateFormat": [], "timeFormat": {}, "language": "de", "workingHours": [1]}, {}),
        ({"dateFormat": "", "timeFormat": ""}, {"date_format": "", "time_format": ""}),
        ({}, {}),
    ],
)  # fmt: skip
def test_shapes(part: dict[str, Any], expected: Row) -> None:
    assert full_row(ADA, part, "text", noon) == EMPTY | expected


@pytest.mark.parametrize("body", [None, b"<html>sign in here</html>", [], "text", 5])
def test_an_answer_that_is_no_object_is_no_empty_row(body: Any) -> None:
    with pytest.raises(GraphError, match="holds no settings"):
        rows(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([
        "status", "language", "locale", "workingHours", "timeZone", "daysOfWeek", "name", "userPurpose", "value",
        "automaticRepliesSetting", "internalReplyMessage", "scheduledStartDateTime", "dateTime",
    ]), inner, max_size=5),
    max_leaves=15,
)  # fmt: skip


SPELLINGS = st.sampled_from([*VALUES, "Monday", "FRIDAY", "ScheduleD", "new", "", "<p>Away</p>", "a &amp; b"])
LISTS = st.lists(SPELLINGS, max_size=2)
ODD = st.none() | st.booleans() | st.integers() | LISTS | st.dictionaries(SPELLINGS, SPELLINGS)
WEEKS = st.lists(SPELLINGS | ODD, max_size=4) | ODD


@given(data=st.data())
def test_each_cell_is_what_its_own_setting_makes_of_it(data: st.DataObject) -> None:
    body = {**WHOLE, "automaticRepliesSetting": {**WHOLE["automaticRepliesSetting"]}}
    for name in ("status", "externalAudience", "internalReplyMessage", "externalReplyMessage"):
        body["automaticRepliesSetting"][name] = data.draw(SPELLINGS | ODD)
    for name in ("timeZone", "delegateMeetingMessageDeliveryOptions"):
        body[name] = data.draw(SPELLINGS | ODD)
    body["workingHours"] = {**WHOLE["workingHours"], "daysOfWeek": data.draw(WEEKS)}
    row, reply = full_row(ADA, body, "text", noon), body["automaticRepliesSetting"]

    def text(value: Any) -> str | None:
        return value if isinstance(value, str) else None

    def spelled(value: str) -> str:
        return {one.casefold(): one for one in VALUES}.get(value.casefold(), value)

    def enum(value: Any) -> str | None:
        return None if text(value) is None else spelled(value)

    week = body["workingHours"]["daysOfWeek"]
    assert row == full_row(ADA, WHOLE, "text", noon) | {
        "auto_reply_status": enum(reply["status"]),
        "auto_reply_active": {"disabled": False, "alwaysEnabled": True, "scheduled": True}.get(
            enum(reply["status"]) or ""
        ),
        "auto_reply_audience": enum(reply["externalAudience"]),
        "internal_reply": plain(text(reply["internalReplyMessage"]) or ""),
        "external_reply": plain(text(reply["externalReplyMessage"]) or ""),
        "time_zone": text(body["timeZone"]),
        "delegate_delivery": enum(body["delegateMeetingMessageDeliveryOptions"]),
        "working_days": [spelled(day) for day in week if isinstance(day, str)] if isinstance(week, list) else [],
    }


SEEN = st.sampled_from([
    "2026-03-19T02:00:00.0000000", "2026-03-19T02:00:00.5000000", "soon", "08:00:00", "08:00:00.0000000", "none",
    "disabled", "alwaysEnabled", "scheduled", "Disabled", "sendToDelegateOnly", "user", "<p>Away</p>", "", " a ", "ü",
]) | ODD  # fmt: skip


def changed(data: st.DataObject, value: Any) -> Any:
    """Settings of which some are others, or are not there."""
    if isinstance(value, dict) and data.draw(st.integers(0, 9)):
        return {name: changed(data, inner) for name, inner in value.items() if data.draw(st.integers(0, 19))}
    return data.draw(SEEN) if not data.draw(st.integers(0, 5)) else value


@given(data=st.data(), replies=st.sampled_from(["text", "html"]))
def test_a_usual_row_is_what_any_settings_give(data: st.DataObject, replies: str) -> None:
    body = changed(data, {**WHOLE})
    assert usual_row(ADA.address, body, replies, noon) in (None, any_row(ADA.address, body, replies, noon))


def places(value: Any, *path: str) -> list[tuple[str, ...]]:
    """Where its values stand."""
    if isinstance(value, dict):
        return [place for name, inner in value.items() for place in places(inner, *path, name)]
    return [path]


def with_value(settings: Mapping[str, Any], value: Any, first: str, *rest: str) -> dict[str, Any]:
    return {**settings, first: with_value(settings[first], value, *rest) if rest else value}


@given(
    st.lists(st.tuples(st.sampled_from(places(WHOLE)), SEEN | st.lists(SPELLINGS)), max_size=3),
    st.sampled_from(["text", "html"]),
)
def test_nearly_usual_settings_give_what_any_settings_give(
    values: list[tuple[tuple[str, ...], Any]], replies: str
) -> None:
    body: dict[str, Any] = {**WHOLE}
    for place, value in values:
        body = with_value(body, value, *place)
    plainly = any_row(ADA.address, body, replies, noon)
    assert usual_row(ADA.address, body, replies, noon) in (None, plainly)
    assert list(full_row(ADA, body, replies, noon).items()) == list(plainly.items())


@pytest.mark.parametrize("status", ["disabled", "alwaysEnabled", "scheduled", "none"])
def test_a_whole_answer_gives_a_usual_row(status: str) -> None:
    body = {**WHOLE, "automaticRepliesSetting": {**WHOLE["automaticRepliesSetting"], "status": status}}
    row = usual_row(ADA.address, body, "text", noon)
    assert row is not None
    assert row == any_row(ADA.address, body, "text", noon)
    assert list(row) == list(COLUMNS)


@given(body=JSON)
def test_no_json_is_an_accident_and_columns_are_those_documented(body: Any) -> None:
    assert list(full_row(ADA, body, "text", noon)) == list(COLUMNS)
    assert list(seed_row(ADA, body)) == list(SEED_COLUMNS)
    if isinstance(body, dict):
        assert list(rows(body)[0]) == list(settings_report.columns(check_options(settings_report, {})))


def schedule(start: Any, end: Any, zone: Any) -> dict[str, Any]:
    return {
        "status": "Scheduled",
        "scheduledStartDateTime": {"dateTime": start, "timeZone": zone},
        "scheduledEndDateTime": {"dateTime": end, "timeZone": zone},
    }


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (None, None),
        ({"status": "Disabled"}, False),
        ({"status": "alwaysEnabled"}, True),
        ({"status": "newToUs"}, None),
        (schedule("2026-03-19T12:00:00.0000000", "2026-03-19T12:00:01.0000000", "UTC"), True),
        (schedule("2026-03-19T11:00:00.0000000", "2026-03-19T12:00:00.0000000", "UTC"), False),
        (schedule("2026-03-19T12:00:01.0000000", "2026-03-20T00:00:00.0000000", "UTC"), False),
        (schedule("2026-03-19T12:30:00", "2026-03-19T14:00:00", "W. Europe Standard Time"), True),
        (schedule("2026-03-19T13:30:00", "2026-03-19T14:00:00", "europe/berlin"), False),
        (schedule("2026-03-19T20:30:00", "2026-03-19T21:00:01", "Tokyo Standard Time"), True),
        (schedule("2026-03-01T00:00:00", "2026-04-01T00:00:00", "Customized Time Zone"), None),
        (schedule("2026-03-01T00:00:00", "2026-04-01T00:00:00", None), True),
        (schedule("soon", "2026-04-01T00:00:00", "UTC"), None),
        (schedule(5, {}, []), None),
    ],
)
def test_whether_replies_go_out_now(reply: Any, expected: bool | None) -> None:
    assert active(reply, NOON) is expected
    assert full_row(ADA, {"automaticRepliesSetting": reply}, "text", noon)["auto_reply_active"] is expected
