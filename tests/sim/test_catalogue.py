"""The catalogue of faults: what each is rehearsed with, and a feel of those that no other test has felt.

Numbers are of the list of what can go wrong: N network, H status codes, B batches, P paging, T tokens, I items of
an export.
"""

import asyncio
import json
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, get_args

import aiohttp
import pytest

from bulkmail.sim import Fault, Limits, RetryAfterForm, kinds
from bulkmail.sim.limits.settings import CertificateFlaw, Settings
from bulkmail.sim.witness.control import CHANGES
from tests.patient import patiently
from tests.sim.desk import CLIENT, Desk, parts, rehearse, sign_in

CLIENT_SIDE = "no server can"  # a name that is not found, a proxy, a key file, HTTP/2

CATALOGUE: dict[str, str] = {  # fault -> kinds of faults, or `form`, `flaw`, `setting`, `limit`, `wish` and their names
    "N1": CLIENT_SIDE, "N2": CLIENT_SIDE, "N3": CLIENT_SIDE, "N4": CLIENT_SIDE,
    "N5": "flaw:expired flaw:other-name flaw:self-signed", "N6": "flaw:self-signed", "N7": CLIENT_SIDE,
    "N8": CLIENT_SIDE, "N9": "reset-before", "N10": "lost", "N11": "reset-in-body", "N12": "truncated unended",
    "N13": "gzip-truncated gzip-damaged", "N14": "drip", "N15": "stall silent", "N16": "close", "N17": CLIENT_SIDE,
    "N18": "portal", "N19": "swapped", "N20": "redirect", "N21": "redirect-plain", "N22": "gzip-bomb flood",
    "N23": "nested json-number json-nan json-twice json-surrogate not-json",
    "N24": "headers header-long header-broken", "N25": "reset-before wish:faults",
    "H1": "form:integer throttle", "H2": "form:decimal", "H3": "form:date form:past form:skewed", "H4": "form:absent",
    "H5": "form:zero form:negative", "H6": "form:garbage status", "H7": "throttle status", "H8": "form:joined",
    "H9": "throttle", "H10": "limit:rate limit:units", "H11": "status", "H12": "status", "H13": "status",
    "H14": "status", "H15": "gateway", "H16": "late", "H17": "status", "H18": "status", "H19": "expire",
    "H20": "challenge", "H21": "expire wish:expire", "H22": "setting:denied status", "H23": "wish:apps",
    "H24": "setting:absent", "H25": "lag", "H26": "status", "H27": "status", "H28": "status", "H29": "error-in-200",
    "H30": "accepted", "H31": "empty no-content", "H32": "status", "H33": "status wish:faults", "H34": "status",
    "B1": "throttle", "B2": "part-missing", "B3": "part-twice part-torn", "B4": "setting:seed",
    "B5": "part-foreign part-number", "B6": "status", "B7": "status", "B8": "gateway batch-half",
    "B9": "part-base64 part-null", "B10": "part-text part-bare", "B11": "status", "B12": CLIENT_SIDE,
    "B13": "limit:concurrency", "B14": "status",
    "P1": "page-loop", "P2": "page-cycle", "P3": "page-foreign page-link", "P4": "page-other", "P5": "page-empty",
    "P6": "page-repeat", "P7": "status wish:forget_deltas", "P8": "page-cycle", "P9": "page-odd page-link page-both",
    "T1": "wish:trouble", "T2": "wish:apps", "T3": CLIENT_SIDE, "T4": "wish:trouble", "T5": CLIENT_SIDE,
    "T6": "wish:trouble", "T7": "wish:apps", "T8": "wish:apps", "T9": "status", "T10": "reset-before",
    "T11": "wish:expires_in", "T12": "slow", "T13": "wish:apps", "T14": CLIENT_SIDE, "T15": "wish:trouble",
    "I1": "item-error", "I2": "item-dropped",
}  # fmt: skip
LETTERS = {"N": 25, "H": 34, "B": 14, "P": 9, "T": 15, "I": 2}
KNOWN = {
    "form": set(get_args(RetryAfterForm)),
    "flaw": set(get_args(CertificateFlaw)),
    "setting": set(Settings.__dataclass_fields__),
    "limit": set(Limits.__dataclass_fields__),
    "wish": set(CHANGES),
}


