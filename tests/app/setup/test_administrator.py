"""What the directory takes its time with: a new application, a new key, a person at another device."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from bulkmail.app.setup.administrator import SCOPES, access_body, administering, token_of
from bulkmail.app.setup.files import make_keys
from bulkmail.app.setup.site import Site
from bulkmail.app.setup.trial import look_for_token, wait_for_token
from bulkmail.app.setup.wish import Wish
from bulkmail.config import App, Input
from bulkmail.errors import GraphError, SignInError
from bulkmail.identity.cloud import custom
from bulkmail.identity.entra import tls_context
from bulkmail.identity.person import Code, Person
from bulkmail.sim import Settings, Simulator

T = TypeVar("T")


class Naps:
    """Waits that are counted and take no time; `then` is called at the end of each."""

    def __init__(self, then: Callable[[], object] = lambda: None) -> None:
        self.seconds: list[float] = []
        self.then = then

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.then()


def rehearsed(act: Callable[[Simulator, App], Awaitable[T]]) -> T:
    async def main() -> T:
        async with Simulator(Settings(mailboxes=5)) as simulator:
            app = App(tenant_id=simulator.tenant_id, cloud="custom", login=simulator.login_url,
                      graph=simulator.graph_url, ca_file=simulator.ca_file)  # fmt: skip
            return await act(simulator, app)

    return asyncio.run(main())


def person(app: App) -> Person:
    return Person(custom(app.login, app.graph), app.tenant_id, SCOPES, tls_context(str(app.ca_file)))


async def signed_in(simulator: Simulator, app: App) -> str:
    simulator.entra.devices.willing = True
    return await token_of(person(app), lambda _code: None)


def test_a_person_is_waited_for() -> None:
    async def act(simulator: Simulator, app: App) -> None:
        codes, naps = list[Code](), Naps()

        def decide() -> None:
            if len(naps.seconds) == 2:
                simulator.entra.devices.decide(codes[0].user_code, approved=True)

        naps.then = decide
        token = await token_of(person(app), codes.append, naps)
        assert naps.seconds == [1, 1]
        assert codes[0].where == f"{simulator.login_url}/devicelogin"
        assert simulator.entra.tokens[token].roles == {*SCOPES, "openid", "profile"}, "and no refresh token"

    rehearsed(act)


@pytest.mark.parametrize(("change", "text"), [("declined", "declined"), ("expired", "out of date")])
def test_a_person_who_declines_or_does_not_come(change: str, text: str) -> None:
    async def act(simulator: Simulator, app: App) -> None:
        def then() -> None:
            for flow in simulator.entra.devices.flows.values():
                flow.approved, flow.until = (False, flow.until) if change == "declined" else (None, 0.0)

        with pytest.raises(SignInError, match=text):
            await token_of(person(app), lambda _code: None, Naps(then))

    rehearsed(act)


def test_the_service_principal_waits_for_the_application_to_be_known(tmp_path: Path) -> None:
    async def act(simulator: Simulator, app: App) -> None:
        naps = Naps()
        certificate = make_keys(wish(tmp_path, app))
        async with administering(app, await signed_in(simulator, app), naps) as administrator:
            made = await administrator.register("n", certificate)
            principal = await administrator.make_principal(str(made["appId"]))
            assert naps.seconds == [1.0, 2.0]
            assert principal["appId"] == made["appId"]
            with pytest.raises(GraphError, match="409"):  # it is there already, which waiting does not change
                await administrator.make_principal(str(made["appId"]))
            assert naps.seconds == [1.0, 2.0]
            other = await administrator.register("n", certificate)
            assert len(await administrator.keys(other)) == 1
            assert naps.seconds == [1.0, 2.0, 1.0, 2.0]

    rehearsed(act)


def wish(folder: Path, app: App) -> Wish:
    return Wish(
        app, "n", ("settings.report",), (), folder / "job.toml", folder / "n", Input(users=""), key_size=2048
    )  # fmt: skip


def test_a_key_that_is_new_is_waited_for_and_any_other_refusal_is_not(tmp_path: Path) -> None:
    async def act(simulator: Simulator, app: App) -> None:
        client_id = "b01dface-0000-4000-8000-0000000000aa"
        one = wish(tmp_path, app.model_copy(update={"client_id": client_id}))
        certificate = make_keys(one)
        simulator.register(client_id)
        naps = Naps()

        def register() -> None:
            if len(naps.seconds) == 3:
                simulator.register(client_id, certificate.pem.encode())

        naps.then = register
        site = Site(one, certificate=certificate, application={"appId": client_id}, sleep=naps)
        look = await look_for_token(site)
        assert not look.done
        assert "AADSTS700027" in look.text
        assert await wait_for_token(site) == "the application signs in with the key"
        assert naps.seconds == [2.0, 5.0, 10.0]
        assert (await look_for_token(site)).done
        simulator.entra.trouble = 53003
        with pytest.raises(SignInError, match="AADSTS53003"):
            await wait_for_token(site)

    rehearsed(act)


def test_a_role_that_was_just_granted_is_waited_for(tmp_path: Path) -> None:
    async def act(simulator: Simulator, app: App) -> None:
        client_id = "b01dface-0000-4000-8000-0000000000aa"
        one = replace(wish(tmp_path, app.model_copy(update={"client_id": client_id})), roles=("Mail.Read",))
        certificate = make_keys(one)
        simulator.register(client_id, certificate.pem.encode())
        naps = Naps()

        def grant() -> None:
            if len(naps.seconds) == 2:
                simulator.register(client_id, certificate.pem.encode(), roles=["Mail.Read"])

        naps.then = grant
        site = Site(one, certificate=certificate, application={"appId": client_id}, sleep=naps)
        assert "no Mail.Read yet" in (await look_for_token(site)).text
        await wait_for_token(site)
        assert naps.seconds == [2.0, 5.0]
        simulator.register(client_id, certificate.pem.encode())
        naps.then = lambda: None
        assert "may take an hour" in await wait_for_token(site), "and the check tells what that means"

    rehearsed(act)


def test_what_an_application_asks_for_already_stays() -> None:
    graph, other = "00000003-0000-0000-c000-000000000000", {"resourceAppId": "other", "resourceAccess": []}
    there = {"resourceAppId": graph, "resourceAccess": [{"id": "a", "type": "Scope"}]}
    body = access_body({"requiredResourceAccess": [other, there]}, ["a", "b"])
    assert body["requiredResourceAccess"] == [
        other, {"resourceAppId": graph, "resourceAccess": [{"id": "a", "type": "Scope"}, {"id": "b", "type": "Role"}]},
    ]  # fmt: skip
