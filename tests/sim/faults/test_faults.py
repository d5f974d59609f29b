"""The script of faults: read strictly, repeatable by seed, and every kind felt by a client."""

import asyncio
import json
import zlib
from collections import Counter
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.sim import Fault, kinds, load_faults, parse_fault
from bulkmail.sim.faults.script import AFTER, BATCH, BEFORE, CALL, Script
from tests.patient import patiently
from tests.sim.desk import Desk, parts, rehearse, sign_in

SETTINGS = "mailboxSettings"


def test_a_flag_is_read_as_a_fault() -> None:
    text = "status:status=503,share=0.5,match=/messages,seconds=7,skip=1,times=2,total=9,body=html"
    expected = Fault("status", "/messages", 0.5, 1, 2, 9, 503, 7.0, "html")
    assert parse_fault(text) == expected
    assert parse_fault("lost") == Fault("lost")


@pytest.mark.parametrize(
    "text",
    ["los", "lost:chance=1", "lost:share=2", "status:status=99", "lost:match=(", "status:body=xml", "lost:skip=x", ""],
)
def test_a_wrong_flag_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_fault(text)


def test_the_nearest_kind_is_named() -> None:
    with pytest.raises(ValueError, match="did you mean 'truncated'"):
        parse_fault("trunkated")


def test_scripts_are_toml_or_json(tmp_path: Path) -> None:
    toml, jason = tmp_path / "a.toml", tmp_path / "a.json"
    toml.write_text('[[fault]]\nkind = "lost"\nshare = 0.5\n[[fault]]\nkind = "portal"\n', encoding="utf-8")
    jason.write_text(json.dumps([{"kind": "lost", "share": 0.5}, {"kind": "portal"}]), encoding="utf-8")
    assert load_faults(toml) == load_faults(jason) == (Fault("lost", share=0.5), Fault("portal"))
    jason.write_text('{"kind": "lost"}', encoding="utf-8")
    with pytest.raises(ValueError, match="list"):
        load_faults(jason)


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(0, 1000), st.randoms())
def test_luck_does_not_depend_on_the_order_of_others(asked: list[int], seed: int, chance: object) -> None:
    """Each subject meets the same fate whatever comes between."""

    def fates(order: list[int]) -> dict[int, list[bool]]:
        script, found = Script([Fault("lost", share=0.5)], seed, Counter()), {n: list[bool]() for n in range(10)}
        for number in order:
            found[number].append(script.strike(AFTER, f"GET /users/{number}") is not None)
        return found

    shuffled = list(asked)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert fates(asked) == fates(shuffled)


def test_skip_times_and_total_are_kept() -> None:
    script = Script([Fault("lost", skip=1, times=2, total=3)], 1, Counter())
    struck = [[script.strike(AFTER, subject) is not None for _ in range(5)] for subject in ("a", "b")]
    assert struck == [[False, True, True, False, False], [False, True, False, False, False]]
    assert script.struck == {"lost": 3}


def test_only_the_kinds_that_are_asked_for_strike() -> None:
    script = Script([Fault(kind) for kind in kinds()], 1, Counter())
    for group in (BEFORE, AFTER, CALL, BATCH):
        fault = script.strike(group, "GET /")
        assert fault is not None
        assert fault.kind in group


async def failure(desk: Desk, path: str) -> BaseException:
    try:
        reply = await asyncio.wait_for(desk.get(path), 60)
        json.loads(reply.content)
    except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError, zlib.error) as error:
        return error
    raise AssertionError(reply)


BROKEN: dict[str, type[BaseException] | tuple[type[BaseException], ...]] = {
    "reset-before": aiohttp.ClientError,
    "silent": aiohttp.ClientError,
    "portal": ValueError,
    "lost": aiohttp.ClientError,
    "reset-in-body": aiohttp.ClientError,
    "truncated": aiohttp.ClientPayloadError,
    "unended": aiohttp.ClientPayloadError,
    "stall": aiohttp.ClientError,
    "gzip-damaged": aiohttp.ClientError,
    "gzip-truncated": (aiohttp.ClientError, ValueError),
    "not-json": ValueError,
    "nested": (ValueError, RecursionError),
    "empty": ValueError,
    "headers": aiohttp.ClientError,
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_answer_is_felt_once(kind: str) -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}/mailboxSettings"
        assert isinstance(await failure(desk, path), BROKEN[kind])
        assert (await desk.get(path)).status == 200

    books = rehearse(act, faults=(Fault(kind, match=SETTINGS, times=1, seconds=0.05),))
    assert books["faults"] == {kind: 1}
    done = books["routes"]["GET /users/{}/mailboxSettings"]["200"]
    assert done == (1 if kind in BEFORE else 2)


