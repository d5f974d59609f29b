"""Metrics say what a snapshot says, are what Prometheus reads, and reach it by a file and by a page."""

import logging
import os
import re
import shutil
import subprocess
import urllib.request
from dataclasses import replace
from pathlib import Path
from threading import Event

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bulkmail.errors import UsageError
from bulkmail.report.exporter import address, listening, writing
from bulkmail.report.metrics import FINISHED, SUCCESS, Metrics, kept_in, labels_of, write
from bulkmail.rundir.manifest import JobFile, Waited
from bulkmail.rundir.samples import Sample
from tests.ports import quiet_port
from tests.report.folders import NIGHT

CONFIGS = Path(__file__).parents[2] / "configs" / "monitoring"
RUNNING = replace(NIGHT, state="running", ended="", exit_code=None)
SAMPLE = Sample(
    1.0, 2.0, expected=9, done=7, statuses={"ok": 6, "denied": 1}, rows=5, requests=20, throttled=3, waited=1.5,
    limits={'Odd "limit"\\\n, mailbox': Waited(2, 1.5)}, changes={"done": 4}, in_flight=8, window=64, rate=None,
    limit=12.5, queue=3, memory=4096,
)  # fmt: skip
LABELS = {"task": "settings.apply", "job_file": "nightly", "mode": "drift"}


class Asked(Metrics):
    """Says when it was asked for its text a second time."""

    def __init__(self) -> None:
        super().__init__()
        self.times, self.once, self.twice = 0, Event(), Event()

    def text(self) -> bytes:
        self.times += 1
        self.once.set()
        if self.times > 1:
            self.twice.set()
        return super().text()


def metrics_of(manifest: object = RUNNING, sample: Sample | None = SAMPLE) -> Metrics:
    metrics = Metrics()
    metrics.manifest, metrics.sample = manifest, sample  # type: ignore[assignment]
    return metrics


def values(text: bytes) -> dict[tuple[str, str], float]:
    """By the name and the label that is not common to all."""
    found = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            assert sample.labels.items() >= LABELS.items()
            (more,) = [value for name, value in sample.labels.items() if name not in LABELS] or [""]
            found[sample.name, more] = sample.value
    return found


def test_a_run_that_goes_on() -> None:
    found = values(metrics_of().text())
    assert found["bulkmail_mailboxes_total", "ok"] == 6
    assert found["bulkmail_mailboxes_total", "failed"] == 0
    assert found["bulkmail_limit_waits_total", 'Odd "limit"\\\n, mailbox'] == 2
    assert found["bulkmail_limit_requests_per_second", ""] == 12.5
    assert ("bulkmail_pace_requests_per_second", "") not in found, "nothing bounds it"
    assert found["bulkmail_run_running", ""] == 1
    assert found["bulkmail_certificate_expires_timestamp_seconds", ""] == 1796428800
    assert not {(SUCCESS, ""), ("bulkmail_run_exit_code", "")} & set(found)


def test_a_run_that_has_ended() -> None:
    found = values(metrics_of(NIGHT).text())
    assert found["bulkmail_run_exit_code", ""] == 8
    assert found["bulkmail_run_running", ""] == 0
    assert found[FINISHED, ""] == found["bulkmail_run_ended_timestamp_seconds", ""] == 1795656200
    assert (SUCCESS, "") not in found, "drift was found"
    assert (SUCCESS, "") in values(metrics_of(replace(NIGHT, exit_code=0)).text())


def test_before_anything_is_known_there_is_nothing() -> None:
    assert metrics_of(None).text() == b""
    assert labels_of(replace(NIGHT, undo=True, job=JobFile("C:\\jobs\\a.b.toml"))) == ("settings.apply", "a.b", "undo")


