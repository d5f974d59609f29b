"""Our bodies against the documented ones, in structure: what is documented is there, and of the same JSON type.

The documented bodies are not part of the project. BULKMAIL_SAMPLES names a folder of them; without it, `shared/samples`
beside the checkout is taken where it exists, else nothing is compared.
"""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from bulkmail.sim.families.reports.kind import COLUMNS
from tests.sim.desk import Desk, rehearse, sign_in
from tests.sim.walk import Walk, tables, walk_all

BESIDE = Path(__file__).parents[3] / "shared" / "samples"
FOLDER = Path(os.environ.get("BULKMAIL_SAMPLES", BESIDE))
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="there is no folder of documented bodies")

OPTIONAL = {  # not of every item, of the beta version only, or a link that a last page has not
    "@odata.id", "@odata.type", "@odata.context", "@odata.nextLink", "@odata.deltaLink", "isDefaultCalendar",
    "archiveFolder", "inPlaceArchiveMailboxId", "wellKnownName",
}  # fmt: skip
FREE = ("/actions", "/conditions", "/language", "/timeZone", "/attendees", "/location", "/userPurpose", "/flag",
        "/businessAddress", "/homeAddress", "/otherAddress")  # fmt: skip


def structure(ours: Any, documented: Any, place: str = "") -> None:
    if isinstance(documented, dict) and isinstance(ours, dict):
        for name in documented.keys() - OPTIONAL:
            inner = f"{place}/{name}"
            assert name in ours, f"{inner} is missing"
            if not inner.endswith(FREE):
                structure(ours[name], documented[name], inner)
    elif isinstance(documented, list) and isinstance(ours, list):
        if documented and ours:
            structure(ours[0], documented[0], f"{place}/0")
    elif ours is not None and documented is not None:
        assert type(ours) is type(documented), place


def sample(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def test_bodies_have_the_structure_of_the_documented_ones() -> None:
    async def act(desk: Desk) -> None:
        walk = Walk(desk)
        await walk_all(walk)
        for name, ours in tables("SAMPLES").items():
            structure(walk.bodies[ours], sample(name), name)

    rehearse(act)


def test_a_change_of_replies_answers_as_documented() -> None:
    async def act(desk: Desk) -> None:
        wish = {k: v for k, v in sample("mailboxsettings-patch-oof-request").items() if k[0] != "@"}
        reply = await desk.ask("PATCH", f"{desk.user()}/mailboxSettings", wish)
        documented = sample("mailboxsettings-patch-oof-response")
        assert reply.body.keys() == documented.keys()
        structure(reply.body, documented, "replies")
        assert reply.body["automaticRepliesSetting"]["status"] == "scheduled"

    rehearse(act)


@pytest.mark.parametrize(
    ("name", "roles", "path"),
    [
        ("error-400-inefficientfilter", ("Mail.Read",),
         "{}/messages?$filter=isRead%20eq%20true&$orderby=receivedDateTime"),
        ("error-400-advancedquery-filter", ("User.Read.All",), "/users?$filter=endswith(mail,'x')"),
        ("error-403-erroraccessdenied", (), "{}/messages"),
        ("error-404-erroritemnotfound", ("Mail.Read",), "{}/messages/gone"),
        ("error-404-request-resourcenotfound", ("User.Read.All",), "/users/nobody@tenant.example"),
        ("error-410-syncstatenotfound", ("Mail.Read",), "{}/mailFolders/inbox/messages/delta?$deltatoken=gone"),
    ],
)  # fmt: skip
def test_errors_have_the_documented_codes(name: str, roles: tuple[str, ...], path: str) -> None:
    async def act(desk: Desk) -> None:
        reply = await desk.get(path.format(desk.user()))
        documented = sample(name)
        assert str(reply.status) == name.split("-")[1]
        assert reply.code.lower() == documented["error"]["code"].lower()
        structure(reply.body["error"]["message"], documented["error"]["message"], name)
        assert {"date", "request-id", "client-request-id"} <= set(reply.body["error"]["innerError"])

    rehearse(act, roles=roles)


def test_the_token_endpoint_answers_as_documented() -> None:
    async def act(desk: Desk) -> None:
        good = (await sign_in(desk.sim, desk.session))[1]
        structure(good, sample("token-response"), "token")
        status, wrong = await sign_in(desk.sim, desk.session, client_secret="wrong")
        documented = sample("token-error-7000215-invalid-secret")
        structure(wrong, documented, "secret")
        assert (status, wrong["error"], wrong["error_codes"]) == (401, documented["error"], documented["error_codes"])
        status, lost = await sign_in(desk.sim, desk.session, tenant="elsewhere.example")
        assert (status, lost["error_codes"]) == (400, sample("token-error-90002-tenant-not-found")["error_codes"])
        url = f"{desk.sim.login_url}/{desk.sim.tenant_id}/v2.0/.well-known/openid-configuration"
        async with desk.session.get(url) as response:
            found, known = await response.json(), sample("openid-configuration")
        structure({"userinfo_endpoint": "", **found}, known, "discovery")

    rehearse(act)


def test_an_extended_property_comes_as_documented() -> None:
    async def act(desk: Desk) -> None:
        wish = sample("extendedproperty-patch-request")
        made = (await desk.ask("POST", f"{desk.user()}/contacts", {"givenName": "Fern"})).body
        changed = await desk.ask("PATCH", f"{desk.user()}/contacts/{made['id']}", wish)
        assert changed.status == 200
        name = wish["singleValueExtendedProperties"][0]["id"]
        expand = quote(f"singleValueExtendedProperties($filter=id eq '{name}')")
        shown = (await desk.get(f"{desk.user()}/contacts/{made['id']}?$expand={expand}")).body
        structure(
            shown["singleValueExtendedProperties"],
            sample("extendedproperty-expand-response")["singleValueExtendedProperties"],
            "property",
        )

    rehearse(act)


def test_the_heading_of_the_usage_report_is_the_documented_one() -> None:
    text = (FOLDER / "report-mailboxusagedetail-csv-header.txt").read_text(encoding="utf-8-sig")
    (heading,) = (line for line in text.splitlines() if line.startswith("Report Refresh Date"))
    assert COLUMNS["getMailboxUsageDetail"] == tuple(heading.split(","))
