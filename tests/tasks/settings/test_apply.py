"""Settings become what the job says, in one request, and only where they say something else."""

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import ConfigError, GraphError, InputError
from bulkmail.graph import Graph
from bulkmail.model import Change, Effect, Response
from bulkmail.tasks import check_options
from bulkmail.tasks.settings.apply import COLUMNS, settings_apply
from bulkmail.tasks.settings.fields import SETTINGS, body_of, instant, same, value_of
from bulkmail.testing import Scripted, Stepper, collect, run
from tests.tasks.rig import ADA, BASE
from tests.tasks.settings.store import STORED, SUPPORTED, Store, rows

AS_STORED: Mapping[str, Any] = {
    "auto_reply_status": "alwaysenabled",
    "auto_reply_audience": "all",
    "auto_reply_start": "2026-12-24T18:00",
    "auto_reply_end": "2027-01-03 18:00",
    "auto_reply_time_zone": "Europe/Berlin",
    "internal_reply": "  Away & offline\n",
    "external_reply": "",
    "time_zone": "utc",
    "language": "de-ch",
    "time_format": "HH:mm",
    "working_days": ["Friday", "monday"],
    "working_start": "08:00",
    "working_end": "17:00:00",
    "working_time_zone": "Customized Time Zone",
    "delegate_delivery": "sendToDelegateOnly",
}


