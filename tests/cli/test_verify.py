"""`bulkmail verify`: what was written passes, and every file that was changed is found."""

import json
from pathlib import Path
from typing import Any

import pytest

from bulkmail.identity.issue import new_key_pair
from bulkmail.identity.keyfile import load_certificate
from tests.cli.conftest import REPORT, Desk

SIGNED = ("--set", "output.sign=true")


def levels(desk: Desk, *flags: str | Path) -> dict[str, Any]:
    done = desk.bulkmail("verify", desk.folder / "out", "--json", *flags)
    told = json.loads(done.out)
    assert told["exit_code"] == done.code
    return {"code": done.code, **{one["check"]: one["level"] for one in told["checks"]}}


def certificate_of(desk: Desk) -> Path:
    path = desk.folder / "app.cer"
    path.write_bytes(desk.tenant.app.pem)
    return path


def test_a_run_that_was_not_signed(desk: Desk) -> None:
    desk.bulkmail("run", desk.job(REPORT))
    assert levels(desk) == {
        "code": 0, "manifest": "PASS", "files": "PASS", "journals": "PASS", "blobs": "SKIP", "signature": "SKIP",
    }  # fmt: skip
    assert levels(desk, "--certificate", certificate_of(desk))["code"] == 7


def test_a_run_that_was_signed_is_verified_by_the_certificate(desk: Desk) -> None:
    done = desk.bulkmail("run", desk.job(REPORT), *SIGNED)
    assert done.code == 0, done.err
    path = done.folder / "run.json.jws"
    assert path.stat().st_mode & 0o777 == 0o600
    found = levels(desk)
    assert (found["code"], found["signature"]) == (3, "WARN")
    assert levels(desk, "--certificate", certificate_of(desk))["code"] == 0
    other = desk.folder / "other.cer"
    other.write_text(new_key_pair("CN=other", key_size=2048).certificate.pem)
    assert levels(desk, "--certificate", other)["signature"] == "FAIL"
    assert load_certificate(certificate_of(desk)).sha1 in desk.bulkmail("verify", done.folder).out


@pytest.mark.parametrize(("name", "found"), [
    ("records.csv", "files"), ("records.ndjson", "files"), ("outcomes.ndjson", "journals"), ("run.json", "signature"),
])  # fmt: skip
def test_one_byte_that_was_changed_is_found(desk: Desk, name: str, found: str) -> None:
    desk.bulkmail("run", desk.job(REPORT), *SIGNED)
    path = desk.folder / "out" / name
    content = path.read_bytes()
    place = content.index(b"mailbox") if name != "run.json" else content.index(b'"seconds"')
    path.write_bytes(content[:place] + b"M" + content[place + 1 :] if name != "run.json" else content + b" ")
    told = levels(desk, "--certificate", certificate_of(desk))
    assert (told["code"], told[found]) == (7, "FAIL")


def test_a_file_that_is_gone_is_found(desk: Desk) -> None:
    desk.bulkmail("run", desk.job(REPORT))
    (desk.folder / "out" / "records.csv").unlink()
    done = desk.bulkmail("verify", desk.folder / "out")
    assert (done.code, "FAIL   files" in done.out, "records.csv" in done.out) == (7, True, True)


def test_a_run_that_goes_on_is_signed_anew(desk: Desk) -> None:
    first = desk.bulkmail("run", desk.job(REPORT), *SIGNED, "--max-duration", "1ms")
    assert first.code == 5, first.err
    before = (first.folder / "run.json.jws").read_text()
    assert levels(desk, "--certificate", certificate_of(desk))["code"] == 0
    assert desk.bulkmail("resume", first.folder).code == 0
    assert (first.folder / "run.json.jws").read_text() != before
    assert levels(desk, "--certificate", certificate_of(desk))["code"] == 0


def test_a_run_under_way_or_killed_is_warned_of(desk: Desk) -> None:
    done = desk.bulkmail("run", desk.job(REPORT))
    desk.edit(done, state="running", exit_code=None)
    assert levels(desk)["manifest"] == "WARN"


def test_without_a_certificate_nothing_is_promised(desk: Desk) -> None:
    (desk.folder / "secret").write_text("a secret")
    job = desk.job(REPORT, certificate="", certificate_password_file="")
    job.write_text(job.read_text().replace("[app]\n", '[app]\nclient_secret_file = "secret"\n'))
    done = desk.bulkmail("run", job, *SIGNED)
    assert (done.code, "output.sign" in done.err) == (2, True)


def test_what_is_no_run_is_refused(desk: Desk) -> None:
    assert desk.bulkmail("verify", desk.folder).code == 2
    unseen = desk.bulkmail("verify", desk.folder / ("x" * 300))  # as a folder that may not be looked into
    assert (unseen.code, "cannot look into" in unseen.err) == (2, True)


BLOBS = """
from collections.abc import AsyncIterator
from bulkmail import Graph, Mailbox, Options, Row, task

COLUMNS = {"mailbox": "a", "path": "p", "offset": "o", "bytes": "b", "sha256": "s"}

@task("keeps", summary="s", permission="MailboxSettings.Read", columns=COLUMNS)
async def keeps(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
    for part in (b"first", b"second"):
        async with graph.blob("both") as file:
            await file.write(part + mailbox.address.encode())
        yield dict(file.blob._asdict())
"""


def test_blobs_are_verified_by_what_their_rows_say(desk: Desk) -> None:
    (desk.folder / "keeps.py").write_text(BLOBS)
    done = desk.bulkmail("run", desk.job(REPORT.replace("settings.report", "keeps.py:keeps")))
    assert done.code == 0, done.err
    assert "24 blobs as written" in desk.bulkmail("verify", done.folder).out
    archive = next(path for path in (done.folder / "blobs").rglob("*") if path.is_file())
    archive.write_bytes(archive.read_bytes().replace(b"second", b"SECOND"))
    found = desk.bulkmail("verify", done.folder)
    assert (found.code, "1 of 24 blobs not as written" in found.out) == (7, True)


def test_a_signature_that_cannot_be_written_is_an_error_of_the_run(desk: Desk) -> None:
    (desk.folder / "out" / "run.json.jws").mkdir(parents=True)
    done = desk.bulkmail("run", desk.job(REPORT), *SIGNED)
    assert (done.code, "run.json.jws" in done.err) == (7, True)