def test_a_slow_answer_comes_whole_and_a_closed_connection_is_opened_again() -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}/mailboxSettings/timeZone"
        assert "value" in (await desk.get(path)).body
        assert "value" in (await desk.get(path)).body

    faults = (Fault("drip", times=1, seconds=0.0001), Fault("close"))
    assert rehearse(act, faults=faults)["faults"] == {"drip": 1, "close": 1}


def test_a_bomb_is_small_on_the_wire() -> None:
    async def act(desk: Desk) -> None:
        headers = {"Authorization": f"Bearer {desk.token}"}
        url = f"{desk.sim.graph_url}/v1.0{desk.user()}/mailboxSettings"
        async with desk.session.get(url, headers=headers, auto_decompress=False) as response:
            assert len(await response.read()) < 1_000_000
            assert response.headers["Content-Encoding"] == "gzip"

    rehearse(act, faults=(Fault("gzip-bomb"),))


def test_a_redirect_leads_to_the_foreign_host_which_notes_the_token() -> None:
    async def act(desk: Desk) -> None:
        reply = await desk.get("/users")
        assert reply.status == 307
        await desk.get(reply.headers["Location"])

    books = rehearse(act, faults=(Fault("redirect", status=307),))
    assert books["foreign"] == {"requests": {"/v1.0/users": 1}, "with_token": 1}


@pytest.mark.parametrize("body", ["json", "html", "empty"])
def test_a_status_with_every_form_of_body(body: str) -> None:
    async def act(desk: Desk) -> None:
        reply = await desk.get("/users")
        assert (reply.status, reply.headers["Retry-After"]) == (502, "7")
        if body == "json":
            assert reply.code == "BadGateway"
        else:
            assert (b"<html>" in reply.content) == (body == "html")

    rehearse(act, faults=(Fault("status", status=502, seconds=7, body=body),))


def test_a_write_is_applied_and_its_answer_is_an_error() -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}/contacts"
        reply = await desk.ask("POST", path, {"displayName": "once"})
        assert (reply.status, reply.code) == (504, "GatewayTimeout")
        rows = await desk.pages(path)
        assert [row["displayName"] for row in rows].count("once") == 1

    assert rehearse(act, faults=(Fault("gateway", match="POST"),))["effects"]["total"] == 1


def test_a_write_is_applied_late() -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}/contacts"
        before = len(await desk.pages(path))
        assert (await desk.ask("POST", path, {"displayName": "late"})).status == 504
        assert len(await desk.pages(path)) == before
        while len(await desk.pages(path)) == before:  # noqa: ASYNC110 - the service has no event
            await asyncio.sleep(0.02)

    patiently(lambda times: rehearse(act, faults=(Fault("late", match="POST", seconds=0.5 * times),)))


def test_a_write_whose_connection_is_reset_was_done() -> None:
    async def act(desk: Desk) -> None:
        with pytest.raises(aiohttp.ClientError):
            await desk.ask("POST", f"{desk.user()}/contacts", {"displayName": "once"})

    books = rehearse(act, faults=(Fault("lost", match="POST .*contacts"),))
    assert books["effects"]["all"] == {"0 POST /users/{}/contacts once": 1}


def test_a_fault_that_throttles_raises_a_fence_that_is_kept() -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}/mailboxSettings"
        assert (await desk.get(path)).headers["Retry-After"] == "30"
        for _ in range(3):
            assert (await desk.get(path)).status == 429
        assert (await desk.get(f"{desk.user(1)}/mailboxSettings")).status == 200

    faults = (Fault("throttle", match=SETTINGS, seconds=30, total=1),)
    books = rehearse(act, faults=faults)
    assert (books["early"], books["fenced"]) == (1, 3)


@pytest.mark.parametrize(("kind", "claims"), [("expire", False), ("challenge", True)])
def test_tokens_go_bad_in_mid_run(kind: str, claims: bool) -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}/mailboxSettings"
        for _ in range(2):
            reply = await desk.get(path)
            assert reply.status == 401
            assert ("insufficient_claims" in reply.headers["WWW-Authenticate"]) == claims
        desk.token = (await sign_in(desk.sim, desk.session))[1]["access_token"]
        assert (await desk.get(path)).status == 200

    rehearse(act, capable=True, faults=(Fault(kind, match=SETTINGS, total=1),))


