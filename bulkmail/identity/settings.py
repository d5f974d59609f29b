"""What an application needs to sign in, and the credential made of it. The place where the parts of this room meet."""

import re
from dataclasses import dataclass
from pathlib import Path

from bulkmail.config.proxy import Rule, proxy_for
from bulkmail.errors import ConfigError
from bulkmail.identity.cloud import CLOUDS, Cloud
from bulkmail.identity.credential import Credential
from bulkmail.identity.entra import Directory, tls_context
from bulkmail.identity.machine import Machine
from bulkmail.identity.proof import ByAssertion, ByCertificate, BySecret, Proof
from bulkmail.identity.secret import Secret

SHARED = frozenset({"common", "organizations", "consumers"})  # endpoints for users of any tenant; no app-only tokens
_GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_TENANT = re.compile(r"[0-9A-Za-z]([0-9A-Za-z.-]*[0-9A-Za-z])?")


@dataclass(frozen=True, slots=True)
class AppSettings:
    """The application's `[app]` section, read and resolved. Exactly one of the three proofs is given, or the
    identity of the `machine`: `system` or `user`. `rs256` signs as for old set-ups. `key` is the URI of the
    certificate's key in a PKCS#11 token, and the password is then its PIN.

    `tenant_id` is a GUID or a verified domain. `ca_file` replaces the system's certificate authorities.
    """

    tenant_id: str
    client_id: str
    cloud: Cloud = CLOUDS["global"]
    certificate: Path | None = None
    certificate_password: Secret | None = None
    client_secret: Secret | None = None
    assertion_file: Path | None = None
    ca_file: Path | None = None
    machine: str = ""
    rs256: bool = False
    key: str = ""


def credential_from(settings: AppSettings, proxy: Rule = proxy_for) -> Credential:
    """A credential that has not asked for anything yet; the certificate is read and checked here.

    Raises ConfigError and CertificateError.
    """
    if settings.tenant_id.lower() in SHARED or not _TENANT.fullmatch(settings.tenant_id):
        raise ConfigError(
            f"tenant_id {settings.tenant_id!r} is not a tenant",
            hint="Give the tenant's GUID or one of its domains, such as contoso.onmicrosoft.com.",
        )
    if not _GUID.fullmatch(settings.client_id):
        raise ConfigError(
            f"client_id {settings.client_id!r} is not a GUID",
            hint="It is the Application (client) ID on the application's page in the Entra admin center.",
        )
    for name, value in (("tenant_id", settings.tenant_id), ("client_id", settings.client_id)):
        if not value.strip("0-"):
            raise ConfigError(f"{name} is still the one of the example", hint="Put your own into the job file.")
    if settings.machine:
        _require_alone(settings)
        machine = Machine(settings.cloud, settings.client_id if settings.machine == "user" else "")
        return Credential(machine.ask)
    proof = _proof(settings)
    tls = tls_context(str(settings.ca_file) if settings.ca_file else "")
    directory = Directory(settings.cloud, settings.tenant_id, settings.client_id, proof, tls, proxy)
    sign = proof.sign if isinstance(proof, ByCertificate) else None
    return Credential(directory.ask, certificate=proof.certificate, warnings=proof.warnings, sign=sign)


def _require_alone(settings: AppSettings) -> None:
    if any((settings.certificate, settings.client_secret, settings.assertion_file)):
        raise ConfigError(
            "app.managed_identity is there, and another way to sign in besides", hint="Leave one of them out."
        )


def _proof(settings: AppSettings) -> Proof:
    ways = (settings.certificate, settings.client_secret, settings.assertion_file)
    match ways:
        case (Path() as certificate, None, None):
            return ByCertificate(certificate, settings.certificate_password, rs256=settings.rs256, key=settings.key)
        case (None, Secret() as secret, None):
            return BySecret(secret)
        case (None, None, Path() as assertion):
            return ByAssertion(assertion)
        case _:
            raise ConfigError(
                f"there are {sum(way is not None for way in ways)} ways to sign in, and there has to be one",
                hint="Give certificate, or a client secret, or assertion_file.",
            )
