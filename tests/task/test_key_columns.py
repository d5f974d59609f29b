"""The columns that tell the rows of a mailbox apart are columns of the task."""

import pytest

from bulkmail.task.declare import UNDO_COLUMNS, UNDO_KEY, Task
from bulkmail.tasks import built_in


@pytest.mark.parametrize("task", built_in().values(), ids=built_in())
def test_they_are_columns(task: Task) -> None:
    assert set(task.key_columns or ()) <= set(task.columns(task.options.model_construct()))


def test_those_of_an_undo_as_well() -> None:
    assert set(UNDO_KEY) <= set(UNDO_COLUMNS)