def test_every_fault_of_the_list_has_its_means_and_every_kind_its_fault() -> None:
    assert set(CATALOGUE) == {f"{letter}{n}" for letter, most in LETTERS.items() for n in range(1, most + 1)}
    named: set[str] = set()
    for fault, means in CATALOGUE.items():
        for name in means.split() if means != CLIENT_SIDE else ():
            group, colon, inner = name.partition(":")
            assert inner in KNOWN[group] if colon else name in kinds(), (fault, name)
            named.add(name)
    assert named >= set(kinds())


async def raw(desk: Desk, path: str) -> bytes:
    """Everything that comes back on a connection of its own, until its end or a minute."""
    host, port = desk.sim.graph_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 22)
    asked = f"GET /v1.0{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {desk.token}"
    writer.write(f"{asked}\r\n\r\n".encode())
    got = b""
    try:
        async with asyncio.timeout(60):
            while len(got) < 5_000_000 and (piece := await reader.read(1 << 20)):
                got += piece
    except (TimeoutError, ConnectionError):
        pass
    writer.transport.abort()
    return got


PATH = "/users?$top=3"


@pytest.mark.parametrize(
    ("kind", "sign"),
    [
        ("json-number", b"9" * 1000),
        ("json-nan", b"[NaN,Infinity]"),
        ("json-twice", b'{"value":1,"@odata.context"'),
        ("json-surrogate", rb"\ud800"),
        ("flood", b" " * 900_000),
        ("no-content", b"HTTP/1.1 204 No Content"),
        ("header-long", b"x" * 1_000_000),
        ("header-broken", b"\r\nno colon here\r\n"),
    ],
)
def test_what_no_client_expects_is_on_the_wire(kind: str, sign: bytes) -> None:
    async def act(desk: Desk) -> None:
        got = await raw(desk, PATH)
        assert sign in got
        assert got.startswith(b"HTTP/1.1 2")

    assert rehearse(act, faults=(Fault(kind, match="users", total=1),))["faults"] == {kind: 1}


def test_a_flood_ends_when_nobody_listens() -> None:
    async def act(desk: Desk) -> None:
        await raw(desk, PATH)
        assert (await desk.get(PATH)).status == 200

    assert rehearse(act, faults=(Fault("flood", total=1),))["requests"] == 2


def test_a_redirect_out_of_tls() -> None:
    async def act(desk: Desk) -> None:
        reply = await desk.get(PATH)
        assert (reply.status, reply.headers["Location"][:7]) == (308, "http://")

    rehearse(act, tls=True, faults=(Fault("redirect-plain", status=308),))


@pytest.mark.parametrize("text", ["abc", "NaN", "inf", "1e9", "٣", "86400", "7, 60"])
def test_a_retry_after_of_any_text(text: str) -> None:
    async def act(desk: Desk) -> None:
        reply = await desk.get(PATH)
        assert reply.status == 429
        assert reply.headers["Retry-After"] == (text if text.isascii() else "?")

    rehearse(act, faults=(Fault("status", status=429, text=text),))


def test_a_wait_told_by_a_clock_that_is_wrong() -> None:
    async def act(desk: Desk) -> None:
        await desk.get(f"{desk.user()}/mailboxSettings")
        reply = await desk.get(f"{desk.user()}/mailboxSettings")
        told, own = (parsedate_to_datetime(reply.headers[name]) for name in ("Retry-After", "Date"))
        assert 1 <= (told - own).total_seconds() <= 8

    rehearse(act, limits=Limits(requests=1, requests_window=5, form="skewed"))


def test_an_error_text_that_no_log_should_hold() -> None:
    async def act(desk: Desk) -> None:
        reply = await desk.get(PATH)
        assert len(reply.body["error"]["message"]) > 1_000_000
        assert "\r\n" in reply.body["error"]["message"]

    rehearse(act, faults=(Fault("status", status=500, body="long"),))


@pytest.mark.parametrize("status", [409, 412, 413, 418, 423, 507, 509, 599])
def test_statuses_out_of_the_ordinary(status: int) -> None:
    async def act(desk: Desk) -> None:
        reply = await desk.get(PATH)
        assert reply.status == status
        assert reply.code

    rehearse(act, faults=(Fault("status", status=status),))


def test_a_good_answer_that_tells_to_wait() -> None:
    letter = {"subject": "Notice", "toRecipients": [{"emailAddress": {"address": "a@tenant.example"}}]}

    async def act(desk: Desk) -> None:
        reply = await desk.ask("POST", f"{desk.user()}/sendMail", {"message": letter})
        assert (reply.status, reply.headers["Retry-After"]) == (202, "20")

    assert rehearse(act, faults=(Fault("accepted", seconds=20),))["effects"]["total"] == 1


