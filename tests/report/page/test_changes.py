"""Changes are told with before and after, member by member, and counted by what becomes what."""

from bulkmail.model import Change, Effect, Ending
from bulkmail.report.page.changes import CUT, FIRST, KINDS, Step, changes_of, steps
from bulkmail.rundir.entries import ChangeEntry, Concluded, Intent, Reopened


def intent(number: int, change: Change, *, planned: bool = False) -> Intent:
    return Intent(number, number + 2, f"m{number}", change, Effect.IDEMPOTENT, planned)


ZONE = Change("settings", {"timeZone": "UTC", "language": {"locale": "en-US"}},
              {"timeZone": "CET", "language": {"locale": "en-US"}})  # fmt: skip


def test_only_the_members_that_differ() -> None:
    assert list(steps(ZONE)) == [Step("timeZone", "UTC", "CET")]
    nested = Change("k", {"a": {"b": 1, "c": 2}}, {"a": {"b": 1}, "d": [1, 2]})
    assert list(steps(nested)) == [Step("a.c", "2", ""), Step("d", "", "1; 2")]
    assert list(steps(Change("k", 1, "x" * 500))) == [Step("", "1", "x" * (CUT - 1) + "…")]


def test_a_plan() -> None:
    found = changes_of(intent(number, ZONE, planned=True) for number in range(FIRST + 9))
    assert found.number == FIRST + 9
    assert len(found.first) == FIRST
    assert found.first[0].ending == "planned"
    assert found.frequent == ((Step("timeZone", "UTC", "CET"), FIRST + 9),)


def test_only_what_was_done_counts_as_frequent() -> None:
    endings = [Ending.DONE, Ending.REFUSED, Ending.UNKNOWN, Ending.UNSENT]
    ledger: list[ChangeEntry] = []
    for number, ending in enumerate(endings):
        ledger += [intent(number, ZONE), Concluded(number, number + 2, ending)]
    found = changes_of([*ledger, Reopened(), intent(9, ZONE)])
    assert [one.ending for one in found.first] == ["done", "refused", "unknown", "unsent", "open"]
    assert found.frequent == ((Step("timeZone", "UTC", "CET"), 2),)


def test_what_is_made_or_deleted_is_counted_by_its_kind() -> None:
    ledger: list[ChangeEntry] = [
        intent(0, Change("contact:1", None, {"a": 1}), planned=True),
        intent(1, Change("contact:2", {"a": 1}), planned=True),
    ]
    assert changes_of(ledger).frequent == ((Step("contact", "", "made"), 1), (Step("contact", "there", ""), 1))


def test_what_goes_on_with_a_change_is_one_with_it() -> None:
    further = ZONE._replace(further=True)
    ledger: list[ChangeEntry] = [
        intent(0, ZONE),
        Concluded(0, 2, Ending.DONE),
        intent(1, further),
        Concluded(1, 2, Ending.DONE, "", True),
    ]
    found = changes_of(ledger)
    assert (found.number, len(found.first)) == (1, 1)


def test_kinds_are_bounded() -> None:
    different = (Change("k", {"a": 0}, {"a": number + 1}) for number in range(KINDS + 50))
    found = changes_of(intent(number, change, planned=True) for number, change in enumerate(different))
    assert found.number == KINDS + 50
