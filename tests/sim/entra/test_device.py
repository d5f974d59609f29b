"""The sign-in of a person by a code: pending, approved, declined, out of date; and that MSAL understands it."""

from typing import Any

from bulkmail.sim.entra.device import GRANT_TYPE, INTERVAL, LIFE, Devices
from bulkmail.sim.graph.call import Answer
from tests.sim.desk import Desk, rehearse

CLIENT = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
FORM = {"client_id": CLIENT, "scope": "openid https://graph.microsoft.com/Application.ReadWrite.All"}


def begun(devices: Devices) -> dict[str, Any]:
    body: dict[str, Any] = devices.begin("https://login.example", FORM, 0.0).body
    assert body["interval"] == INTERVAL
    return body


def error(answer: object) -> str:
    assert isinstance(answer, Answer)
    return str(answer.body["error"])


def test_a_code_is_pending_until_it_is_decided_and_good_once() -> None:
    devices = Devices()
    code = begun(devices)
    asked = FORM | {"device_code": code["device_code"]}
    assert error(devices.judge(asked, 1.0)) == "authorization_pending"
    assert not devices.decide("NOTACODE", approved=True)
    assert devices.decide(code["user_code"].lower(), approved=True)
    flow = devices.judge(asked, 2.0)
    assert not isinstance(flow, Answer)
    assert flow.scopes == {"openid", "Application.ReadWrite.All"}
    assert error(devices.judge(asked, 3.0)) == "bad_verification_code"


def test_one_that_is_declined_out_of_date_or_of_another_client() -> None:
    devices = Devices()
    code = begun(devices)
    asked = FORM | {"device_code": code["device_code"]}
    assert error(devices.judge(asked | {"client_id": "other"}, 1.0)) == "bad_verification_code"
    assert error(devices.judge(asked, LIFE + 1.0)) == "expired_token"
    devices.decide(code["user_code"], approved=False)
    assert error(devices.judge(asked, 1.0)) == "authorization_declined"


def test_over_http_the_page_is_where_a_person_decides() -> None:
    async def act(desk: Desk) -> None:
        root = f"{desk.sim.login_url}/{desk.sim.tenant_id}/oauth2/v2.0"
        async with desk.session.post(f"{root}/devicecode", data=FORM | {"client_id": "unknown"}) as response:
            assert (response.status, (await response.json())["error_codes"]) == (400, [700016])
        async with desk.session.post(f"{root}/devicecode", data=FORM) as response:
            code = await response.json()
        form = {"client_id": CLIENT, "grant_type": GRANT_TYPE, "device_code": code["device_code"]}
        async with desk.session.post(f"{root}/token", data=form) as response:
            assert (response.status, (await response.json())["error"]) == (400, "authorization_pending")
        async with desk.session.get(code["verification_uri"]) as response:
            assert response.status == 404
        async with desk.session.get(f"{code['verification_uri']}?code={code['user_code']}") as response:
            assert response.status == 200
        async with desk.session.post(f"{root}/token", data=form) as response:
            desk.token = (await response.json())["access_token"]
        assert (await desk.get("/applications")).status == 200
        assert (await desk.get("/users")).status == 403

    rehearse(act)