@pytest.mark.parametrize("collection", ["contacts", "messages"])
def test_what_was_made_is_not_found_for_a_while(collection: str) -> None:
    async def act(desk: Desk, times: int) -> None:
        base = f"{desk.user()}/{collection}"
        made = (await desk.ask("POST", base, {"categories": ["late"]})).body
        assert (await desk.get(f"{base}/{made['id']}")).status == 404
        assert made["id"] not in [row["id"] for row in await desk.pages(base)]
        await asyncio.sleep(0.4 * times)
        assert (await desk.get(f"{base}/{made['id']}")).status == 200
        assert made["id"] in [row["id"] for row in await desk.pages(base)]

    def play(times: int) -> None:
        rehearse(partial(act, times=times), faults=(Fault("lag", match="POST", seconds=0.3 * times),))

    patiently(play)


def test_half_of_a_batch_is_done_and_nothing_is_told() -> None:
    async def act(desk: Desk) -> None:
        wishes = [
            {"id": str(n), "method": "POST", "url": f"{desk.user(n)}/contacts", "body": {"displayName": f"c{n}"},
             "headers": {"Content-Type": "application/json"}}
            for n in range(20)
        ]  # fmt: skip
        reply = await desk.batch(*wishes)
        assert (reply.status, reply.code) == (504, "GatewayTimeout")

    assert rehearse(act, faults=(Fault("batch-half"),))["effects"]["total"] == 10


def test_links_that_go_round_in_three_and_links_of_any_text() -> None:
    async def act(desk: Desk) -> None:
        seen, link = [], PATH
        for _ in range(7):
            link = (await desk.get(link)).body["@odata.nextLink"]
            seen.append(link)
        assert len(set(seen)) == 3
        for text in ("https://graph.microsoft.com.evil.example/v1.0/users", "", "//evil.example/x"):
            await desk.control(faults=[{"kind": "page-link", "text": text}])
            assert (await desk.get(PATH)).body["@odata.nextLink"] == text
        await desk.control(faults=["page-both"])
        assert {"@odata.nextLink", "@odata.deltaLink"} <= set((await desk.get(PATH)).body)

    rehearse(act, faults=(Fault("page-cycle"),))


def test_headers_then_silence_and_an_outage_that_ends() -> None:
    async def act(desk: Desk) -> None:
        await desk.control(faults=["stall:seconds=0.2,total=1"])
        with pytest.raises(aiohttp.ClientError):
            await desk.get(PATH)
        await desk.control(faults=["reset-before"])
        for _ in range(3):
            with pytest.raises(aiohttp.ClientError):
                await desk.get(PATH)
        await desk.control(faults=[])
        assert (await desk.get(PATH)).status == 200

    assert rehearse(act)["faults"] == {"stall": 1, "reset-before": 3}


def test_tokens_that_are_refused_lie_about_their_life_or_lose_their_roles() -> None:
    async def act(desk: Desk) -> None:
        for number, status in ((700024, 401), (700027, 401), (90002, 400), (700016, 400), (90033, 503)):
            await desk.control(trouble=number)
            found, body = await sign_in(desk.sim, desk.session)
            assert (found, body["error_codes"]) == (status, [number])
        await desk.control(trouble=0)
        wrong: list[Any] = [0, "3599", -5, 10**12]
        for life in wrong:
            await desk.control(expires_in=life)
            assert (await sign_in(desk.sim, desk.session))[1]["expires_in"] == life
        await desk.control(apps={CLIENT: {"roles": []}})
        desk.token = (await sign_in(desk.sim, desk.session))[1]["access_token"]
        assert (await desk.get(f"{desk.user()}/mailboxSettings")).status == 403
        await desk.control(apps={CLIENT: {"enabled": False}})
        assert (await sign_in(desk.sim, desk.session))[1]["error_codes"] == [7000112]

    rehearse(act)


def test_a_part_can_meet_any_fault_of_a_call() -> None:
    async def act(desk: Desk) -> None:
        reply = await desk.batch(*parts(*(f"{desk.user(n)}/mailboxSettings" for n in range(4))))
        found = {row["id"]: row["status"] for row in reply.body["responses"]}
        assert sorted(found.values()) == [200, 302, 424, 429]

    address = [f"/users/[^/]*\\.{n}@" for n in range(4)]
    faults = (
        Fault("throttle", match=address[0], seconds=7),
        Fault("status", match=address[1], status=424),
        Fault("status", match=address[2], status=302),
    )
    books = rehearse(act, faults=faults)
    assert json.dumps(books["faults"]) == '{"status": 2, "throttle": 1}'
