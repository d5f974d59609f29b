"""A rehearsal tenant: Entra and Graph in one process, strict about limits, and the witness of what a client did.

    async with Simulator(Settings(mailboxes=50_000)) as sim:
        sim.register("client-id", certificate_pem, roles=["MailboxSettings.Read"])
        ...  # sign in at sim.login_url, read at sim.graph_url + "/v1.0", trusting sim.ca_file
        print(sim.books()["breaches"])

It shares no code with the parts of bulkmail that it judges.
"""

from bulkmail.sim.faults import Fault
from bulkmail.sim.settings import Limits, Settings
from bulkmail.sim.simulator import Simulator

__all__ = ["Fault", "Limits", "Settings", "Simulator"]