def test_a_file_keeps_when_a_run_last_succeeded(tmp_path: Path) -> None:
    path = tmp_path / "nightly.prom"
    assert kept_in(path) == {}
    write(metrics_of(replace(NIGHT, exit_code=0)), path)
    assert path.stat().st_mode & 0o777 == 0o644
    failed = Metrics(kept_in(path))
    failed.manifest = replace(NIGHT, state="failed", exit_code=4, ended="2026-11-27T01:20:00+00:00")
    write(failed, path)
    found = values(path.read_bytes())
    assert found[SUCCESS, ""] == found[FINISHED, ""] == 1795656200
    path.write_bytes(b"\xff no metrics {")
    assert kept_in(path) == {}


def test_the_file_is_written_while_a_run_goes_on_and_at_its_end(tmp_path: Path) -> None:
    path, metrics = tmp_path / "nightly.prom", Asked()
    metrics.manifest = RUNNING
    with writing(metrics, path, every=0.001):
        assert metrics.twice.wait(60), "the first is written when the second is asked for"
        assert values(path.read_bytes())["bulkmail_run_running", ""] == 1
        metrics.manifest = NIGHT
    assert values(path.read_bytes())["bulkmail_run_running", ""] == 0
    assert [one.name for one in tmp_path.iterdir()] == ["nightly.prom"]


def test_a_file_that_cannot_be_written_ends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), writing(metrics_of(), tmp_path / "missing" / "x.prom"):
        pass
    assert "the metrics could not be written" in caplog.text


def test_a_disk_that_refuses_while_a_run_goes_on_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    metrics = Asked()
    metrics.manifest = RUNNING
    with caplog.at_level(logging.WARNING), writing(metrics, tmp_path / "missing" / "x.prom", every=0.001):
        assert metrics.once.wait(60)
    assert caplog.text.count("goes on without its metrics") == 1
    assert caplog.text.count("could not be written") == 1


def test_they_are_served_while_the_block_lasts() -> None:
    port = quiet_port()
    page = f"http://127.0.0.1:{port}/metrics"
    with listening(metrics_of(), "127.0.0.1", port):
        with urllib.request.urlopen(page, timeout=60) as answer:
            assert values(answer.read())["bulkmail_mailboxes_total", "ok"] == 6
        with pytest.raises(UsageError, match="address already in use"), listening(Metrics(), "127.0.0.1", port):
            pass
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(page, timeout=60)


def test_an_address_is_one_with_a_port() -> None:
    assert address("127.0.0.1:9464") == ("127.0.0.1", 9464)
    assert address("[::1]:9464") == ("::1", 9464)
    for wrong in ("9464", "localhost:9464", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", ":9464"):
        with pytest.raises(UsageError, match="not an address and a port"):
            address(wrong)


PROMTOOL = shutil.which("promtool")


@pytest.mark.skipif(
    PROMTOOL is None and "BULKMAIL_PROMTOOL" not in os.environ,
    reason="promtool is not installed: apt-get install prometheus",
)
def test_promtool_accepts_the_metrics_and_the_rules() -> None:
    assert PROMTOOL is not None
    for metrics in (metrics_of(), metrics_of(NIGHT)):
        subprocess.run([PROMTOOL, "check", "metrics"], input=metrics.text(), capture_output=True, check=True)
    subprocess.run([PROMTOOL, "check", "rules", CONFIGS / "alerts.yml"], capture_output=True, check=True)
    subprocess.run([PROMTOOL, "test", "rules", CONFIGS / "alerts.test.yml"], capture_output=True, check=True)


def test_rules_and_dashboard_ask_for_metrics_that_exist() -> None:
    names = {name for name, _ in values(metrics_of(replace(NIGHT, exit_code=0), replace(SAMPLE, rate=3.0)).text())}
    for path in (CONFIGS / "alerts.yml", CONFIGS / "grafana.json"):
        asked = set(re.findall(r"bulkmail_\w+", path.read_text(encoding="utf-8")))
        assert asked
        assert asked <= names, f"{path.name} asks for {asked - names}"
    dashboard = orjson.loads((CONFIGS / "grafana.json").read_bytes())
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
