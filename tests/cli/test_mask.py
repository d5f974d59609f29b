"""`--mask`: addresses are in one private file and in no other; a run goes on, and is taken back, by that file alone."""

import json
import logging
import shutil
from pathlib import Path

import pytest

from bulkmail.app.masking import masked_logs
from bulkmail.core.mask import HIDDEN, Mask
from bulkmail.sim import Settings
from bulkmail.sim.families.settings.content import settings_in, settings_of
from bulkmail.testing.tenant import Done
from tests.cli.conftest import APPLY, LIST, REPORT, Desk

GONE = "nobody.o'here@tenant.example"
TOLD = ("records.csv", "records.ndjson", "outcomes.csv", "outcomes.ndjson", "report.html", "run.json", "samples.ndjson")
RULES = f'{LIST}\n[task]\nname = "rules.report"\n'
SAID = "Write to Ada.Other@tenant.example or to the colleague that stands in for me"


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings(mailboxes=24, seed=3, latency=0.0, absent=0.1, denied=0.2, moving=0.0)


def listed(desk: Desk) -> list[str]:
    """A list in which addresses stand in many ways; all that are in it."""
    addresses = [*desk.tenant.addresses(), GONE]
    rows = [f"{one.title() if place % 3 else one},{addresses[place - 1]},x" for place, one in enumerate(addresses)]
    rows += [f"{addresses[0]},,again", f"{addresses[1]};{addresses[2]},,two", ",,"]
    (desk.folder / "mailboxes.csv").write_text("\n".join(["mailbox,manager,more", *rows]))
    return addresses


def looked_up(folder: Path) -> dict[str, str]:
    """The private file of a run: texts by what stands for them."""
    private = folder / "addresses.ndjson"
    assert private.stat().st_mode & 0o777 == 0o600
    lines = [json.loads(line) for line in private.read_text(encoding="utf-8").splitlines()]
    return {line["masked"]: line["text"] for line in lines}


def require_masked(desk: Desk, *done: Done) -> None:
    """No byte of any file but the private one, and none of what was printed, tells who has a mailbox."""
    addresses = [*desk.tenant.addresses(), GONE, "Ada.Other@tenant.example"]
    for one in done:
        files = {path: path.read_bytes() for path in one.folder.rglob("*") if path.is_file()}
        files = {path: content for path, content in files.items() if path.name != "addresses.ndjson"}
        files |= {Path("out"): one.out.encode(), Path("err"): one.err.encode()}
        for path, content in files.items():
            text = f"{path}\n{content.decode('utf-8', 'replace')}".lower()
            for escaped, plain in (("&#39;", "'"), ("%27", "'"), ("%40", "@"), ("\\u0027", "'")):
                text = text.replace(escaped, plain)
            assert [address for address in addresses if address.lower() in text] == [], path
            assert "@tenant.example" not in text, path


def masked_run(desk: Desk, out: str = "out") -> dict[str, str]:
    """Which digest stands for which mailbox, after a look at all that is told."""
    addresses = listed(desk)
    done = desk.bulkmail(
        "run", desk.job(REPORT), "--mask", "--log-json", "--set", "output.report=true", out=out
    )  # fmt: skip
    assert done.code == 3, done.err
    again = desk.bulkmail("show", done.folder, out=out)
    verified = desk.bulkmail("verify", done.folder, out=out)
    assert (again.code, verified.code) == (0, 0), verified.out
    require_masked(desk, done, again, verified)
    texts = looked_up(done.folder)
    names = {token.partition("~")[0]: text.lower() for token, text in texts.items()}
    assert {row["mailbox"] for row in done.rows} < set(names)
    outcomes = [json.loads(line) for line in (done.folder / "outcomes.ndjson").read_text().splitlines()]
    found = {one["mailbox"]: names[one["mailbox"]] for one in outcomes}
    assert sorted(found.values()) == sorted(map(str.lower, addresses))
    told = {name: (done.folder / name).read_text() for name in TOLD}
    gone = next(digest for digest, address in found.items() if address == GONE)
    assert gone in told["report.html"]
    assert gone in told["outcomes.csv"]
    assert "one of these" not in (done.folder / "rejected.csv").read_text()
    assert "mailbox-" in (done.folder / "rejected.csv").read_text()
    assert "mailbox-" in (done.folder / "failed.csv").read_text()
    return found


def test_no_address_is_told_and_digests_last(desk: Desk) -> None:
    first = masked_run(desk)
    key = desk.folder / "job.mask.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert masked_run(desk, "out-2") == first
    desk.mailboxes(desk.tenant.addresses(3))
    third = desk.bulkmail("run", desk.job(REPORT), "--mask", out="out-3")
    assert third.code in (0, 3), third.err
    for form in ("table", "csv", "ndjson", "html"):
        diff = desk.bulkmail("diff", desk.folder / "out-2", desk.folder / "out-3", "--format", form)
        assert any(digest in diff.out for digest in first)
        assert "@tenant.example" not in diff.out + diff.err
    key.unlink()
    shown = desk.bulkmail("show", desk.folder / "out")
    assert shown.code == 0, shown.err
    assert "@tenant.example" not in shown.out
    key.write_text("not a key")
    done = desk.bulkmail("run", desk.job(REPORT), "--mask", out="out-4")
    assert (done.code, "not a key of masks" in done.err) == (2, True)


