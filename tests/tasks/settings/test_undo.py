"""Settings go back to what they were where they still stand as they were left, and a second time is quiet."""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bulkmail.model import Change
from bulkmail.sim import Fault
from bulkmail.sim.families.settings.content import settings_of
from bulkmail.tasks.settings.fields import SETTINGS, same, value_of
from tests.tasks.rig import Bench, on_bench
from tests.tasks.settings.store import STORED, Store, rows, undone


def test_undo_puts_back_what_still_stands() -> None:
    store = Store()
    rows(store, time_zone="Tokyo Standard Time", date_format="yyyy", language="fr-FR", working_time_zone="UTC",
         internal_reply="New", working_start="07:00")  # fmt: skip
    made = store.made
    store.stored["language"] = {"locale": "en-US"}
    store.stored["workingHours"]["startTime"] = "08:00"
    assert undone(store, made) == [
        {"key": "internal_reply", "result": "restored", "restored": "Away & offline", "found": None},
        {"key": "time_zone", "result": "restored", "restored": "UTC", "found": None},
        {"key": "language", "result": "changed", "restored": None, "found": "en-US"},
        {"key": "date_format", "result": "restored", "restored": "", "found": None},
        {"key": "working_start", "result": "already", "restored": None, "found": None},
        {"key": "working_time_zone", "result": "restored", "restored": "Customized Time Zone", "found": None},
    ]
    expected = deepcopy(dict(STORED))
    expected |= {"dateFormat": "", "language": {"locale": "en-US"}}
    expected["workingHours"]["startTime"] = "08:00"
    assert store.stored == expected
    assert store.writes[-1].change == Change(
        "settings",
        {"internal_reply": "New", "time_zone": "Tokyo Standard Time", "date_format": "yyyy",
         "working_time_zone": {"name": "UTC"}},
        {"internal_reply": STORED["automaticRepliesSetting"]["internalReplyMessage"], "time_zone": "UTC",
         "date_format": "", "working_time_zone": STORED["workingHours"]["timeZone"]},
    )  # fmt: skip
    writes = len(store.writes)
    assert {row["result"] for row in undone(store, made)} == {"already", "changed"}
    assert len(store.writes) == writes


def test_undo_of_a_run_that_went_on() -> None:
    """Two changes of one mailbox go back to what stood there before the first."""
    store = Store()
    rows(store, time_zone="Tokyo Standard Time")
    rows(store, time_zone="Fiji Standard Time", time_format="H.mm")
    assert [row["result"] for row in undone(store, store.made)] == ["restored", "restored"]
    assert store.stored == STORED


def test_a_setting_that_had_no_value_cannot_be_without_one_again() -> None:
    store = Store({**STORED, "language": None})
    rows(store, language="fr-FR")
    assert undone(store, store.made) == [
        {"key": "language", "result": "kept", "restored": None, "found": "fr-FR"}
    ]  # fmt: skip
    assert len(store.writes) == 1


VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "auto_reply_status": st.sampled_from(["disabled", "AlwaysEnabled", "scheduled"]),
    "internal_reply": st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30),
    "time_zone": st.sampled_from(["UTC", "Tokyo Standard Time"]),
    "date_format": st.sampled_from(["yyyy", "MM"]),
    "working_days": st.lists(st.sampled_from(["monday", "Sunday", "friday"]), min_size=1),
    "working_start": st.sampled_from(["07:00", "08:00:30"]),
}
WISHES = st.fixed_dictionaries({}, optional=VALUES).filter(
    lambda wishes: wishes and wishes.get("auto_reply_status") != "scheduled"
    and "{" not in wishes.get("internal_reply", "")
)  # fmt: skip


@given(first=WISHES, second=WISHES)
def test_a_second_time_is_quiet_and_undo_leads_back(first: dict[str, Any], second: dict[str, Any]) -> None:
    store = Store()
    for wishes in (first, second):
        told = rows(store, **wishes)
        writes = len(store.writes)
        assert rows(store, **wishes) == []
        assert len(store.writes) == writes
        assert all((row["before"] != row["after"]) == (row["state"] == "done") for row in told)
    undone(store, store.made)
    assert all(same(name, value_of(store.stored, name), value_of(STORED, name)) for name in SETTINGS)


DESIRED = {"auto_reply_status": "disabled", "external_reply": "Away, see <desk>", "time_zone": "Tokyo Standard Time",
           "working_days": ["monday", "tuesday"], "working_start": "09:00", "working_end": "15:00",
           "working_time_zone": "UTC", "delegate_delivery": "sendToDelegateOnly", "language": "fr-FR"}  # fmt: skip


def test_against_the_simulator(tmp_path: Path) -> None:
    """Though answers are lost: a plan changes nothing, a second apply sends nothing, and undo leads back."""

    async def act(bench: Bench) -> None:
        for number in range(12):
            mailbox = bench.mailbox(number)
            before = deepcopy(settings_of(bench.desk.sim.world, number))
            planned = await bench.plan(mailbox)
            assert settings_of(bench.desk.sim.world, number) == before
            told = await bench.run(mailbox)
            made = bench.made
            assert [{**row, "state": "planned"} for row in told] == planned
            assert len(bench.writes) == (1 if told else 0)
            assert await bench.run(mailbox) == []
            assert bench.writes == []
            undone = await bench.undo(mailbox, made)
            after = settings_of(bench.desk.sim.world, number)
            kept = {row["key"] for row in undone if row["result"] == "kept"}
            differ = {name for name in SETTINGS if not same(name, value_of(after, name), value_of(before, name))}
            assert differ == kept, (before, after)
            assert kept <= {"language"}

    lost = Fault("lost", match="^PATCH", times=1)
    books = on_bench("settings.apply", tmp_path, act, DESIRED, faults=(lost,))
    assert books["breaches"] == {}
    assert books["faults"]["lost"] == 12
