"""Where a Dask cluster is, how it is spoken with, and what is refused before anything is sent."""

import asyncio
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from distributed import KilledWorker
from distributed.client import FutureCancelledError
from distributed.comm import CommClosedError
from distributed.security import Security
from distributed.utils import key_split

from bulkmail.cluster.hosts import (
    CLOSED,
    NOBODY,
    DaskHosts,
    address_of,
    leave_interrupts,
    listening,
    local,
    security_of,
)
from bulkmail.cluster.messages import Lost
from bulkmail.cluster.sweeping import _is_blind, own_tokens
from bulkmail.config.tables import Cluster
from bulkmail.errors import ConfigError
from bulkmail.testing import run

TLS = "tls://127.0.0.1:8786"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder, made = tmp_path_factory.mktemp("tls"), Security.temporary()
    found: dict[str, Any] = {}
    for name, text in (
        ("tls_ca", made.tls_ca_file), ("tls_certificate", made.tls_client_cert), ("tls_key", made.tls_client_key)
    ):  # fmt: skip
        found[name] = folder / f"{name}.pem"
        found[name].write_text(text)
    return found


@pytest.mark.parametrize("address", ["tcp://10.0.0.5:8786", TLS])
def test_an_address_is_taken_as_it_is_and_a_file_gives_one(tmp_path: Path, address: str) -> None:
    assert address_of(address) == address
    file = tmp_path / "scheduler.json"
    file.write_text(f'{{"type": "Scheduler", "address": "{address}"}}')
    assert address_of(str(file)) == address


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"address": "ucx://a:1"}', '{"address": 7}'])
def test_what_gives_no_address_is_refused(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "scheduler.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=r"cluster\.scheduler"):
        address_of(str(file))


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="tcp://"):
        address_of("ws://10.0.0.5:8786")


def test_tls_files_make_both_ends_speak_tls(files: dict[str, Any]) -> None:
    found = security_of(Cluster(scheduler=TLS, **files), TLS)
    assert found.require_encryption
    assert found.get_connection_args("client")["ssl_context"]
    assert found.get_listen_args("scheduler")["ssl_context"]


def test_tls_without_its_files_is_refused(files: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="wants TLS"):
        security_of(Cluster(scheduler=TLS), TLS)
    with pytest.raises(ConfigError, match="wants TLS"):
        security_of(Cluster(scheduler=TLS, tls_ca=files["tls_ca"]), TLS)
    with pytest.raises(ConfigError, match=r"tls_key: there is no file"):
        security_of(Cluster(scheduler=TLS, **{**files, "tls_key": Path("missing.pem")}), TLS)


def test_tls_files_that_are_not_what_they_should_be_are_refused(files: dict[str, Any], tmp_path: Path) -> None:
    """A key with a password would be asked for at the terminal."""
    odd = tmp_path / "odd.pem"
    for content, said in ((b"no PEM", "cannot be used"), (b"-----BEGIN ENCRYPTED PRIVATE KEY-----", "a password")):
        odd.write_bytes(content)
        with pytest.raises(ConfigError, match=said):
            security_of(Cluster(scheduler=TLS, **{**files, "tls_key": odd}), TLS)
    with pytest.raises(ConfigError, match=r"tls_ca: cannot read"):
        security_of(Cluster(scheduler=TLS, **{**files, "tls_ca": tmp_path}), TLS)


def test_files_for_a_line_without_tls_are_refused(files: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="tls://"):
        security_of(Cluster(**files), "tcp://127.0.0.1:8786")


@pytest.mark.parametrize(("listen", "expected"), [
    ("", "tls://127.0.0.1:0"), ("10.0.0.9", "tls://10.0.0.9:0"), ("10.0.0.9:8790", "tls://10.0.0.9:8790")
])  # fmt: skip
def test_the_coordinator_listens_where_the_scheduler_is_reached_from(listen: str, expected: str) -> None:
    assert listening(listen, TLS) == expected


@pytest.mark.parametrize(("wanted", "own"), [
    ({"workers": 2}, False), ({"workers": 2, "tokens": "own"}, True),
    ({"scheduler": TLS}, False), ({"scheduler": TLS, "tokens": "own"}, True), ({"scheduler": "tcp://a:1"}, True),
])  # fmt: skip
def test_tokens_come_from_the_coordinator_where_nobody_can_read_along(wanted: dict[str, object], own: bool) -> None:
    assert own_tokens(Cluster.model_validate(wanted)) is own


def test_a_token_is_never_sent_without_tls() -> None:
    with pytest.raises(ConfigError, match="needs tls://"):
        own_tokens(Cluster(scheduler="tcp://10.0.0.5:8786", tokens="coordinator"))


@pytest.mark.parametrize("error", [
    ConnectionResetError("closed"), ValueError("IOStream is not idle; cannot convert to SSL"),
    RuntimeError("ConnectionPool is closed"), None,
], ids=["closed", "closed during the handshake", "given up", "silent"])  # fmt: skip
def test_a_scheduler_that_does_not_answer_has_no_workers_and_ends_no_run(error: Exception | None) -> None:
    async def identity(**_: Any) -> Any:
        if error is None:
            await asyncio.Event().wait()
        raise error or AssertionError

    async def main() -> None:
        client: Any = SimpleNamespace(scheduler=SimpleNamespace(identity=identity))
        assert await DaskHosts(client, Security(), "tls://127.0.0.1:0").names() == []

    run(main())


