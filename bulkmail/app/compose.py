"""Puts the parts of a connection together for a job, from the key to the wire. Decides only what the job says."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import SecretStr

from bulkmail import __version__
from bulkmail.app.tracing import traced
from bulkmail.app.writes import Writes
from bulkmail.config import App, Job, Limits
from bulkmail.config.proxy import proxy_for
from bulkmail.core.pace.pace import CEILING, START
from bulkmail.core.retry import RetryRules
from bulkmail.errors import ConfigError
from bulkmail.graph import Graph
from bulkmail.identity.cloud import Cloud, cloud_named, custom
from bulkmail.identity.credential import Credential
from bulkmail.identity.entra import tls_context
from bulkmail.identity.secret import Secret, first_line, read_secret
from bulkmail.identity.settings import AppSettings, credential_from
from bulkmail.leaving import Leaving, always
from bulkmail.model import Direct, Made, Mailbox, Reporter, Store, TokenSource, Transport
from bulkmail.transport import Stack, StackSettings, stack
from bulkmail.transport.direct import Aside, DirectSettings, direct
from bulkmail.transport.wire import Wire, WireSettings, wire

VERSION = "v1.0"
WORKLOAD = "AZURE_FEDERATED_TOKEN_FILE"
USER_AGENT = f"bulkmail/{__version__}"
"""Always the same, because a tenant can allow or block applications by it (Set-OrganizationConfig,
EwsApplicationAccessPolicy)."""


def cloud_of(app: App) -> Cloud:
    """The cloud of a job. Raises ConfigError."""
    if app.cloud == "custom":
        return custom(app.login, app.graph)
    if app.login or app.graph:
        raise ConfigError('app.login and app.graph go with cloud = "custom"', hint='Set app.cloud = "custom".')
    return cloud_named(app.cloud)


def settings_of(app: App) -> AppSettings:
    """Who signs in, with its secrets read. Raises ConfigError."""
    for key in ("tenant_id", "client_id"):
        if not getattr(app, key):
            raise ConfigError(f"app.{key} is missing", hint=f"Put it into the job file, or set BULKMAIL_{key.upper()}.")
    return AppSettings(
        tenant_id=app.tenant_id,
        client_id=app.client_id,
        cloud=cloud_of(app),
        certificate=app.certificate,
        certificate_password=_secret(app.certificate_password, app.certificate_password_file),
        client_secret=_secret(app.client_secret, app.client_secret_file),
        assertion_file=_workload_file() if app.managed_identity == "workload" else app.assertion_file,
        ca_file=app.ca_file,
        machine=app.managed_identity if app.managed_identity != "workload" else "",
        rs256=app.assertion_algorithm == "RS256",
        key=app.key,
    )  # fmt: skip


def _workload_file(environment: Mapping[str, str] = os.environ) -> Path:
    """The token of a Kubernetes workload, which the cluster renews
    (azure.github.io/azure-workload-identity/docs). Raises ConfigError."""
    if not (name := environment.get(WORKLOAD)):
        raise ConfigError(
            f"app.managed_identity is workload, and {WORKLOAD} is not set",
            hint="Label the pod azure.workload.identity/use, and name its service account.",
        )
    return Path(name)


def _secret(text: SecretStr | None, file: Path | None) -> Secret | None:
    if text:
        return Secret(first_line(text.get_secret_value()))
    return read_secret(file) if file else None


def credential_of(job: Job) -> Credential:
    """The key pair or secret of a job, which has asked for no token yet. Raises ConfigError and CertificateError."""
    credential = credential_from(settings_of(job.app))
    if job.output.sign and credential.sign is None:
        raise ConfigError("output.sign: there is no certificate to sign with", hint="Set app.certificate, or no sign.")
    return credential


@dataclass(frozen=True, slots=True)
class Connection:
    """Graph at the end of the stack, and the `wire` below it."""

    stack: Stack
    wire: Wire
    base: str
    direct: Direct
    planning: bool
    made: Mapping[int, Mapping[int, Made]]

    def of(self, mailbox: Mailbox, target: str, store: Store) -> Graph:
        made = tuple(self.made[mailbox.row].values()) if mailbox.row in self.made else ()
        return Graph.of(mailbox, self.stack.transport, self.base, target, self.planning, made, store, self.direct)

    def directory(self) -> Graph:
        return Graph(self.stack.transport, self.base, direct=self.direct)


@asynccontextmanager
async def connected(
    job: Job, tokens: TokenSource, report: Reporter, writes: Writes, *,
    watch: Callable[[Transport], Transport] = lambda wire: wire, leaving: Leaving = always, share: int = 1,
    granted: bool = False, ids: str = "",
) -> AsyncIterator[Connection]:  # fmt: skip
    """The stack of a job, down to the wire. `watch` may wrap what sends, and `leaving` is asked at the last moment. It
    begins with one of so many shares of what a stack alone begins with, and its rate may be `granted`. `ids` is what
    those of its requests begin with."""
    settings = replace(wire_settings(job), leaving=leaving, ids=ids)
    lists, tls, proxy = cloud_of(job.app).lists, settings.tls, settings.proxy
    chain = job.limits.chain if writes.mode == "apply" else 1  # nothing else ever leaves in chains
    settled = replace(stack_settings(job.limits), start=max(1, START // share), granted=granted, chain=chain)

    def guard(inner: Transport) -> Transport:
        return above(writes.guard(inner, report))

    def beside(inner: Transport) -> Transport:
        return watch(Aside(inner, there))

    async with (
        traced() as (above, below),
        wire(settings) as terminal,
        direct(DirectSettings(lists, USER_AGENT, tls, proxy, leaving=leaving)) as there,
        stack(watch(below(terminal)), tokens, settled, report, guard=guard, beside=beside) as built,
    ):
        yield Connection(built, terminal, settings.base, there, writes.mode != "apply", writes.made)


def wire_settings(job: Job) -> WireSettings:
    """Where Graph is, and how it is reached. Raises ConfigError."""
    base = f"{cloud_of(job.app).graph}/{VERSION}"
    tls = tls_context(str(job.app.ca_file) if job.app.ca_file else "")
    return WireSettings(
        base, USER_AGENT, tls if base.startswith("https:") else None, proxy_address,
        connections=job.limits.requests_in_flight or CEILING,
    )  # fmt: skip


def stack_settings(limits: Limits) -> StackSettings:
    return StackSettings(
        slots=limits.mailbox_concurrency,
        rate=limits.requests_per_second,
        in_flight=limits.requests_in_flight,
        batch=limits.parts,
        chain=limits.chain,
        max_wait=limits.max_wait,
        retries=RetryRules(attempts=limits.max_attempts),
    )


def proxy_address(url: str) -> str | None:
    """The proxy for an address, with its user and password."""
    found = proxy_for(url)
    return found.address if found else None


def proxy_shown(app: App) -> str:
    """The proxy that leads to Graph, without user and password; empty for none. Raises ConfigError."""
    found = proxy_for(cloud_of(app).graph)
    return found.shown if found else ""
