"""A checkpoint that outlasts its run."""

from bulkmail.model import Checkpoint


class Lasting(Checkpoint):
    """A Checkpoint with which `graph.state` is left for the next run as well, however the mailbox ends: for what must
    not be done twice."""
