"""`--mask`: no address is in what is told, a mailbox has the same digest each night, and the owner can look it up."""

import csv
import logging

import pytest

from bulkmail.app.masking import masked_logs
from bulkmail.core.mask import HIDDEN, Mask
from tests.cli.conftest import REPORT, Desk

GONE = "nobody.o'here@tenant.example"
TOLD = ("records.csv", "records.ndjson", "outcomes.csv", "report.html", "run.json", "samples.ndjson")


def masked_run(desk: Desk, out: str = "out") -> dict[str, str]:
    """Which digest stands for which mailbox, after a look at all that is told."""
    addresses = [*desk.tenant.addresses(), GONE]
    desk.mailboxes(addresses)
    done = desk.bulkmail(
        "run", desk.job(REPORT), "--mask", "--log-json", "--set", "output.report=true", out=out
    )  # fmt: skip
    assert done.code == 0, done.err
    again = desk.bulkmail("show", done.folder, out=out)
    told = {name: (done.folder / name).read_text() for name in TOLD}
    for name, text in {**told, "out": done.out, "err": done.err, "show": again.out}.items():
        left = [address for address in addresses if address in text.replace("&#39;", "'")]
        assert left == [], name
    with (done.folder / "addresses.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert (done.folder / "addresses.csv").stat().st_mode & 0o777 == 0o600
    assert sorted(row["mailbox"] for row in rows) == sorted(addresses)
    digests = {row["masked"]: row["mailbox"] for row in rows}
    assert {row["mailbox"] for row in done.rows} < set(digests)
    gone = next(digest for digest, address in digests.items() if address == GONE)
    assert gone in told["report.html"]
    assert gone in told["outcomes.csv"]
    return digests


def test_no_address_is_told_and_digests_last(desk: Desk) -> None:
    first = masked_run(desk)
    key = desk.folder / "job.mask.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert masked_run(desk, "out-2") == first
    desk.mailboxes(desk.tenant.addresses(3))
    assert desk.bulkmail("run", desk.job(REPORT), "--mask", out="out-3").code == 0
    diff = desk.bulkmail("diff", desk.folder / "out-2", desk.folder / "out-3")
    assert any(digest in diff.out for digest in first)
    assert "@tenant.example" not in diff.out + diff.err
    key.unlink()
    shown = desk.bulkmail("show", desk.folder / "out")
    assert shown.code == 0, shown.err
    assert "@tenant.example" not in shown.out
    key.write_text("not a key")
    done = desk.bulkmail("run", desk.job(REPORT), "--mask", out="out-4")
    assert (done.code, "not a key of masks" in done.err) == (2, True)


def test_without_it_there_is_no_key_and_no_list(desk: Desk) -> None:
    done = desk.bulkmail("run", desk.job(REPORT))
    assert done.code == 0
    assert not (desk.folder / "job.mask.key").exists()
    assert not (done.folder / "addresses.csv").exists()


def test_what_libraries_log_is_masked_as_well(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("some.library")
    mask, root = Mask(), logging.getLogger()
    seen: list[str] = []
    address = "ada@contoso.com"

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(f"{self.format(record)} {getattr(record, 'fields', '')}")

    handler = Kept()
    root.addHandler(handler)
    try:
        with masked_logs(mask):
            log.warning("%s is odd", "ada@contoso.com", extra={"fields": {"mailbox": "ada@contoso.com"}})
            try:
                int(address)
            except ValueError:
                log.exception("it failed")
        log.warning("%s is odd", "ada@contoso.com")
    finally:
        root.removeHandler(handler)
    assert seen[0] == f"{HIDDEN} is odd {{'mailbox': '{HIDDEN}'}}"
    assert f"ValueError: invalid literal for int() with base 10: '{HIDDEN}'" in seen[1]
    assert "ada@" not in seen[1]
    assert "ada@contoso.com is odd" in seen[2]
