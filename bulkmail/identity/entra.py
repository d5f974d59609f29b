"""One attempt to get an app-only token from Entra, by MSAL. Blocks; knows nothing of waiting, repeating or keeping.

MSAL's application is made anew for each attempt. Its caches would otherwise answer in the directory's place: with the
token that Graph has just refused, or with an old refusal.
"""

import ssl
from dataclasses import dataclass, field

import msal

from bulkmail.config.proxy import Rule, proxy_for
from bulkmail.errors import BulkmailError, ConfigError, SignInError
from bulkmail.identity.channel import Channel, NoAnswer
from bulkmail.identity.cloud import Cloud
from bulkmail.identity.proof import Proof
from bulkmail.identity.refusal import Failure, Names

CAPABILITIES = ["CP1"]  # we answer claims challenges, so tokens live long and are revoked at once (Entra, CAE)


@dataclass(frozen=True, slots=True)
class Grant:
    """A token and the seconds it lives, at most a day."""

    token: str = field(repr=False)
    seconds: int


class Directory:
    """Asks one tenant's directory for one application. `tls` verifies its host."""

    def __init__(
        self, cloud: Cloud, tenant: str, client_id: str, proof: Proof, tls: ssl.SSLContext, proxy: Rule = proxy_for
    ) -> None:
        self._proxy = proxy
        self._cloud = cloud
        self._tenant = tenant
        self._client_id = client_id
        self._proof = proof
        self._tls = tls

    def ask(self, claims: str = "") -> Grant | Failure:
        """One token, fresh from the directory. `claims` is a decoded claims challenge, a JSON object, or empty."""
        channel = Channel(self._names(), self._cloud.login, self._tls, self._proxy)
        try:
            return self._grant(channel, claims)
        except NoAnswer as ended:
            return ended.failure
        except SignInError as error:
            return Failure(error)
        except BulkmailError as error:
            return Failure(SignInError(str(error), hint=error.hint))
        except Exception as error:  # noqa: BLE001 - MSAL raises many kinds, whose texts and frames hold what it was given
            return Failure(SignInError(f"signing in failed inside MSAL: {type(error).__name__}"))
        finally:
            channel.close()

    def _grant(self, channel: Channel, claims: str) -> Grant:
        application = msal.ConfidentialClientApplication(
            self._client_id,
            authority=f"{self._cloud.login}/{self._tenant}",
            client_credential=self._proof.present(),
            client_capabilities=CAPABILITIES,
            http_client=channel,
            instance_discovery=False,  # would ask the global cloud about every other one
            azure_region=False,  # nor may MSAL_FORCE_REGION of the environment pick another host
        )
        result = application.acquire_token_for_client([self._cloud.scope], claims_challenge=claims or None)
        token = result.get("access_token", "")
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise SignInError(f"{self._names().host} answers without a token", hint="Check login in the job file.")
        return Grant(token, result["expires_in"])

    def _names(self) -> Names:
        certificate = self._proof.certificate
        host = self._cloud.login.partition("://")[2]
        return Names(host, self._tenant, self._client_id, certificate.sha1 if certificate else "")


def tls_context(ca_file: str) -> ssl.SSLContext:
    """Verifies by the authorities in `ca_file` alone, or by the system's where it is empty. Raises ConfigError."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:  # ssl.SSLError is one
        reason = "it holds no PEM certificate" if isinstance(error, ssl.SSLError) else error.strerror
    raise ConfigError(f"cannot use ca_file {ca_file}: {reason}")
