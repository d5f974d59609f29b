"""Keeps the memory of the process, which holds the key and tokens, out of core dumps."""

from contextlib import suppress

try:
    import resource
except ImportError:  # Windows: its crash dumps are off unless an administrator asks for them
    resource = None  # type: ignore[assignment]


def keep_no_core() -> None:
    """The process leaves no core behind, whatever the shell allows; a debugger can still be attached."""
    if resource is not None:
        with suppress(OSError, ValueError):  # some sandboxes refuse, and the run is not to fail by it
            resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
