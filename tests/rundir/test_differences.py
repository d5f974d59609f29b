"""What a resumed run is compared by."""

from bulkmail.rundir.manifest import differences

PINNED = {"task": "settings.report", "code": "1", "options": {}, "mode": "read", "app": {}, "output": {}}
MEASURED = {"bytes": 10, "sha256": "abc", "mailboxes": 2}
BEFORE = {**PINNED, "input": {"path": "/a.csv", **MEASURED}}


def test_the_same_run_differs_in_nothing() -> None:
    assert differences(BEFORE, BEFORE) == []


def test_each_difference_is_named() -> None:
    after = {**BEFORE, "mode": "apply", "input": {"path": "/a.csv", **MEASURED, "mailboxes": 3}}
    assert differences(BEFORE, after) == ['mode: "read" is now "apply"', "input.mailboxes: 2 is now 3"]


def test_a_run_that_died_before_it_had_read_its_input_takes_it_as_it_is() -> None:
    before = {**PINNED, "input": {"path": "/a.csv"}}
    assert differences(before, BEFORE) == []
    assert differences(before, {**BEFORE, "input": {"path": "/b.csv", **MEASURED}}) == [
        'input.path: "/a.csv" is now "/b.csv"'
    ]
