"""What becomes of a call while the line breaks."""

from typing import Any

import pytest
from distributed.comm import registry
from distributed.security import Security

from bulkmail.cluster.calls import Line
from bulkmail.cluster.messages import Gone
from bulkmail.testing import run


class Breaking:
    """A way to speak, for Dask, whose connections break with this error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def get_connector(self) -> "Breaking":
        return self

    async def connect(self, *_: Any, **__: Any) -> Any:
        raise self._error


def test_a_line_that_breaks_during_the_handshake_ends_the_session_and_is_no_defect() -> None:
    """Tornado has a word of its own for it."""
    registry.backends["breaking"] = Breaking(ValueError("IOStream is not idle; cannot convert to SSL"))

    async def main() -> None:
        line = Line("breaking://127.0.0.1:1", "key", Security())
        with pytest.raises(Gone):
            await line.call("hello")
        await line.close()

    try:
        run(main())
    finally:
        del registry.backends["breaking"]
