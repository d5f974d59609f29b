"""The sign-in service: discovery, the token endpoint with its error texts, and what each token stands for.

Tokens look like JWTs and are good only here: a dictionary knows them, and Graph's side looks them up.
"""

import base64
import secrets
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from bulkmail.sim.entra.assertion import App, Rejected, verify
from bulkmail.sim.entra.device import GRANT_TYPE, PUBLIC, Devices
from bulkmail.sim.graph.call import Answer, Grant, Json

BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRAPH_APP = "00000003-0000-0000-c000-000000000000"
NEEDED = ("grant_type", "client_id", "scope")

ERRORS: dict[int, tuple[int, str]] = {  # AADSTS number -> HTTP status, OAuth error
    50012: (401, "invalid_client"),
    50013: (401, "invalid_client"),
    50027: (400, "invalid_request"),
    5002738: (400, "invalid_request"),
    53003: (403, "access_denied"),
    70003: (400, "unsupported_grant_type"),
    70011: (400, "invalid_scope"),
    90002: (400, "invalid_request"),
    90033: (503, "temporarily_unavailable"),
    90055: (429, "temporarily_unavailable"),
    500011: (400, "invalid_resource"),
    700016: (400, "unauthorized_client"),
    700021: (400, "invalid_request"),
    700024: (401, "invalid_client"),
    700027: (401, "invalid_client"),
    900144: (400, "invalid_request"),
    1002012: (400, "invalid_scope"),
    7000112: (400, "unauthorized_client"),
    7000215: (401, "invalid_client"),
    7000218: (401, "invalid_client"),
}


