"""Keeps addresses out of the log while a run goes on, where its job says so."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from bulkmail.core.mask import Mask


@contextmanager
def masked_logs(mask: Mask | None) -> Iterator[None]:
    """Whatever is logged until the block ends, by this program or a library, is masked at every handler that is there
    now."""
    if mask is None:
        yield
        return
    handlers, masking = list(logging.getLogger().handlers), _Masking(mask)
    for handler in handlers:
        handler.addFilter(masking)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(masking)


class _Masking(logging.Filter):
    def __init__(self, mask: Mask) -> None:
        super().__init__()
        self._mask = mask

    def filter(self, record: logging.LogRecord) -> bool:
        """Changes the record: Python 3.11 takes no other in its place."""
        record.msg, record.args = self._mask.text(record.getMessage()), ()
        if record.exc_info and (error := record.exc_info[1]) is not None:
            kind = type(type(error).__name__, (Exception,), {"__module__": type(error).__module__})
            record.exc_info = (kind, kind(self._mask.text(str(error))), record.exc_info[2])
            record.exc_text = None
        if hasattr(record, "fields"):
            record.fields = self._mask.value(record.fields)
        return True
