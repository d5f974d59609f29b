"""A rehearsal tenant: Entra and Graph in one process, strict about limits, and the witness of what a client did.

    async with Simulator(Settings(mailboxes=50_000)) as sim:
        sim.register("client-id", certificate_pem, roles=["MailboxSettings.Read"])
        ...  # sign in at sim.login_url, read at sim.graph_url + "/v1.0", trusting sim.ca_file
        print(sim.books()["breaches"])

It shares no code with the parts of bulkmail that it judges.
"""

from collections.abc import Mapping

from bulkmail.sim.families import routes
from bulkmail.sim.faults.script import KINDS, Fault, load_faults, parse_fault
from bulkmail.sim.limits.settings import BatchRule, Limits, RetryAfterForm, Settings
from bulkmail.sim.simulator import Simulator

__all__ = [
    "BatchRule", "Fault", "Limits", "RetryAfterForm", "Settings", "Simulator", "every_role", "kinds", "load_faults",
    "parse_fault",
]  # fmt: skip


def kinds() -> Mapping[str, str]:
    """The kinds of faults that there are, and what each does."""
    return KINDS


def every_role() -> frozenset[str]:
    """The application permissions that open some resource of the simulator."""
    return frozenset().union(*(route.roles for route in routes()))
