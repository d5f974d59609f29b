"""The token endpoint: whom it lets in, how it says no, and that MSAL understands it."""

import asyncio
import base64
import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msal
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from bulkmail.sim.entra.assertion import App, Rejected, thumbprints, verify
from tests.sim.desk import CLIENT, EVERY_ROLE, SECRET, Desk, rehearse, sign_in

AUDIENCE = "https://login.example/tenant/oauth2/v2.0/token"
NOW = 1_800_000_000.0


@cache
def key_pair(name: str) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start, end = datetime(2020, 1, 1, tzinfo=UTC), datetime.fromtimestamp(NOW, UTC) + timedelta(days=3650)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(start).not_valid_after(end)
    return key, builder.sign(key, hashes.SHA256())


def pems(name: str) -> tuple[str, str]:
    key, certificate = key_pair(name)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return private, certificate.public_bytes(Encoding.PEM).decode()


def encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def assertion(name: str = "own", *, alg: str = "PS256", header: dict[str, Any] | None = None, **claims: Any) -> str:
    key, certificate = key_pair(name)
    head = {"alg": alg, "typ": "JWT", "x5t#S256": thumbprints(certificate)[0]} if header is None else header
    body = {
        "aud": AUDIENCE,
        "iss": CLIENT,
        "sub": CLIENT,
        "jti": str(uuid.uuid4()),
        "iat": NOW,
        "exp": NOW + 600,
    } | claims
    body = {key: value for key, value in body.items() if value is not None}
    signed = ".".join(encode(json.dumps(part).encode()) for part in (head, body))
    scheme = padding.PKCS1v15() if alg == "RS256" else padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    return f"{signed}.{encode(key.sign(signed.encode(), scheme, hashes.SHA256()))}"


def app() -> App:
    certificate = key_pair("own")[1]
    return App(CLIENT, frozenset(), dict.fromkeys(thumbprints(certificate), certificate))


def judged(text: str, known: App | None = None, now: float = NOW) -> int:
    """The AADSTS number, or 0 for a good assertion."""
    try:
        verify(text, known or app(), frozenset({AUDIENCE}), now)
    except Rejected as rejected:
        return rejected.code
    return 0


def test_good_assertions_of_both_signatures_and_thumbprints() -> None:
    sha1 = thumbprints(key_pair("own")[1])[1]
    assert judged(assertion()) == 0
    assert judged(assertion(alg="RS256")) == 0
    assert judged(assertion(alg="RS256", header={"alg": "RS256", "x5t": sha1})) == 0
    assert judged(assertion(header={"alg": "PS256", "x5t#S256": thumbprints(key_pair("own")[1])[0] + "="})) == 0


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("no jwt", 50027),
        ("a.b.c", 50027),
        (assertion("stranger"), 700027),
        (assertion("stranger", header={"alg": "PS256", "x5t#S256": thumbprints(key_pair("own")[1])[0]}), 50013),
        (assertion(header={"alg": "none", "x5t#S256": thumbprints(key_pair("own")[1])[0]}), 5002738),
        (assertion(header={"alg": "PS256"}), 700027),
        (assertion(aud="https://elsewhere.example"), 50012),
        (assertion(sub="someone else"), 700021),
        (assertion(iss="someone else"), 700021),
        (assertion(exp=None), 50027),
        (assertion(exp="soon"), 50027),
        (assertion(exp=True), 50027),
        (assertion(iat=NOW - 2000, exp=NOW - 1000), 700024),
        (assertion(iat=NOW + 1000, exp=NOW + 1600), 700024),
        (assertion(nbf=NOW + 1000), 700024),
        (assertion(exp=NOW + 200_000), 700024),
        (assertion(jti=None), 50027),
        (assertion()[:-8] + "AAAAAAAA", 50013),
    ],
)
def test_bad_assertions_get_their_number(text: str, code: int) -> None:
    assert judged(text) == code


def test_an_expired_certificate_opens_nothing() -> None:
    later = NOW + 4000 * 86_400
    assert judged(assertion(iat=later, exp=later + 600), now=later) == 700027


def test_clocks_may_differ_a_little() -> None:
    assert judged(assertion(iat=NOW + 200, exp=NOW + 800)) == 0
    assert judged(assertion(iat=NOW - 800, exp=NOW - 200)) == 0


def test_an_assertion_may_come_again_but_its_id_may_not_be_used_by_another() -> None:
    known, first = app(), assertion(jti="one")
    assert judged(first, known) == judged(first, known) == 0
    assert judged(assertion(jti="one", iat=NOW + 1), known) == 50013
    assert judged(assertion(jti="two"), known, NOW) == 0
    assert judged(assertion(jti="one", iat=NOW + 5000, exp=NOW + 5600), known, NOW + 5000) == 0


def test_thumbprints_are_digests_of_the_certificate() -> None:
    certificate = key_pair("own")[1]
    der = certificate.public_bytes(Encoding.DER)
    assert thumbprints(certificate) == (encode(hashlib.sha256(der).digest()), encode(hashlib.sha1(der).digest()))