class Entra:
    """Knows the apps of one tenant. `base` is set once the listener has a port; `now` is the loop's clock."""

    def __init__(self, tenant_id: str, domain: str, life: int) -> None:
        self.tenant_id = tenant_id
        self.names = frozenset({tenant_id.lower(), domain})
        self.life = life
        self.told_life: Any = life  # what `expires_in` says; a rehearsal may let it lie
        self.base = ""
        self.graph = ""
        self.apps: dict[str, App] = {}
        self.devices = Devices()
        self.machine = ""  # the client id of the identity that the machine has
        self.trouble = 0  # an AADSTS number to answer instead of a token
        self.tokens: dict[str, Grant] = {}
        self.issued = 0
        self.expired_before = 0  # serials below are expired; below `challenged_before`, asked for new claims
        self.challenged_before = 0

    def register(
        self,
        client_id: str,
        certificate_pem: bytes | None = None,
        *,
        roles: Iterable[str] = (),
        secret: str | None = None,
        assertions: Iterable[str] = (),
        scoped_roles: Iterable[str] = (),
        scope: str = "",
    ) -> None:
        """Makes an app known, or replaces what was known of it, with the application permissions that an administrator
        consented to.

        `assertions` are taken in place of a signed one, as from a federated issuer. `scoped_roles` are granted by
        Exchange for the mailboxes of the group `scope` only, and are not in the token.
        """
        app = App(
            client_id,
            frozenset(roles),
            secret=secret,
            literals=frozenset(assertions),
            scoped_roles=frozenset(scoped_roles),
            scope=scope,
        )
        if certificate_pem is not None:
            app.trust(certificate_pem)
        self.apps[client_id] = app

    def discovery(self, tenant: str) -> Answer:
        if tenant.lower() not in self.names:
            return self._refuse(Rejected(90002, f"Tenant '{tenant}' not found."), "", error="invalid_tenant")
        root = f"{self.base}/{tenant}"
        return Answer(
            body={
                "token_endpoint": f"{root}/oauth2/v2.0/token",
                "device_authorization_endpoint": f"{root}/oauth2/v2.0/devicecode",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "jwks_uri": f"{root}/discovery/v2.0/keys",
                "subject_types_supported": ["pairwise"],
                "response_types_supported": ["code", "token"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid"],
                "issuer": f"{self.base}/{self.tenant_id}/v2.0",
                "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                "tenant_region_scope": "EU",
            }
        )

    def instances(self) -> Answer:
        """What MSAL asks of an authority that is not in its own list."""
        host = self.base.partition("://")[2]
        names = {"preferred_network": host, "preferred_cache": host, "aliases": [host]}
        endpoint = f"{self.base}/{self.tenant_id}/v2.0/.well-known/openid-configuration"
        return Answer(body={"tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": [names]})

    def token(self, tenant: str, form: Mapping[str, str], now: float, correlation: str = "") -> Answer:
        """Answers a token request; `now` is the loop's clock."""
        if form.get("grant_type") == GRANT_TYPE:
            return self._delegated(form, now)
        try:
            app = self._authenticate(tenant, form)
        except Rejected as rejected:
            return self._refuse(rejected, correlation)
        capable = "CP1" in form.get("claims", "")
        text = self._issue(app, now, capable=capable)
        return Answer(
            body={
                "token_type": "Bearer",
                "expires_in": self.told_life,
                "ext_expires_in": self.told_life,
                "access_token": text,
            },
            headers={"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"},
        )

    def device_code(self, tenant: str, form: Mapping[str, str], now: float) -> Answer:
        """Begins the sign-in of a person by a public client."""
        if tenant.lower() not in self.names:
            return self._refuse(Rejected(90002, f"Tenant '{tenant}' not found."), "")
        if form.get("client_id") not in PUBLIC:
            name = f"{form.get('client_id')!s:.40}"
            return self._refuse(Rejected(700016, f"Application with identifier '{name}' was not found."), "")
        return self.devices.begin(self.base, form, now)

    def identity(self, options: Mapping[str, str], headers: Mapping[str, str], now: float) -> Answer:
        """What the metadata service of a virtual machine answers: a token of the machine's own identity."""
        app = self.apps.get(self.machine)
        if headers.get("metadata") != "true":
            return Answer(400, {"error": "invalid_request", "error_description": "Required metadata header missing"})
        if app is None or options.get("client_id", self.machine) != self.machine:
            return Answer(400, {"error": "invalid_request", "error_description": "Identity not found"})
        if options.get("resource") not in {self.graph, "https://graph.microsoft.com"}:
            return Answer(400, {"error": "invalid_resource", "error_description": "AADSTS500011: not found."})
        text = self._issue(app, now, capable=False)
        body = {"access_token": text, "expires_in": str(self.told_life), "resource": options["resource"]}
        return Answer(body=body | {"token_type": "Bearer"})

    def _delegated(self, form: Mapping[str, str], now: float) -> Answer:
        """The token of a person, who may do what was asked for: an administrator."""
        flow = self.devices.judge(form, now)
        if isinstance(flow, Answer):
            return flow
        person = App(flow.client_id, flow.scopes)
        text = self._issue(person, now, capable=False)
        scope = " ".join(sorted(flow.scopes))
        body = {"token_type": "Bearer", "scope": scope, "expires_in": self.told_life, "access_token": text}
        return Answer(body=body, headers={"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"})

    def _authenticate(self, tenant: str, form: Mapping[str, str]) -> App:
        if self.trouble:
            raise Rejected(self.trouble, "The service says no, as it was told to.")
        if tenant.lower() not in self.names:
            raise Rejected(90002, f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID.")
        for name in NEEDED:
            if not form.get(name):
                raise Rejected(900144, f"The request body must contain the following parameter: '{name}'.")
        if form["grant_type"] != "client_credentials":
            raise Rejected(70003, f"The app requested an unsupported grant type '{form['grant_type']:.40}'.")
        app = self.apps.get(form["client_id"])
        if app is None:
            text = f"Application with identifier '{form['client_id']:.40}' was not found in the directory '{tenant}'."
            raise Rejected(700016, text)
        if not app.enabled:
            raise Rejected(7000112, f"Application '{app.client_id}' is disabled.")
        self._check_scope(form["scope"])
        self._check_credential(app, tenant, form)
        return app

    def _check_scope(self, scope: str) -> None:
        resource, slash, name = scope.rpartition("/")
        if not slash or name != ".default" or " " in scope:
            raise Rejected(1002012, f"The provided value for scope {scope:.80} is not valid. It must end in /.default.")
        if resource not in {self.graph, "https://graph.microsoft.com", GRAPH_APP, f"api://{GRAPH_APP}"}:
            raise Rejected(500011, f"The resource principal named {resource:.80} was not found in the tenant.")

    def _check_credential(self, app: App, tenant: str, form: Mapping[str, str]) -> None:
        if "client_assertion" in form:
            if form.get("client_assertion_type") != BEARER:
                raise Rejected(
                    900144, "The request body must contain the following parameter: 'client_assertion_type'."
                )
            known = {tenant, self.tenant_id}
            audiences = {f"{self.base}/{name}{end}" for name in known for end in ("/oauth2/v2.0/token", "/v2.0", "")}
            verify(form["client_assertion"], app, frozenset(audiences), datetime.now(UTC).timestamp())
        elif "client_secret" in form:
            if app.secret is None or not secrets.compare_digest(app.secret.encode(), form["client_secret"].encode()):
                raise Rejected(7000215, f"Invalid client secret provided for app '{app.client_id}'.")
        else:
            text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
            raise Rejected(7000218, text)

    def _issue(self, app: App, now: float, *, capable: bool) -> str:
        self.issued += 1
        for old in [text for text, grant in self.tokens.items() if grant.until < now]:
            del self.tokens[old]
        claims = self._claims(app, capable=capable)
        parts = {"typ": "JWT", "alg": "RS256", "kid": f"rehearsal-{self.issued}"}, claims
        text = ".".join([*(_encode(orjson.dumps(part)) for part in parts), _encode(secrets.token_bytes(32))])
        serial, until = self.issued, now + self.life
        self.tokens[text] = Grant(app.client_id, app.roles, until, serial, capable, app.scoped_roles, app.scope)
        return text

    def _claims(self, app: App, *, capable: bool) -> Json:
        wall = int(datetime.now(UTC).timestamp())
        claims: Json = {
            "aud": self.graph or "https://graph.microsoft.com",
            "iss": f"{self.base}/{self.tenant_id}/v2.0",
            "iat": wall,
            "nbf": wall,
            "exp": wall + self.life,
            "appid": app.client_id,
            "appidacr": "2" if app.certificates else "1",
            "idtyp": "app",
            "oid": str(uuid.uuid5(uuid.NAMESPACE_URL, app.client_id)),
            "tid": self.tenant_id,
            "ver": "1.0",
        }
        return claims | ({"roles": sorted(app.roles)} if app.roles else {}) | ({"xms_cc": ["CP1"]} if capable else {})

    def _refuse(self, rejected: Rejected, correlation: str, error: str = "") -> Answer:
        status, name = ERRORS[rejected.code]
        stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        trace, correlation = str(uuid.uuid4()), correlation or str(uuid.uuid4())
        tail = f"\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {stamp}"
        body = {
            "error": error or name,
            "error_description": f"AADSTS{rejected.code}: {rejected.text}{tail}",
            "error_codes": [rejected.code],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"{self.base}/error?code={rejected.code}",
        }
        return Answer(status, body, {"Retry-After": "5"} if status in {429, 503} else {})

    def expire(self) -> None:
        """No token that was given so far is valid any more."""
        self.expired_before = self.issued + 1

    def challenge(self) -> None:
        """Every token given so far is asked for new claims, as after a change of policy."""
        self.challenged_before = self.issued + 1

    def judge(self, authorization: str, now: float) -> Grant | Answer:
        """The grant of an Authorization header, or the 401 that Graph gives."""
        grant = self.tokens.get(authorization[7:]) if authorization[:7] in {"Bearer ", "bearer "} else None
        if grant is None:
            text = "Access token is empty." if not authorization else "Invalid or unknown access token."
            return self._unauthorized(text)
        if grant.until <= now:
            return self._unauthorized("Lifetime validation failed, the token is expired.")
        return self.refuse(grant) if grant.serial < max(self.expired_before, self.challenged_before) else grant

    def refuse(self, grant: Grant) -> Answer:
        """The answer to a token that was revoked after it was judged."""
        if grant.capable and grant.serial >= self.expired_before:
            return self._challenged()
        return self._unauthorized("Lifetime validation failed, the token is expired.")

    def _unauthorized(self, message: str) -> Answer:
        header = f'Bearer realm="", authorization_uri="{self.base}/common/oauth2/authorize", client_id="{GRAPH_APP}"'
        body = {"error": {"code": "InvalidAuthenticationToken", "message": message}}
        return Answer(401, body, {"WWW-Authenticate": header})

    def _challenged(self) -> Answer:
        wall = int(datetime.now(UTC).timestamp())
        claims = orjson.dumps({"access_token": {"nbf": {"essential": True, "value": str(wall)}}})
        answer = self._unauthorized("Continuous access evaluation resulted in challenge.")
        header = (
            f'{answer.headers["WWW-Authenticate"]}, errorDescription="Continuous access evaluation resulted in '
            'challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp", '
            f'error="insufficient_claims", claims="{base64.b64encode(claims).decode()}"'
        )
        return Answer(401, answer.body, {"WWW-Authenticate": header})


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
