"""What a resumed run is compared by."""

from dataclasses import replace

from bulkmail.rundir.differences import differences
from bulkmail.rundir.manifest import PinnedInput
from tests.rundir.test_manifest import BEGUN

READ = PinnedInput("/a.csv", bytes=10, sha256="abc", mailboxes=2)
BEFORE = replace(BEGUN, input=READ)


def test_the_same_run_differs_in_nothing() -> None:
    assert differences(BEFORE, replace(BEFORE, seconds=7.0, limits={"batch": True})) == []


def test_each_difference_is_named() -> None:
    after = replace(BEFORE, mode="apply", options={"columns": "seed"}, input=replace(READ, mailboxes=3, column="mail"))
    assert list(map(str, differences(BEFORE, after))) == [
        'options.columns: "all" is now "seed"',
        'mode: "read" is now "apply"',
        "input.mailboxes: 2 is now 3",
        'input.column: nothing is now "mail"',
    ]


def test_a_run_that_died_before_it_had_read_its_input_takes_it_as_it_is() -> None:
    before = replace(BEGUN, input=PinnedInput("/a.csv"))
    assert differences(before, BEFORE) == []
    [moved] = differences(before, replace(BEFORE, input=replace(READ, path="/b.csv")))
    assert str(moved) == 'input.path: "/a.csv" is now "/b.csv"'