FORMS: list[tuple[dict[str, Any], int, str, int]] = [
    ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
    ({"client_secret": None}, 401, "invalid_client", 7000218),
    ({"client_id": "nobody"}, 400, "unauthorized_client", 700016),
    ({"client_id": None}, 400, "invalid_request", 900144),
    ({"scope": None}, 400, "invalid_request", 900144),
    ({"scope": "https://graph.microsoft.com/User.Read"}, 400, "invalid_scope", 1002012),
    ({"scope": "https://elsewhere.example/.default"}, 400, "invalid_resource", 500011),
    ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
    ({"tenant": "00000000-0000-0000-0000-000000000000"}, 400, "invalid_request", 90002),
    ({"client_secret": None, "client_assertion": "x"}, 400, "invalid_request", 900144),
]


def test_refusals_have_the_shape_of_entras() -> None:
    async def act(desk: Desk) -> None:
        for changed, status, error, code in FORMS:
            found, body = await sign_in(desk.sim, desk.session, **changed)
            assert (found, body["error"], body["error_codes"]) == (status, error, [code]), changed
            assert body["error_description"].startswith(f"AADSTS{code}: ")
            assert {"timestamp", "trace_id", "correlation_id", "error_uri"} <= set(body)
        desk.sim.entra.apps[CLIENT].enabled = False
        assert (await sign_in(desk.sim, desk.session))[1]["error_codes"] == [7000112]

    assert rehearse(act)["tokens"] == {"200": 1, "400": 9, "401": 2}


def test_a_federated_assertion_is_taken_as_it_is() -> None:
    async def act(desk: Desk) -> None:
        desk.sim.register(CLIENT, assertions=["from elsewhere"])
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        form = {"client_secret": None, "client_assertion": "from elsewhere", "client_assertion_type": kind}
        status, _ = await sign_in(desk.sim, desk.session, **form)
        assert status == 200

    rehearse(act)


def test_the_token_looks_like_a_jwt_and_says_what_it_is_good_for() -> None:
    async def act(desk: Desk) -> None:
        claims = json.loads(base64.urlsafe_b64decode(desk.token.split(".")[1] + "=="))
        assert claims["roles"] == ["User.Read.All"]
        assert (claims["appid"], claims["tid"], claims["idtyp"]) == (CLIENT, desk.sim.tenant_id, "app")
        assert claims["xms_cc"] == ["CP1"]
        assert claims["exp"] - claims["iat"] == 3599

    rehearse(act, roles=("User.Read.All",), capable=True)


def test_tokens_expire_and_unknown_ones_are_refused() -> None:
    async def act(desk: Desk) -> None:
        assert (await desk.get("/users")).status == 200
        desk.sim.entra.expire()
        late = await desk.get("/users")
        assert (late.status, late.code) == (401, "InvalidAuthenticationToken")
        assert "insufficient_claims" not in late.headers["WWW-Authenticate"]
        desk.token = "eyJ.made.up"
        assert (await desk.get("/users")).status == 401

    rehearse(act, capable=True)


def test_a_capable_client_is_challenged_with_claims_and_let_in_with_a_new_token() -> None:
    async def act(desk: Desk) -> None:
        desk.sim.entra.challenge()
        header = (await desk.get("/users")).headers["WWW-Authenticate"]
        assert 'error="insufficient_claims"' in header
        claims = json.loads(base64.b64decode(header.partition('claims="')[2].partition('"')[0]))
        assert claims["access_token"]["nbf"]["essential"] is True
        desk.token = (await sign_in(desk.sim, desk.session))[1]["access_token"]
        assert (await desk.get("/users")).status == 200

    rehearse(act, capable=True)


@pytest.mark.parametrize("form", ["certificate", "thumbprint", "secret"])
def test_msal_signs_in(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # they win over what MSAL is given
        monkeypatch.delenv(name, raising=False)
    private, public = pems("own")
    sha1 = key_pair("own")[1].fingerprint(hashes.SHA1()).hex()
    credential: Any = {
        "certificate": {"private_key": private, "public_certificate": public},
        "thumbprint": {"private_key": private, "thumbprint": sha1},
        "secret": SECRET,
    }[form]

    def sign(desk: Desk, credential: Any) -> Any:
        application = msal.ConfidentialClientApplication(
            CLIENT,
            authority=f"{desk.sim.login_url}/{desk.sim.tenant_id}",
            client_credential=credential,
            instance_discovery=False,
            verify=str(desk.sim.ca_file),
        )
        return application.acquire_token_for_client([f"{desk.sim.graph_url}/.default"])

    async def act(desk: Desk) -> None:
        desk.sim.register(CLIENT, public.encode(), roles=EVERY_ROLE, secret=SECRET)
        found = await asyncio.to_thread(sign, desk, credential)
        desk.token = found["access_token"]
        assert (await desk.get("/users?$top=1")).status == 200
        stranger = dict(zip(("private_key", "public_certificate"), pems("stranger"), strict=True))
        assert (await asyncio.to_thread(sign, desk, stranger))["error_codes"] == [700027]

    rehearse(act)


def test_discovery_knows_the_tenant_by_id_and_by_name() -> None:
    async def act(desk: Desk) -> None:
        for tenant, status in ((desk.sim.tenant_id, 200), ("tenant.example", 200), ("elsewhere.example", 400)):
            url = f"{desk.sim.login_url}/{tenant}/v2.0/.well-known/openid-configuration"
            async with desk.session.get(url) as response:
                body = await response.json()
            assert response.status == status
            if status == 200:
                assert body["token_endpoint"] == f"{desk.sim.login_url}/{tenant}/oauth2/v2.0/token"
        async with desk.session.get(f"{desk.sim.login_url}/common/discovery/instance") as response:
            assert (await response.json())["tenant_discovery_endpoint"]

    rehearse(act)