def test_pages_lead_astray() -> None:
    async def link(desk: Desk) -> object:
        reply = await desk.get("/users?$top=3")
        return reply.body["value"] == [], reply.body["@odata.nextLink"]

    async def act(desk: Desk) -> None:
        own = f"{desk.sim.graph_url}/v1.0/users?%24top=3"
        assert await link(desk) == (True, own)
        assert await link(desk) == (False, own)
        assert await link(desk) == (False, own.replace(desk.sim.graph_url, desk.sim.foreign_url))
        assert await link(desk) == (False, 17)
        inbox = await desk.get(f"{desk.user()}/messages")
        assert "someone.else" in inbox.body["@odata.nextLink"]

    names = ("page-empty", "page-loop", "page-foreign", "page-odd")
    faults = [Fault(name, match=r"/users\?", skip=n, times=1) for n, name in enumerate(names)]
    for n, fault in enumerate(faults):  # each sees only what those before it let through
        faults[n] = Fault(fault.kind, match=fault.match, times=1)
    rehearse(act, faults=(*faults, Fault("page-other", match="/messages")))


def test_an_item_comes_twice_in_a_page() -> None:
    async def act(desk: Desk) -> None:
        rows = (await desk.get("/users?$top=3")).body["value"]
        assert len(rows) == 4
        assert rows[0] == rows[3]

    rehearse(act, faults=(Fault("page-repeat"),))


def test_an_answer_of_another_request() -> None:
    async def act(desk: Desk) -> None:
        first = await desk.get(f"{desk.user(0)}/mailboxSettings", client_request_id="one")
        second = await desk.get(f"{desk.user(1)}/mailboxSettings", client_request_id="two")
        assert second.body == first.body
        assert second.headers["client-request-id"] == "one"

    rehearse(act, faults=(Fault("swapped", match=SETTINGS),))


def test_an_error_in_disguise() -> None:
    async def act(desk: Desk) -> None:
        reply = await desk.get("/users")
        assert (reply.status, reply.code) == (200, "InternalServerError")

    rehearse(act, faults=(Fault("error-in-200"),))


def test_batches_with_missing_double_and_odd_parts() -> None:
    async def act(desk: Desk) -> None:
        found = {}
        for kind in BATCH:
            desk.sim.world.script.load([Fault(kind)])
            reply = await desk.batch(*parts(*["/users?$top=1"] * 5))
            found[kind] = reply.body["responses"]
        lengths = {"part-missing": 4, "part-twice": 6, "part-torn": 6, "part-foreign": 6}
        assert {kind: len(rows) for kind, rows in found.items()} == dict.fromkeys(BATCH, 5) | lengths
        assert len({row["status"] for row in found["part-torn"]}) == 2
        assert sum("status" not in row for row in found["part-bare"]) == 1
        assert sum(row["body"] is None for row in found["part-null"]) == 1
        assert sum(isinstance(row["body"], str) for row in found["part-base64"]) == 1
        assert sum(isinstance(row["id"], int) for row in found["part-number"]) == 1
        assert sum(isinstance(row["status"], str) for row in found["part-text"]) == 1

    rehearse(act)


def test_a_batch_is_refused_as_a_whole_or_done_and_lost() -> None:
    async def act(desk: Desk) -> None:
        wish = {"id": "1", "method": "POST", "url": f"{desk.user()}/contacts", "body": {"displayName": "x"},
                "headers": {"Content-Type": "application/json"}}  # fmt: skip
        assert (await desk.batch(wish)).status == 503
        assert (await desk.batch(wish)).status == 504

    faults = (Fault("status", match=r"\$batch", status=503, times=1), Fault("gateway", match=r"\$batch"))
    books = rehearse(act, faults=faults)
    assert books["effects"]["total"] == 1
    assert books["routes"]["POST /$batch"] == {"503": 1, "504": 1}


def test_the_token_endpoint_can_fail_too() -> None:
    async def act(desk: Desk) -> None:
        desk.sim.world.script.load([Fault("status", match="oauth2", status=503)])
        assert (await sign_in(desk.sim, desk.session))[0] == 503
        assert (await desk.get("/users")).status == 200

    rehearse(act)
