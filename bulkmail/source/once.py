"""What is common to sources that can be read only once and have no bytes of their own."""

from bulkmail.model import Digest


class ReadOnce:
    """A part of a `model.Source`: it is spooled, and its digest and size are those of what was spooled."""

    replayable = False

    def digest(self) -> Digest | None:
        return None

    def size(self) -> int | None:
        return None
