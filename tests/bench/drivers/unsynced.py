"""bulkmail as it would be if nothing were made to last: what the syncs cost is the difference."""

from bulkmail.app.loop import run
from bulkmail.sink import appender
from tests.bench.drivers.own import main


def _trusting(_file: int) -> None:
    """Returns at once, as if the disk had it."""


if __name__ == "__main__":
    appender._sync = _trusting
    run(main())