def refusal(**options: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        check_options(settings_apply, options)
    return str(caught.value)


def test_nothing_differs_and_nothing_is_sent() -> None:
    store = Store()
    assert rows(store, **AS_STORED) == []
    assert store.writes == []
    assert len(store.service.requests) == 1


def test_one_write_with_only_what_differs() -> None:
    store = Store()
    told = rows(store, **{**AS_STORED, "auto_reply_status": "disabled", "internal_reply": "Back\non <Monday>",
                          "time_zone": "Tokyo Standard Time", "working_end": "18:30"})  # fmt: skip
    (write,) = store.writes
    assert write.body == {
        "automaticRepliesSetting": {"status": "disabled", "internalReplyMessage": "Back<br>\non &lt;Monday&gt;"},
        "timeZone": "Tokyo Standard Time",
        "workingHours": {"endTime": "18:30:00.0000000"},
    }
    assert (write.method, write.path) == ("PATCH", "/users/ada@example.com/mailboxSettings")
    assert write.effect is Effect.IDEMPOTENT
    assert write.change == Change(
        "settings",
        {"auto_reply_status": "AlwaysEnabled",
         "internal_reply": "<html>\n<body>\nAway &amp; offline\n</body>\n</html>\n",
         "time_zone": "UTC", "working_end": "17:00:00.0000000"},
        {"auto_reply_status": "disabled", "internal_reply": "Back<br>\non &lt;Monday&gt;",
         "time_zone": "Tokyo Standard Time", "working_end": "18:30:00.0000000"},
    )  # fmt: skip
    assert told == [
        {"setting": "auto_reply_status", "before": "alwaysEnabled", "after": "disabled", "state": "done"},
        {"setting": "internal_reply", "before": "Away & offline", "after": "Back\non <Monday>", "state": "done"},
        {"setting": "time_zone", "before": "UTC", "after": "Tokyo Standard Time", "state": "done"},
        {"setting": "working_end", "before": "17:00:00", "after": "18:30:00", "state": "done"},
    ]
    assert ["mailbox", *told[0]] == list(COLUMNS)


def test_a_plan_tells_the_same() -> None:
    options: dict[str, Any] = {"date_format": "yyyy-MM-dd", "working_days": "Saturday, sunday",
                               "working_time_zone": "UTC", "auto_reply_start": "2026-12-24T17:00",
                               "auto_reply_end": "2026-12-31T12:00"}  # fmt: skip
    applied, planned = rows(Store(), **options), rows(Store(), planning=True, **options)
    assert {row.pop("state") for row in applied} == {"done"}
    assert {row.pop("state") for row in planned} == {"planned"}
    assert planned == applied == [
        {"setting": "auto_reply_end", "before": "2027-01-03T17:00:00 UTC",
         "after": "2026-12-31T12:00:00 UTC"},
        {"setting": "date_format", "before": "", "after": "yyyy-MM-dd"},
        {"setting": "working_days", "before": ["monday", "friday"], "after": ["sunday", "saturday"]},
        {"setting": "working_time_zone", "before": "Customized Time Zone", "after": "UTC"},
    ]  # fmt: skip


def test_a_reply_in_html_is_sent_as_it_is() -> None:
    store = Store()
    html = '<p>Ask <a href="https://contoso.com/desk?a=1&amp;b=2">the desk</a></p>'
    assert rows(store, internal_reply=html, replies="html")[0]["after"] == "Ask the desk"
    assert store.writes[0].body == {"automaticRepliesSetting": {"internalReplyMessage": html}}
    assert rows(store, internal_reply=f"<html><body>{html}</body></html>", replies="html") == []
    assert rows(store, internal_reply=html.replace("desk?", "help?"), replies="html") != [], "a link leads elsewhere"


def test_values_of_the_mailbox_itself() -> None:
    mailbox = ADA._replace(columns={"Zone": "Tokyo Standard Time", "Name": "A & B", "Locale": " "})
    store = Store()
    told = rows(store, mailbox, time_zone="{zone}", internal_reply="I am {Name} {{Name}}", language="{Locale}")
    assert [row["setting"] for row in told] == ["internal_reply", "time_zone"], "a blank cell leaves a setting alone"
    assert store.stored["timeZone"] == "Tokyo Standard Time"
    assert store.stored["automaticRepliesSetting"]["internalReplyMessage"] == "I am A &amp; B {Name}"
    html = rows(store, mailbox, internal_reply="<b>{Name}</b>", replies="html")
    assert store.writes[-1].body == {"automaticRepliesSetting": {"internalReplyMessage": "<b>A &amp; B</b>"}}
    assert html[0]["after"] == "A & B"
    asked = len(store.service.requests)
    assert rows(store, mailbox, language="{Locale}") == []
    assert len(store.service.requests) == asked, "there is nothing to read for"


def test_a_cell_that_is_no_value_fails_before_anything_is_asked() -> None:
    mailbox = ADA._replace(columns={"Status": "sometimes", "From": "2026-01-02T10:00", "To": "2026-01-01"})
    store = Store()
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"auto_reply_status": "{Status}"}, "row 2: auto_reply_status: should be disabled, alwaysEnabled or scheduled"),
        ({"auto_reply_start": "{From}", "auto_reply_end": "{To}"}, "auto_reply_end should be after its start"),
        ({"time_zone": "{Zone}"}, "row 2 has no column 'Zone'; it has mailbox, Status, From, To"),
    ]
    for options, said in wrong:
        with pytest.raises(InputError, match=said):
            rows(store, mailbox, **options)
    assert store.service.requests == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "no setting is given"),
        ({"replies": "html"}, "no setting is given"),
        ({"auto_reply_status": "on"}, "task.auto_reply_status: should be disabled, alwaysEnabled or scheduled"),
        ({"auto_reply_status": "scheduled"}, "goes with auto_reply_start and auto_reply_end"),
        ({"auto_reply_start": "2026-12-24"}, "auto_reply_start and auto_reply_end go together"),
        ({"auto_reply_start": "Christmas", "auto_reply_end": "2027"}, "task.auto_reply_start: should be a date"),
        ({"auto_reply_start": "2026-12-24T18:00Z", "auto_reply_end": "2027-01-01"}, "should have no offset"),
        ({"auto_reply_start": "2026-12-24", "auto_reply_end": "2026-12-24"}, "auto_reply_end should be after"),
        ({"auto_reply_time_zone": "UTC", "time_zone": "UTC"}, "auto_reply_time_zone goes with auto_reply_start"),
        ({"working_start": "17:00", "working_end": "8:00"}, "task.working_end: should be a time of day"),
        ({"working_start": "17:00", "working_end": "08:00"}, "working_end should be after its start"),
        ({"working_days": ["monday", "mayday"]}, "task.working_days: should be days out of sunday, monday"),
        ({"working_days": []}, "task.working_days: should be days"),
        ({"time_zone": " "}, "task.time_zone: should not be empty"),
        ({"time_zone": 5}, "task.time_zone: should be a text between quotes"),
        ({"time_zne": "UTC"}, "task.time_zne is not an option of settings.apply; did you mean time_zone?"),
    ],
)  # fmt: skip
def test_options_that_make_no_sense(options: dict[str, Any], said: str) -> None:
    assert said in refusal(**options)


def test_toml_may_write_times_without_quotes() -> None:
    from datetime import datetime, time

    moments = {"auto_reply_start": datetime(2026, 12, 24, 18), "auto_reply_end": datetime(2026, 12, 25)}  # noqa: DTZ001
    options: Any = check_options(settings_apply, {"working_start": time(8, 30), **moments})
    assert options.working_start == "08:30:00.0000000"
    assert options.auto_reply_start == "2026-12-24T18:00:00.0000000"


@pytest.mark.parametrize("body", [None, [], "x"])
def test_an_answer_that_holds_no_settings(body: Any) -> None:
    service = Scripted(lambda _: Response(200, body=body))
    graph = Graph.of(ADA, service, BASE)
    with pytest.raises(GraphError, match="holds no settings"):
        run(collect(settings_apply.run(ADA, graph, check_options(settings_apply, {"time_zone": "UTC"}))))
    assert len(service.requests) == 1


