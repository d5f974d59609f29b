"""A directory to rehearse in: an application's certificate, the simulator's authority, a list of mailboxes, a job.

The application's certificate is kept from one rehearsal to the next, unless one of a certain age is asked for; so is
the simulator's authority. Everything else is written anew: a simulator may have another port each time.
"""

import json
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from bulkmail.identity.certificate import Certificate
from bulkmail.identity.issue import key_credentials, new_key_pair, to_pfx
from bulkmail.identity.keyfile import load_key_pair
from bulkmail.identity.secret import Secret, read_secret
from bulkmail.identity.vault import PRIVATE, PUBLIC, write
from bulkmail.sim import Simulator
from bulkmail.task.permissions import in_exchange

CLIENT_ID = "b01dface-0000-4000-8000-00000000b01d"
ROLES = (
    "MailboxSettings.ReadWrite", "Mail.ReadBasic.All", "Domain.Read.All", "User.ReadBasic.All", "GroupMember.Read.All",
)  # fmt: skip
PORT, DAYS = 8443, 90

JOB = """\
# A job against the embedded tenant. Start it with: bulkmail sim --directory {directory}
# Then, from another terminal:                      bulkmail run {directory}/job.toml

[app]
tenant_id = "{tenant_id}"
client_id = "{client_id}"
certificate = "app.pfx"
certificate_password_file = "app.pass"
cloud = "custom"
login = "{login}"
graph = "{graph}"
ca_file = "ca.pem"

[input]
path = "mailboxes.csv"

[task]
name = "settings.report"

[output]
directory = "out/{{task}}-{{date}}"
"""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Where everything is."""

    directory: Path
    certificate: Certificate

    @property
    def job(self) -> Path:
        return self.directory / "job.toml"

    @property
    def mailboxes(self) -> Path:
        return self.directory / "mailboxes.csv"


def certificate_in(directory: Path, days: int = 0) -> Certificate:
    """The certificate of the directory's application; made if there is none, or if one of so many `days` is asked for.

    Raises OutputError, CertificateError.
    """
    pfx, password_file = directory / "app.pfx", directory / "app.pass"
    if pfx.exists() and password_file.exists() and not days:
        return load_key_pair(pfx, read_secret(password_file)).certificate
    password = Secret(secrets.token_urlsafe(24))
    pair = new_key_pair("CN=bulkmail rehearsal", days=days or DAYS)
    write(password_file, f"{password.reveal()}\n".encode(), PRIVATE, replace=True)
    write(pfx, to_pfx(pair, "bulkmail rehearsal", password), PRIVATE, replace=True)
    write(directory / "app.cer", pair.certificate.pem.encode(), PUBLIC, replace=True)
    listed = json.dumps(key_credentials([pair.certificate]), indent=2) + "\n"
    write(directory / "app.keycredentials.json", listed.encode(), PUBLIC, replace=True)
    return pair.certificate


def prepare(
    simulator: Simulator, directory: Path, roles: tuple[str, ...] = ROLES, *, scope: str = "", days: int = 0
) -> Rehearsal:
    """Registers the application with a running simulator and writes the directory. Blocks; raises OutputError.

    With a `scope`, the id of a group, what Exchange can grant is granted by it, for the mailboxes of that group only.
    """
    certificate = certificate_in(directory, days)
    scoped = tuple(role for role in roles if scope and in_exchange(role))
    consented = tuple(role for role in roles if role not in scoped)
    simulator.register(CLIENT_ID, certificate.pem.encode(), roles=consented, scoped_roles=scoped, scope=scope)
    job = JOB.format(
        directory=directory,
        tenant_id=simulator.tenant_id,
        client_id=CLIENT_ID,
        login=simulator.login_url,
        graph=simulator.graph_url,
    )
    rehearsal = Rehearsal(directory, certificate)
    write(directory / "ca.pem", simulator.ca_file.read_bytes(), PUBLIC, replace=True)
    write(rehearsal.mailboxes, _listed(simulator), PUBLIC, replace=True)
    write(rehearsal.job, job.encode(), PUBLIC, replace=True)
    return rehearsal


def _listed(simulator: Simulator) -> bytes:
    content = bytearray(b"mailbox\r\n")
    for address in simulator.addresses():  # perhaps a million, which would be a lot as a list
        content += address.encode() + b"\r\n"
    return bytes(content)


def command() -> str:
    """How the user started bulkmail: `bulkmail`, its path, or `python -m bulkmail`."""
    if Path(sys.argv[0]).name == "__main__.py":
        return "python -m bulkmail"
    return sys.argv[0] if "/" in sys.argv[0] or "\\" in sys.argv[0] else "bulkmail"
