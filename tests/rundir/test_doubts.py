"""What was sent, or may have been, and leaves nothing to look for: by the ledger of its run."""

import pytest

from bulkmail.model import Change, Effect, Ending
from bulkmail.rundir.doubts import sent_once
from bulkmail.rundir.entries import ChangeEntry, Concluded, Intent

LETTER = Change("message", None, "sent")


def intent(effect: Effect = Effect.NONE, *, planned: bool = False) -> Intent:
    return Intent(1, 7, "ada@contoso.com", LETTER, effect, planned)


@pytest.mark.parametrize(
    ("entries", "rows"),
    [
        ([intent()], {7}),
        ([intent(), Concluded(1, 7, Ending.DONE)], {7}),
        ([intent(), Concluded(1, 7, Ending.UNKNOWN)], {7}),
        ([intent(), Concluded(1, 7, Ending.UNSENT)], set()),
        ([intent(), Concluded(1, 7, Ending.REFUSED)], set()),
        ([intent(planned=True)], set()),
        ([intent(Effect.KEYED), Concluded(1, 7, Ending.DONE)], set()),
    ],
)
def test_rows_in_which_something_cannot_be_sent_again(entries: list[ChangeEntry], rows: set[int]) -> None:
    assert sent_once(entries) == rows