JSON = st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=2)
                    | st.dictionaries(st.sampled_from(["dateTime", "timeZone", "name", "x"]), inner),
                    max_leaves=5)  # fmt: skip


@given(name=st.sampled_from(list(SETTINGS)), value=JSON)
def test_no_json_is_an_accident(name: str, value: Any) -> None:
    assert same(name, value, value)
    SETTINGS[name].shows(value)
    assert value_of(body_of({name: value}), name) == value


def test_schedules_are_compared_as_moments() -> None:
    berlin = {"dateTime": "2026-12-24T18:00:00.0000000", "timeZone": "Europe/Berlin"}
    utc = {"dateTime": "2026-12-24T17:00:00Z", "timeZone": "UTC"}
    assert instant(berlin) == instant(utc)
    assert instant({**berlin, "timeZone": "W. Europe Standard Time"}) == instant(utc)
    assert instant({**berlin, "timeZone": "Mars Time"}) == (berlin["dateTime"], "Mars Time")
    assert instant({**berlin, "timeZone": "../../etc/passwd"}) == (berlin["dateTime"], "../../etc/passwd")


def test_driven_by_hand() -> None:
    stepper = Stepper(
        lambda transport: settings_apply.run(
            ADA, Graph.of(ADA, transport, BASE), check_options(settings_apply, {"time_zone": "Fiji Standard Time"})
        )
    )
    asked = stepper.step()
    assert asked is not None
    assert asked.method == "GET"
    listed = stepper.step(Response(200, body=dict(STORED)))
    assert listed is not None
    assert listed.path == "/users/ada@example.com/outlook/supportedTimeZones"
    write = stepper.step(Response(200, body={"value": SUPPORTED}))
    assert write is not None
    assert write.method == "PATCH"
    assert stepper.rows == [], "nothing is told before it is done"
    assert stepper.step(Response(200, body={})) is None
    assert [row["state"] for row in stepper.rows] == ["done"]


def test_options_come_back_out_of_a_manifest() -> None:
    options = check_options(settings_apply, dict(AS_STORED) | {"language": "{Locale}"})
    kept = json.loads(json.dumps(options.model_dump(mode="json")))
    assert check_options(settings_apply, kept) == options


def test_replies_that_are_switched_on_without_a_text_are_shown_as_they_would_go_out() -> None:
    stored = deepcopy(STORED)
    stored["automaticRepliesSetting"]["status"] = "disabled"
    told = rows(Store(stored), planning=True, auto_reply_status="alwaysEnabled", external_reply="New")
    assert [(row["setting"], row["after"], row["state"]) for row in told] == [
        ("auto_reply_status", "alwaysEnabled", "planned"),
        ("external_reply", "New", "planned"),
        ("internal_reply", "Away & offline", "stays"),
    ]
    assert rows(Store(stored), planning=True, auto_reply_status="disabled") == []
    both = rows(Store(stored), planning=True, auto_reply_status="alwaysEnabled")
    assert [row["setting"] for row in both] == ["auto_reply_status", "internal_reply", "external_reply"]


@pytest.mark.parametrize("name", ["time_zone", "working_time_zone"])
def test_a_time_zone_that_does_not_exist_fails_in_the_plan(name: str) -> None:
    said = refusal(**{name: "CET"})
    assert f"task.{name}: 'CET' is not a time zone; did you mean Central European Standard Time?" in said
    mailbox = ADA._replace(columns={"Zone": "(UTC+01:00) Amsterdam"})
    with pytest.raises(InputError, match=rf"row {ADA.row}: {name}: .*did you mean Europe/Amsterdam") as caught:
        rows(Store(), mailbox, planning=True, **{name: "{Zone}"})
    assert "is not a time zone" in str(caught.value)
    store = Store()
    rows(store, ADA._replace(columns={"Zone": "tokyo standard time"}), time_zone="{Zone}")
    assert store.stored["timeZone"] == "Tokyo Standard Time"


def test_replies_without_a_text_are_warned_of() -> None:
    def warnings(**options: Any) -> list[str]:
        return [text.partition(":")[0] for text in check_options(settings_apply, options).warnings()]

    on = "automatic replies are switched on without "
    assert warnings(auto_reply_status="alwaysEnabled") == [on + "internal_reply and external_reply"]
    assert warnings(auto_reply_status="alwaysEnabled", internal_reply="x") == [on + "external_reply"]
    assert warnings(auto_reply_status="alwaysEnabled", internal_reply="x", auto_reply_audience="none") == []
    assert warnings(auto_reply_status="{Status}") == [on + "internal_reply and external_reply"]
    assert warnings(auto_reply_status="disabled") == warnings(language="en-GB") == []
