"""The sign-in of a person on another device: a code that is shown, approved there, and traded for a token.

learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code. Is told the time.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from bulkmail.sim.graph.call import Answer, Json

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
PUBLIC = frozenset({"14d82eec-204b-4c2f-b7e8-296a70dab67e", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"})
"""Applications that come with every tenant: Microsoft Graph Command Line Tools, and the Azure CLI."""

LIFE = 900
INTERVAL = 1  # seconds between two questions; the service says 5
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


@dataclass(slots=True)
class Flow:
    """One sign-in that was begun; `approved` is None until the person has decided."""

    user_code: str
    client_id: str
    scopes: frozenset[str]
    until: float
    approved: bool | None = None


class Devices:
    """Every sign-in by code that is under way, by its secret device code. With `willing` each is approved at once."""

    def __init__(self) -> None:
        self.flows: dict[str, Flow] = {}
        self.willing: bool | None = None

    def begin(self, base: str, form: Mapping[str, str], now: float) -> Answer:
        code = "".join(secrets.choice(_LETTERS) for _ in range(9))
        scopes = frozenset(one.rpartition("/")[2] for one in form.get("scope", "").split())
        device = secrets.token_urlsafe(32)
        self.flows[device] = Flow(code, form.get("client_id", ""), scopes, now + LIFE, self.willing)
        where = f"{base}/devicelogin"
        body = {
            "user_code": code,
            "device_code": device,
            "verification_uri": where,
            "expires_in": LIFE,
            "interval": INTERVAL,
            "message": f"To sign in, use a web browser to open the page {where} and enter the code {code} to "
            "authenticate.",
        }
        return Answer(body=body)

    def decide(self, user_code: str, *, approved: bool) -> bool:
        """What the person says of a code; False where there is no such code."""
        flow = next((one for one in self.flows.values() if one.user_code == user_code.upper()), None)
        if flow is not None:
            flow.approved = approved
        return flow is not None

    def judge(self, form: Mapping[str, str], now: float) -> Flow | Answer:
        """The flow that was approved, which is over then; or the refusal of a question that came too early or late."""
        device = form.get("device_code", "")
        flow = self.flows.get(device)
        if flow is None or flow.client_id != form.get("client_id"):
            return _refused("bad_verification_code", 70019, "The device code is not known.")
        if flow.until <= now:
            return _refused(
                "expired_token", 70020, "The provided value for the input parameter 'device_code' is expired."
            )
        if flow.approved is None:
            return _refused("authorization_pending", 70016, "OAuth 2.0 device flow error. Authorization is pending.")
        del self.flows[device]
        return flow if flow.approved else _refused("authorization_declined", 70018, "The user declined.")


def _refused(error: str, code: int, text: str) -> Answer:
    body: Json = {"error": error, "error_description": f"AADSTS{code}: {text}", "error_codes": [code]}
    return Answer(400, body)