def test_an_address_that_cannot_be_listened_at_is_a_mistake_of_the_job() -> None:
    async def main() -> None:
        client: Any = SimpleNamespace()
        hosts = DaskHosts(client, Security(), "tcp://no-such-host.invalid:0")
        with pytest.raises(ConfigError, match="cannot listen for workers") as raised:
            await hosts.listen({}, lambda _: None)
        assert "cluster.listen" in raised.value.hint
        await hosts.close()

    asyncio.run(main())


class Scheduled:
    """A client of a Dask cluster with so many workers: what waits for one, by key."""

    dashboard_link = "http://127.0.0.1:8787/status"

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.waiting: dict[str, Any] = {}
        self.scheduler: Any = self

    async def identity(self, n_workers: int) -> Any:
        assert n_workers == -1
        return {"workers": {f"tcp://10.0.0.{one}:1": {} for one in range(self.workers)}}

    def submit(self, _work: Any, *_arguments: Any, key: str, **how: Any) -> str:
        self._require_open()
        self.waiting[key] = how
        return key

    async def cancel(self, keys: list[str]) -> None:
        self._require_open()
        for key in keys:
            del self.waiting[key]

    def _require_open(self) -> None:
        if self.scheduler is None:
            raise CLOSED("Client is closed. Can't send a message.")


def test_a_cluster_that_adapts_sees_how_many_workers_are_wanted() -> None:
    """Dask reckons with the time that tasks take which no worker can: half a second each, until it knows better."""

    async def main() -> None:
        client = Scheduled(1)
        hosts = DaskHosts(client, Security(), "tcp://127.0.0.1:0")
        await hosts.want(3)
        assert len(client.waiting) == 30
        assert all(how["resources"] == {NOBODY: 1} for how in client.waiting.values())
        client.workers = 3
        await hosts.want(3)
        assert client.waiting == {}
        hosts.begin("tcp://10.0.0.1:1", "key")
        client.waiting.clear()
        await hosts.want(5)
        assert len(client.waiting) == 2
        assert {key_split(key) for key in client.waiting} == {"bulkmail"}, "they are taken to last as long as sessions"
        await hosts.close()
        assert client.waiting == {}

    run(main())


def test_a_client_that_has_given_its_scheduler_up_disturbs_no_run() -> None:
    """Dask closes it seconds after a scheduler was lost; what workers are at is accounted for all the same."""

    async def main() -> None:
        client = Scheduled(1)
        hosts = DaskHosts(client, Security(), "tcp://127.0.0.1:0")
        await hosts.want(2)
        client.scheduler = None
        assert await hosts.names() == []
        await hosts.want(3)
        await hosts.close()

    run(main())


@pytest.mark.parametrize(
    "error",
    [
        KilledWorker("k", SimpleNamespace(address="tcp://10.0.0.1:1"), 0),
        FutureCancelledError("k", "scheduler-connection-lost"),
    ],
)
def test_a_worker_that_is_lost_while_it_is_asked_is_told_as_such(error: Exception) -> None:
    """Nothing is known of what it sees: it says so when it comes to a blob."""

    async def lost(*_: Any, **__: Any) -> None:
        raise error

    async def main() -> None:
        client: Any = SimpleNamespace(submit=lost)
        hosts = DaskHosts(client, Security(), "tcp://127.0.0.1:0")
        with pytest.raises(Lost, match="lost before it answered"):
            await hosts.ask("tcp://10.0.0.1:1", str)
        assert not await _is_blind(hosts, "tcp://10.0.0.1:1", (Path("run"), "id-1", ""))

    run(main())


class Interrupted:
    """A client, of which a worker dies while it is told."""

    def __init__(self) -> None:
        self.told = 0

    async def register_plugin(self, _plugin: object) -> None:
        self.told += 1
        raise CommClosedError("the worker has died")


def test_a_process_that_dies_before_it_leaves_interrupts_alone_ends_no_run() -> None:
    client: Any = Interrupted()
    asyncio.run(leave_interrupts(client))
    assert client.told == 1


def test_processes_of_this_machine_are_started() -> None:
    asked: list[int] = []
    run(DaskHosts(Scheduled(2), Security(), "tcp://127.0.0.1:0", asked.append).want(4))
    assert asked == [4]


def test_a_dashboard_is_told_where_there_is_one() -> None:
    assert DaskHosts(Scheduled(1), Security(), "").dashboard == Scheduled.dashboard_link
    assert DaskHosts(Scheduled(1), Security(), "", shows=False).dashboard == ""


@pytest.mark.skipif(find_spec("bokeh") is not None, reason="bokeh is installed")
def test_a_dashboard_without_bokeh_is_refused_before_a_process_is_started() -> None:
    async def main() -> None:
        with pytest.raises(ConfigError, match="bokeh"):
            async with local(2, dashboard=True):
                raise AssertionError

    run(main())


@pytest.mark.parametrize(("given", "begin", "most"), [
    ({"workers": 2}, 2, 2), ({"maximum": 8}, 1, 8), ({"minimum": 2, "maximum": 8}, 2, 8),
    ({"workers": 3, "maximum": 3}, 3, 3),
])  # fmt: skip
def test_a_run_begins_with_some_and_may_have_more(given: dict[str, int], begin: int, most: int) -> None:
    wanted = Cluster.model_validate(given)
    assert wanted.wanted
    assert (wanted.begin, max(wanted.begin, wanted.maximum)) == (begin, most)


@pytest.mark.parametrize("given", [{"workers": 3, "maximum": 2}, {"minimum": 3, "maximum": 2}])
def test_a_maximum_below_what_a_run_begins_with_is_refused(given: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="begins with 3"):
        Cluster.model_validate(given)
