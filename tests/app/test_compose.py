"""A job becomes parts, or is refused before anything is asked of anybody."""

from pathlib import Path
from typing import Any

import pytest

from bulkmail.app.compose import cloud_of, proxy_address, proxy_shown, settings_of, stack_settings, wire_settings
from bulkmail.config import App, Job, Limits
from bulkmail.core.pace.pace import CEILING
from bulkmail.errors import ConfigError


def app(**more: Any) -> App:
    return App(**{"tenant_id": "t.example", "client_id": "c"} | more)


@pytest.mark.parametrize("missing", ["tenant_id", "client_id"])
def test_who_signs_in_has_to_be_said(missing: str) -> None:
    with pytest.raises(ConfigError, match=f"app.{missing} is missing") as caught:
        settings_of(app(**{missing: ""}))
    assert f"BULKMAIL_{missing.upper()}" in caught.value.hint


def test_a_password_comes_from_the_environment_or_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "pass").write_text("from the file\n")
    by_file = settings_of(app(certificate_password_file=tmp_path / "pass")).certificate_password
    both = settings_of(app(certificate_password_file=tmp_path / "pass", certificate_password="given"))
    assert by_file is not None
    assert by_file.reveal() == "from the file"
    assert both.certificate_password is not None
    assert both.certificate_password.reveal() == "given"
    assert settings_of(app()).certificate_password is None


def test_endpoints_go_with_a_custom_cloud() -> None:
    assert cloud_of(app()).graph == "https://graph.microsoft.com"
    custom = cloud_of(app(cloud="custom", login="https://127.0.0.1:1", graph="http://127.0.0.1:2"))
    assert custom.graph == "http://127.0.0.1:2"
    with pytest.raises(ConfigError, match="go with cloud"):
        cloud_of(app(graph="https://graph.example"))
    with pytest.raises(ConfigError):
        cloud_of(app(cloud="globe"))


def test_limits_reach_the_stack() -> None:
    settings = stack_settings(Limits(mailbox_concurrency=2, requests_per_second=9.0, batch=True, max_attempts=3))
    assert (settings.slots, settings.rate, settings.batch, settings.retries.attempts) == (2, 9.0, 20, 3)
    assert stack_settings(Limits()).in_flight is None


def test_there_are_as_many_connections_as_requests_in_flight() -> None:
    def connections(limits: Limits) -> int:
        return wire_settings(Job(app=app(), limits=limits)).connections

    assert connections(Limits()) == CEILING
    assert connections(Limits(requests_in_flight=9000)) == 9000


def test_proxies_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "127.0.0.1,.local.example")
    assert proxy_address("https://graph.microsoft.com/v1.0") == "http://proxy.example:3128"
    assert proxy_address("https://127.0.0.1:8443/v1.0") is None
    assert proxy_address("https://graph.local.example/v1.0") is None


def test_the_proxy_is_shown_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://ada:c4n4ry@proxy.example:3128")
    assert proxy_shown(App()) == "http://proxy.example:3128"
    assert proxy_address("https://graph.microsoft.com/v1.0") == "http://ada:c4n4ry@proxy.example:3128"
    monkeypatch.setenv("no_proxy", "*")
    assert proxy_shown(App()) == ""
