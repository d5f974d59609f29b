"""`failed.csv`, and what is kept for a retry, is input for a task that wants the columns of the list."""

from pathlib import Path

from bulkmail.sim import Settings
from bulkmail.testing.tenant import Done, Tenant, open_tenant
from tests.forked import run

GREETING = """
from pathlib import Path
from bulkmail import Options, task

MENDED = Path(__file__).with_name("mended")

@task("greeting", summary="Greets by name", permission="MailboxSettings.Read",
      columns={"mailbox": "", "greeting": ""}, wants_columns=True)
async def greeting(mailbox, graph, options):
    if mailbox.columns["Status"] == "away" and not MENDED.exists():
        raise RuntimeError("not now")
    yield {"greeting": f"Dear {mailbox.columns['Name']}"}
"""
LISTED = 'mailbox,Name,Status\n{0},Ada,here\n{1},"=Grace, ""Amazing""\nHopper",away\n'
EXPECTED = 'Dear =Grace, "Amazing"\nHopper'


def first_run(tenant: Tenant, folder: Path) -> Done:
    """One of two mailboxes fails."""
    (folder / "greeting.py").write_text(GREETING)
    (folder / "job").mkdir()
    listed = folder / "job" / "staff.csv"
    listed.write_text(LISTED.format(*tenant.addresses(2)))
    done = tenant.run(f"{folder / 'greeting.py'}:greeting", folder / "job", "--input", "staff.csv", addresses=[])
    assert done.code == 3, done.err
    assert sorted(done.statuses().values()) == ["failed", "ok"]
    (folder / "mended").touch()
    return done


def test_failed_csv_is_input_for_the_same_task(tmp_path: Path) -> None:
    with open_tenant(tmp_path, Settings(mailboxes=3)) as tenant:
        first_run(tenant, tmp_path)
        (tmp_path / "job" / "staff.csv").unlink()
        again = run(tmp_path / "job", "run", "job.toml", "--input", "out/failed.csv", "--output", "again", out="again")
    assert again.code == 0, again.err
    assert [row["greeting"] for row in again.rows] == [EXPECTED]


def test_a_retry_has_the_columns_and_its_own_failed_csv_has_them_too(tmp_path: Path) -> None:
    with open_tenant(tmp_path, Settings(mailboxes=3)) as tenant:
        first_run(tenant, tmp_path)
        (tmp_path / "mended").unlink()
        failed = run(tmp_path / "job", "resume", "out", "--retry", "failed", out="out-2")
        assert failed.code == 1, failed.err  # it has a bug in every mailbox that it was given
        (tmp_path / "mended").touch()
        again = run(tmp_path / "job", "run", "job.toml", "--input", "out-2/failed.csv", "--output", "x", out="x")
    assert [row["greeting"] for row in again.rows] == [EXPECTED]
