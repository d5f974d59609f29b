"""Remembers, from one run of a job to the next, what was saved.

A message that was only read or moved since then is told of as changed, and its attachments are not saved once more.
"""

from collections.abc import Mapping
from typing import Any

SAVED = "saved"
"""The name, in the state, of the keys of attachments."""

MOST = 20_000
"""Attachments of a mailbox that are remembered, the latest: what was forgotten is saved again, and never missed."""


class Earlier:
    """What was saved of one mailbox."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        self._keys: dict[str, None] = dict.fromkeys(state.get(SAVED, ()))

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def add(self, key: str) -> None:
        self._keys[key] = None
        if len(self._keys) > MOST:
            del self._keys[next(iter(self._keys))]

    @property
    def keys(self) -> list[str]:
        """For the state."""
        return list(self._keys)
