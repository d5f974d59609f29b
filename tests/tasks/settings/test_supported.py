"""A zone or a language that a mailbox does not take fails it before anything is written, in the plan as well."""

from pathlib import Path
from typing import Any

import pytest

from bulkmail.errors import GraphError, InputError
from bulkmail.model import Request, Response
from bulkmail.sim import Settings
from bulkmail.sim.families.outlook.content import lacking
from bulkmail.tasks import check_options
from bulkmail.tasks.settings.apply import settings_apply
from bulkmail.tasks.settings.supported import needs
from bulkmail.testing.tenant import open_tenant
from tests.tasks.rig import Bench, on_bench
from tests.tasks.settings.store import Store, rows

CALM: dict[str, Any] = {"seed": 11, "latency": 0.002, "absent": 0.0, "denied": 0.0, "moving": 0.0, "tls": False}


class Strange(Store):
    """Its lists cannot be had."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.listed = answer

    def answer(self, request: Request) -> Response:
        return self.listed if "/outlook/" in request.path else super().answer(request)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"time_zone": "Tonga Standard Time"}, "row 2: time_zone: this mailbox does not take 'Tonga Standard Time'"),
        ({"working_time_zone": "Europe/Berlin"}, "row 2: working_time_zone: .* 'Europe/Berlin'"),
        ({"language": "fr-CH"}, "row 2: language: .* 'fr-CH'; did you mean fr-FR"),
    ],
)
@pytest.mark.parametrize("planning", [True, False])
def test_what_is_not_in_the_list_of_the_mailbox(options: dict[str, Any], told: str, planning: bool) -> None:
    store = Store()
    with pytest.raises(InputError, match=told):
        rows(store, planning=planning, date_format="yyyy", **options)
    assert store.writes == []
    if "Berlin" not in told:
        assert rows(Store(), check_supported=False, **options)


def test_each_list_is_asked_for_once_and_only_where_something_is_to_be_written() -> None:
    store = Store()
    rows(store, time_zone="tokyo standard time", working_time_zone="UTC", language="FR-fr", time_format="H")
    asked = [one.path.partition("/outlook/")[2] for one in store.service.requests if "/outlook/" in one.path]
    assert asked == ["supportedTimeZones", "supportedLanguages"]
    assert len(store.writes) == 1
    before = len(store.service.requests)
    rows(store, time_zone="Tokyo Standard Time", language="fr-FR", time_format="H")
    assert len(store.service.requests) == before + 1
    rows(store, check_supported=False, time_zone="UTC")
    assert len(store.service.requests) == before + 3


@pytest.mark.parametrize(
    "answer",
    [Response(403, body={"error": {"code": "ErrorAccessDenied"}}), Response(404, body={"error": {"code": "x"}}),
     Response(200, body={"value": []}), Response(200, body={"strange": 1}), Response(200, body={"value": [5, {}]})],
)  # fmt: skip
def test_a_list_that_cannot_be_had_leaves_it_to_the_service(answer: Response) -> None:
    assert rows(Strange(answer), time_zone="Tonga Standard Time")
    if answer.status != 200:
        with pytest.raises(GraphError):
            rows(Strange(answer), time_zone="Tonga Standard Time", check_supported=True)


def test_an_older_server_in_a_plan(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        for number in range(40):
            if lacking(bench.desk.sim.tenant.seed, number):
                with pytest.raises(InputError, match="does not take 'Yukon Standard Time'"):
                    await bench.plan(bench.mailbox(number))
            else:
                assert await bench.plan(bench.mailbox(number))

    on_bench("settings.apply", tmp_path, act, {"time_zone": "Yukon Standard Time", "language": "is-IS"}, **CALM)


def test_the_least_permission_with_and_without_the_check(tmp_path: Path) -> None:
    def least(**options: Any) -> list[str]:
        checked: Any = check_options(settings_apply, options)
        return list(needs(checked).names())

    zone: dict[str, Any] = {"time_zone": "Tonga Standard Time"}
    assert least(**zone) == least(date_format="y", check_supported=True) == ["MailboxSettings.ReadWrite"]
    assert least(**zone, check_supported=True) == ["MailboxSettings.ReadWrite", "User.ReadBasic.All"]
    with open_tenant(tmp_path, Settings(mailboxes=20, **CALM)) as tenant:
        tenant.grant("MailboxSettings.ReadWrite")
        insisting = {**zone, "check_supported": True}
        less = tenant.run("settings.apply", tmp_path / "a", options=insisting)
        assert less.code == 4
        assert "User.ReadBasic.All" in less.err
        assert tenant.run("settings.apply", tmp_path / "b", options=zone).code == 0
        tenant.grant("MailboxSettings.ReadWrite", "User.ReadBasic.All")
        assert tenant.run("settings.apply", tmp_path / "c", options=insisting, settings={"task.apply": True}).code == 0