def test_addresses_in_rows_are_masked_as_well_and_can_be_looked_up(desk: Desk) -> None:
    listed(desk)
    done = desk.bulkmail("run", desk.job(RULES), "--mask", "--set", "output.report=true")
    assert done.code == 3, done.err
    require_masked(desk, done)
    texts = looked_up(done.folder)
    named = {word for row in done.rows for cell in row.values() for word in str(cell).split() if "mailbox-" in word}
    assert named
    assert all(any(token.startswith(word[-24:]) for token in texts) for word in named if len(word) == 24)


def test_a_tenants_own_directory_is_copied_without_addresses(desk: Desk) -> None:
    job = desk.job('[input]\nusers = ""\nwhere = "mailbox != \'x\'"\n[task]\nname = "settings.report"\n')
    done = desk.bulkmail("run", job, "--mask")
    assert done.code == 3, done.err
    require_masked(desk, done)
    again = desk.bulkmail("resume", done.folder, "--retry", "denied", "--job", job, "--log-json")
    assert "people" not in again.err
    folder = next(path for path in desk.folder.iterdir() if path.name.startswith("out-"))
    outcomes = [json.loads(line) for line in (folder / "outcomes.ndjson").read_text().splitlines()]
    assert {one["status"] for one in outcomes} == {"denied"}
    require_masked(desk, Done(again.code, again.out, again.err, folder))


def test_what_is_applied_in_parts_is_taken_back_whole_by_the_private_file(own: Desk) -> None:
    """Plan, apply, stop, resume, undo, stop, resume: the mailboxes are as they were, to the letter."""
    listed(own)
    world, numbers = own.tenant.simulator.world, range(len(own.tenant.addresses()))
    colleagues = own.tenant.addresses()
    for number in numbers:
        said = f"{SAID}, {colleagues[number].upper()}, o'other@tenant.example; mailbox-0123456789abcdef"
        kept = settings_in(world.mailboxes.write(number))["automaticRepliesSetting"]
        kept |= {"status": "disabled", "internalReplyMessage": f"<html>\n<body>\n{said}<br>\n</body>\n</html>\n"}
    job = own.job(APPLY + f'auto_reply_status = "alwaysEnabled"\ninternal_reply = "{SAID}: bulkmail"\n')

    def state() -> list[tuple[str, str, str]]:
        held = [settings_of(world, number) for number in numbers]
        replies = [one["automaticRepliesSetting"] for one in held]
        return [
            (one["timeZone"], own["status"], own["internalReplyMessage"])
            for one, own in zip(held, replies, strict=True)
        ]

    before = state()
    plan = own.bulkmail("run", job, "--mask")
    assert plan.code == 3, plan.err
    applied = own.bulkmail("apply", plan.folder, "--max-changes", "5", out="out-applied")
    assert applied.code == 5, applied.err
    resumed = own.bulkmail("resume", applied.folder, "--max-changes", "500", out="out-applied")
    assert resumed.code in (0, 3), resumed.err
    assert state() != before
    undone = own.bulkmail("undo", applied.folder, "--apply", "--max-changes", "4", out="out-applied-undo")
    assert undone.code == 5, undone.err
    assert own.bulkmail("report", undone.folder).code == 0
    last = own.bulkmail("resume", undone.folder, "--max-changes", "500", out="out-applied-undo")
    assert last.code == 0, last.out
    assert own.bulkmail("report", last.folder).code == 0
    assert state() == before
    shown = own.bulkmail("show", plan.folder, "--json")
    assert json.loads(shown.out)["options"]["internal_reply"].startswith("Write to mailbox-")
    require_masked(own, plan, applied, resumed, undone, last, shown)
    assert {row["result"] for row in last.rows} == {"restored"}


def test_without_the_private_file_a_run_can_be_shown_and_not_gone_on_with(own: Desk) -> None:
    listed(own)
    applied = own.bulkmail("run", own.job(APPLY), "--mask", "--apply", "--max-changes", "5")
    assert applied.code == 5, applied.err
    passed_on = own.folder / "passed-on"
    shutil.copytree(applied.folder, passed_on)
    (passed_on / "addresses.ndjson").unlink()
    for command in ("show", "report"):
        assert own.bulkmail(command, passed_on).code == 0
    same = own.bulkmail("diff", applied.folder, passed_on, "--exit-code")
    assert "@tenant.example" not in same.out
    for command in ("resume", "undo"):
        done = own.bulkmail(command, passed_on)
        assert (done.code, "does not say which address" in done.err) == (7, True), done.err
    (own.folder / "job.mask.key").rename(own.folder / "away")
    done = own.bulkmail("resume", applied.folder)
    assert (done.code, "not a key of masks" in done.err) == (2, True)
    (own.folder / "away").rename(own.folder / "job.mask.key")
    assert own.bulkmail("resume", applied.folder, "--max-changes", "500").code in (0, 3)


def test_failed_csv_of_a_masked_run_is_no_input(desk: Desk) -> None:
    listed(desk)
    done = desk.bulkmail("run", desk.job(REPORT), "--mask")
    again = desk.bulkmail("run", desk.job(REPORT), "--input", done.folder / "failed.csv", out="out-2")
    assert (again.code, "digests are not addresses" in again.err) == (2, True)
    assert f"bulkmail resume {done.folder} --retry failed,denied,unknown" in " ".join(again.err.split())


def test_without_it_there_is_no_key_and_no_list(desk: Desk) -> None:
    done = desk.bulkmail("run", desk.job(REPORT))
    assert done.code == 3
    assert not (desk.folder / "job.mask.key").exists()
    assert not (done.folder / "addresses.ndjson").exists()


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
